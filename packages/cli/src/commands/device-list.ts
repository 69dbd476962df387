import { apiOf, type Command, nextCommand } from '../command.ts'
import { type Identity, withoutKeys } from '../identity.ts'
import { formatTime } from '../output.ts'

/** Most devices that the route answers. */
const MAX_TOP = 1000

export const deviceList: Command = {
  options: [
    {
      flags: '--top <n>',
      description: `at most so many, up to ${MAX_TOP}`,
      defaultText: String(MAX_TOP),
      integer: { min: 1, max: MAX_TOP },
    },
  ],
  talksTo: 'server',
  examples: [
    ['device list', 'a table'],
    ['device list --top 10 --json', 'for a program'],
  ],

  async run(input, context) {
    const { out } = context
    const top = input.integer('top') ?? MAX_TOP
    const devices = await apiOf(input, context).get<readonly Identity[]>('/devices', { top })
    if (out.isJson) out.json(devices.map(withoutKeys))
    else if (devices.length === 0) {
      out.note(`No devices yet. Create one: ${nextCommand(input, context, 'device create ID')}`)
    } else {
      out.table(
        ['DEVICE', 'STATUS', 'CONNECTION', 'LAST ACTIVITY', 'AUTHENTICATION'],
        devices.map((device) => [
          device.deviceId,
          device.status ?? '',
          device.connectionState,
          formatTime(device.lastActivityTime),
          device.authentication.type,
        ]),
      )
    }
    if (devices.length === top) out.note(`There may be more than ${top} devices.`)
  },
}
