import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { type DeviceSecurityView, showDeviceSecurity } from '../security-view.ts'

export const securityShow: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [['security show pump-1', 'state, score, agent, open findings']],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const path = `/api/devices/${encodeURIComponent(deviceId)}/security`
    const view = await apiOf(input, context).get<DeviceSecurityView>(path)
    if (context.out.isJson) context.out.json(view)
    else showDeviceSecurity(context.out, view)
  },
}
