import { apiOf, type Command } from '../command.ts'
import { type EnrollTokenView, securityPath } from '../enroll-token.ts'
import { readRef } from '../identity.ts'
import { formatTime } from '../output.ts'
import { type Page, showPage } from '../pages.ts'

export const securityEnrollTokenList: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [['security enroll-token list pump-1', 'open ones, and who used the others']],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const path = securityPath(deviceId, 'enrollment-tokens')
    const page = await apiOf(input, context).get<Page<EnrollTokenView>>(path)
    showPage(context, page, {
      head: ['TOKEN', 'STATUS', 'MODULE', 'BY', 'EXPIRES', 'USED', 'FROM'],
      row: (token) => [
        token.tokenId,
        token.status,
        token.moduleId ?? '',
        token.createdBy,
        formatTime(token.expiresTimeUtc),
        formatTime(token.usedTimeUtc),
        token.usedAddress ?? '',
      ],
      empty: `${deviceId} has no enrolment tokens.`,
    })
  },
}
