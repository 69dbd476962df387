import { apiOf, type Command } from '../command.ts'
import { formatTime } from '../output.ts'
import { describeMeant, SUPPRESSIONS, type SuppressionView, stateOf } from '../suppression.ts'

export const securitySuppressionList: Command = {
  talksTo: 'server',
  examples: [['security suppression list', 'what is held back, until when and why']],

  async run(input, context) {
    const { out } = context
    const path = SUPPRESSIONS
    const list = await apiOf(input, context).get<{ readonly items: readonly SuppressionView[] }>(
      path,
    )
    if (out.isJson) return out.json(list)
    if (list.items.length === 0) return out.note('No alerts are suppressed.')
    const rows = list.items.map((each) => [
      each.id,
      stateOf(each),
      each.expiresUtc === 'never' ? 'never' : formatTime(each.expiresUtc),
      String(each.suppressedCount),
      describeMeant(each),
      each.reason,
    ])
    out.table(['ID', 'STATE', 'UNTIL', 'HELD BACK', 'ALERTS', 'REASON'], rows)
  },
}
