import { apiOf, type Command } from '../command.ts'
import { RECOMMENDATIONS } from '../recommendation.ts'

interface AggregateView {
  readonly recommendationName: string
  readonly recommendationDisplayName: string
  readonly reportedSeverity: string
  readonly unhealthyDeviceCount: number
  readonly healthyDevices: number
  readonly scope: 'device' | 'hub'
  readonly counts: { readonly [state: string]: number }
}

export const securityRecommendationsAggregated: Command = {
  options: [{ flags: '--all', description: 'types too that no device has' }],
  talksTo: 'server',
  examples: [['security recommendations aggregated', 'how many devices have what']],

  async run(input, context) {
    const path = `${RECOMMENDATIONS}/aggregated`
    const { items } = await apiOf(input, context).get<{ items: readonly AggregateView[] }>(path)
    const { out } = context
    if (out.isJson) return out.json({ items })
    const shown = items.filter(({ counts }) => input.isSet('all') || isOpen(counts))
    if (shown.length === 0) return out.note('No device has an open recommendation.')
    out.table(
      ['TYPE', 'SEVERITY', 'ACTIVE', 'STALE', 'EXEMPT', 'HEALTHY', 'RECOMMENDATION'],
      shown.map((one) => [
        one.recommendationName,
        one.reportedSeverity,
        ...['Active', 'Stale', 'Exempt'].map((state) => String(one.counts[state] ?? 0)),
        one.scope === 'hub' ? 'the hub' : String(one.healthyDevices),
        one.recommendationDisplayName,
      ]),
    )
  },
}

function isOpen({ Active = 0, Stale = 0, Exempt = 0 }: AggregateView['counts']): boolean {
  return Active + Stale + Exempt > 0
}
