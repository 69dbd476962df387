import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { type ConfigurationView, showConfiguration } from '../security-view.ts'

export const securityConfigShow: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [
    ['security config show pump-1', 'every setting, its value and what the agent reports'],
  ],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const path = `/api/devices/${encodeURIComponent(deviceId)}/security/config`
    const view = await apiOf(input, context).get<ConfigurationView>(path)
    if (context.out.isJson) context.out.json(view)
    else showConfiguration(context.out, view)
  },
}
