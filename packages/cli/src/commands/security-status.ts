import { apiOf, type Command } from '../command.ts'
import { SEVERITIES } from '../finding.ts'

type BySeverity = { readonly [severity: string]: number }

interface FleetView {
  readonly openAlerts: BySeverity
  readonly activeRecommendations: BySeverity
  readonly devicesWithOpenAlerts: number
}

interface ModulesView {
  readonly counts: { readonly [state: string]: number }
}

export const securityStatus: Command = {
  talksTo: 'server',
  examples: [
    ['security status', 'open alerts, active recommendations, states of security modules'],
    ['security status --json', 'for a program'],
  ],

  async run(input, context) {
    const { out } = context
    const api = apiOf(input, context)
    const [fleet, modules] = await Promise.all([
      api.get<FleetView>('/api/security/analytics'),
      api.get<ModulesView>('/api/security/modules', { limit: 1 }),
    ])
    if (out.isJson) {
      out.json({ ...fleet, modules: modules.counts })
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
    const states = Object.entries(modules.counts).filter(([, count]) => count > 0)
    if (states.length === 0) return
    out.print('\nSecurity modules')
    out.table(
      ['STATE', 'DEVICES'],
      states.map(([state, count]) => [state, String(count)]),
    )
  },
}

function countOf(counts: BySeverity, severity: string): string {
  return String(counts[severity] ?? 0)
}
