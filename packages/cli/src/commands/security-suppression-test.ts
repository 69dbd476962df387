import { apiOf, type Command } from '../command.ts'
import type { AlertView } from '../finding.ts'
import { formatTime } from '../output.ts'
import { MATCH_DETAILS, MEANT_OPTIONS, readMeant, SUPPRESSIONS } from '../suppression.ts'

interface Preview {
  readonly matched: number
  readonly isComplete: boolean
  readonly items: readonly AlertView[]
}

export const securitySuppressionTest: Command = {
  options: MEANT_OPTIONS,
  talksTo: 'server',
  details: `Changes nothing. ${MATCH_DETAILS}`,
  examples: [
    ['security suppression test --type IoT_WebShell --match "CommandLine*=deploy"', 'try it first'],
  ],

  async run(input, context) {
    const { out } = context
    // Neither of the two says which alerts are meant.
    const body = { ...readMeant(input), expiresUtc: 'never', reason: 'test' }
    const path = `${SUPPRESSIONS}/test`
    const preview = await apiOf(input, context).post<Preview>(path, body)
    if (out.isJson) return out.json(preview)
    if (preview.matched === 0) return out.note('It is about none of the open alerts.')
    const rows = preview.items.map((alert) => [
      ...[alert.id, formatTime(alert.endTimeUtc), alert.deviceId, alert.severity],
      alert.displayName,
    ])
    out.table(['ID', 'LAST', 'DEVICE', 'SEVERITY', 'ALERT'], rows)
    const some = preview.items.length < preview.matched ? `; shown are ${preview.items.length}` : ''
    out.note(`It is about ${preview.matched} open alerts${some}.`)
    if (!preview.isComplete) out.note('There are more open alerts than were compared.')
  },
}
