import { apiOf, type Command } from '../command.ts'
import { SEVERITIES } from '../finding.ts'

type BySeverity = { readonly [severity: string]: number }

interface FleetView {
  readonly openAlerts: BySeverity
  readonly activeRecommendations: BySeverity
  readonly devicesWithOpenAlerts: number
}

export const securityStatus: Command = {
  talksTo: 'server',
  examples: [
    ['security status', 'open alerts and active recommendations by severity'],
    ['security status --json', 'for a program'],
  ],

  async run(input, context) {
    const { out } = context
    const api = apiOf(input, context)
    const fleet = await api.get<FleetView>('/api/security/analytics')
    if (out.isJson) {
      out.json(fleet)
      return
    }
    const severities = [...SEVERITIES].reverse()
    out.table(
      ['', ...severities.map((severity) => severity.toUpperCase())],
      [
        ['Open alerts', ...severities.map((severity) => countOf(fleet.openAlerts, severity))],
        [
          'Active recommendations',
          ...severities.map((severity) => countOf(fleet.activeRecommendations, severity)),
        ],
      ],
    )
    out.print(`\nDevices with open alerts: ${fleet.devicesWithOpenAlerts}`)
  },
}

function countOf(counts: BySeverity, severity: string): string {
  return String(counts[severity] ?? 0)
}
