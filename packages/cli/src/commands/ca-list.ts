import { type CaCertificate, withoutContent } from '../ca-certificate.ts'
import { apiOf, type Command, nextCommand } from '../command.ts'

export const caList: Command = {
  talksTo: 'server',
  examples: [['ca list', 'a table']],

  async run(input, context) {
    const { out } = context
    const { value } = await apiOf(input, context).get<{ value: readonly CaCertificate[] }>(
      '/api/certificates',
    )
    if (out.isJson) out.json(value.map(withoutContent))
    else if (value.length === 0) {
      out.note(`No CAs yet. Register one: ${nextCommand(input, context, 'ca add FILE')}`)
    } else {
      out.table(
        ['NAME', 'VERIFIED', 'SUBJECT', 'EXPIRES', 'THUMBPRINT'],
        value.map(({ name, properties: { isVerified, subject, expiry, thumbprint } }) => [
          name,
          isVerified ? 'yes' : 'no',
          subject,
          expiry,
          thumbprint,
        ]),
      )
    }
  },
}
