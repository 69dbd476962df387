import { apiOf, type Command } from '../command.ts'
import { securityPath } from '../enroll-token.ts'
import { readRef } from '../identity.ts'

export const securityEnrollTokenRevoke: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<token>', description: "the token's id, as the list shows it" },
  ],
  talksTo: 'server',
  examples: [['security enroll-token revoke pump-1 3f9a0c11d2e4b567', 'it opens nothing any more']],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const tokenId = encodeURIComponent(input.argument(1))
    const path = securityPath(deviceId, `enrollment-tokens/${tokenId}`)
    await apiOf(input, context).delete(path)
    const { out } = context
    if (out.isJson) out.json({ deviceId, tokenId: input.argument(1) })
    else out.note(`Revoked token ${input.argument(1)} of ${deviceId}.`)
  },
}
