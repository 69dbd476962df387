import { apiOf, type Command } from '../command.ts'
import { type EnrollTokenView, securityPath } from '../enroll-token.ts'
import { readRef } from '../identity.ts'
import { formatTime } from '../output.ts'

const MAX_MINUTES = 7 * 24 * 60

export const securityEnrollTokenCreate: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [
    {
      flags: '--valid-for <minutes>',
      description: 'for so long',
      defaultText: '60',
      integer: { min: 1, max: MAX_MINUTES },
    },
    {
      flags: '--module <id>',
      description: 'the security module',
      defaultText: 'the one of the device, else the one of new devices',
    },
  ],
  talksTo: 'server',
  details:
    'The token is printed once and stored nowhere. It works once; what opened the security module\n' +
    'before opens it no more then.',
  examples: [
    ['security enroll-token create pump-1', 'to be redeemed within an hour'],
    ['security enroll-token create pump-1 --valid-for 10 --json', 'for a script'],
  ],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const moduleId = input.text('module')
    const validForMinutes = input.integer('validFor')
    const body = {
      ...(validForMinutes !== undefined && { validForMinutes }),
      ...(moduleId !== undefined && { moduleId }),
    }
    const path = securityPath(deviceId, 'enrollment-tokens')
    const api = apiOf(input, context)
    const made = await api.post<EnrollTokenView & { readonly token: string }>(path, body)
    const { out } = context
    if (out.isJson) out.json(made)
    else {
      out.print(made.token)
      const until = formatTime(made.expiresTimeUtc)
      out.note(`Good until ${until}, once. On the device: twinward security enroll --url URL`)
    }
  },
}
