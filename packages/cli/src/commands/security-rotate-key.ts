import { apiOf, type Command } from '../command.ts'
import { type EnrolledView, securityPath } from '../enroll-token.ts'
import { readRef } from '../identity.ts'

export const securityRotateKey: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [
    {
      flags: '--module <id>',
      description: 'the security module',
      defaultText: 'the one of the device',
    },
    { flags: '--revoke', description: 'the old keys stop working at once' },
  ],
  talksTo: 'server',
  details:
    'Prints the connection string with the new key. The key that the agent used last stays good as\n' +
    'the secondary one until the next rotation, which is refused for 24 hours. Agents in device mode\n' +
    'fetch the new key by themselves when they start.',
  examples: [
    ['security rotate-key pump-1', 'then give the agent the new connection string'],
    ['security rotate-key pump-1 --revoke', 'a key is in wrong hands'],
  ],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const moduleId = input.text('module')
    const revoke = input.isSet('revoke')
    const body = { revoke, ...(moduleId !== undefined && { moduleId }) }
    const path = `${securityPath(deviceId, 'credentials')}/rotate`
    const rotated = await apiOf(input, context).post<EnrolledView>(path, body)
    if (context.out.isJson) context.out.json(rotated)
    else context.out.print(rotated.connectionString)
  },
}
