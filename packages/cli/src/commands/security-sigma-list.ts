import { apiOf, type Command } from '../command.ts'
import { formatTime, printable } from '../output.ts'
import { describeSummary, SIGMA, type SigmaSummary, type SigmaView } from '../sigma.ts'

const STATUSES = ['supported', 'unsupported', 'notApplicable']

export const securitySigmaList: Command = {
  options: [
    { flags: '--status <status>', description: 'of this status', choices: STATUSES },
    { flags: '--source <name>', description: 'of this collection' },
  ],
  talksTo: 'server',
  details: 'Matches are counted since the start of the server.',
  examples: [
    ['security sigma list', 'every Sigma rule'],
    ['security sigma list --status unsupported', 'those that are not judged, and why'],
  ],

  async run(input, context) {
    const query = { status: input.text('status'), source: input.text('source') }
    const list = await apiOf(input, context).get<{
      readonly summary: SigmaSummary
      readonly items: readonly SigmaView[]
    }>(SIGMA, query)
    const { out } = context
    if (out.isJson) return out.json(list)
    if (list.summary.total === 0) {
      return out.print('No Sigma rules. Load some with `security sigma import`.')
    }
    if (list.items.length === 0) return out.print('No such Sigma rules.')
    const rows = list.items.map((rule) => [
      ...[rule.id, printable(rule.title), rule.severity, stateOf(rule), printable(rule.source)],
      ...[String(rule.matchCount), formatTime(rule.lastMatchUtc)],
    ])
    const head = ['ID', 'TITLE', 'SEVERITY', 'STATE', 'COLLECTION', 'MATCHES', 'LAST']
    out.table(head, rows)
    out.print(describeSummary(list.summary))
  },
}

function stateOf({ status, isEnabled, reasons: [first] }: SigmaView): string {
  if (status === 'notApplicable') return 'for other systems'
  if (status === 'unsupported') return `not supported: ${first?.code ?? ''}`
  return isEnabled ? 'on' : 'off'
}
