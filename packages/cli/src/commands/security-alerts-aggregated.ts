import { apiOf, type Command } from '../command.ts'

interface AggregatedView {
  readonly name: string
  readonly alertType: string
  readonly alertDisplayName: string
  readonly aggregatedDateUtc: string
  readonly reportedSeverity: string
  readonly count: number
  readonly byStatus: { readonly [status: string]: number }
  readonly actionTaken: string
  readonly isNew: boolean
}

export const securityAlertsAggregated: Command = {
  options: [
    { flags: '--from <date>', description: 'the first day', defaultText: 'a week ago' },
    { flags: '--to <date>', description: 'the last day', defaultText: 'today' },
  ],
  talksTo: 'server',
  details: 'One line per alert type and UTC day on which its alerts began.',
  examples: [
    ['security alerts aggregated', 'what happened this week, in few lines'],
    ['security alerts aggregated --from 2026-01-01 --to 2026-01-31', 'in a month'],
  ],

  async run(input, context) {
    const { out } = context
    const query = { from: input.text('from'), to: input.text('to') }
    const path = '/api/security/alerts/aggregated'
    const list = await apiOf(input, context).get<{ items: readonly AggregatedView[] }>(path, query)
    if (out.isJson) return out.json(list)
    if (list.items.length === 0) return out.note('No alerts began in these days.')
    const rows = list.items.map((each) => [
      each.aggregatedDateUtc,
      each.alertType,
      each.reportedSeverity,
      String(each.count),
      String((each.byStatus.Active ?? 0) + (each.byStatus.InProgress ?? 0)),
      each.actionTaken || (each.isNew ? 'new' : '–'),
    ])
    out.table(['DAY', 'TYPE', 'SEVERITY', 'ALERTS', 'OPEN', 'ACTION'], rows)
  },
}
