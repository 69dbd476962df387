import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { type ConfigurationView, showConfiguration } from '../security-view.ts'
import { readChanges, SETTING_ARGUMENT, SETTING_DETAILS } from '../setting-changes.ts'

export const securityConfigSet: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }, SETTING_ARGUMENT],
  talksTo: 'server',
  details: `A value that is taken away becomes that of the group or the hub, or the default.\n${SETTING_DETAILS}`,
  examples: [
    ['security config set pump-1 snapshotFrequency=PT1H', 'one setting'],
    ['security config set pump-1 snapshotFrequency=', 'back to what it inherits'],
  ],

  async run(input, context) {
    const { out } = context
    const { deviceId } = readRef(input.argument(0))
    const settings = readChanges(input.rest())
    const path = `/api/devices/${encodeURIComponent(deviceId)}/security/config`
    const view = await apiOf(input, context).patch<ConfigurationView>(path, { settings })
    if (out.isJson) out.json(view)
    else showConfiguration(out, view)
  },
}
