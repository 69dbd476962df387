import { apiOf, type Command } from '../command.ts'
import { RECOMMENDATION_TYPES } from '../recommendation.ts'

interface TypeView {
  readonly recommendationType: string
  readonly displayName: string
  readonly severity: string
  readonly status: string
  readonly dataSource: string
}

export const securityRecommendationsTypes: Command = {
  talksTo: 'server',
  examples: [
    ['security recommendations types', 'every type that is computed, and whether it is on'],
  ],

  async run(input, context) {
    const list = await apiOf(input, context).get<{ items: readonly TypeView[] }>(
      RECOMMENDATION_TYPES,
    )
    const { out } = context
    if (out.isJson) return out.json(list)
    out.table(
      ['TYPE', 'SEVERITY', 'STATUS', 'FROM', 'RECOMMENDATION'],
      list.items.map((one) => [
        ...[one.recommendationType, one.severity, one.status, one.dataSource, one.displayName],
      ]),
    )
  },
}
