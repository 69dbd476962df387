import type { Command } from '../command.ts'
import { INDICATOR_KINDS, INDICATORS, type IndicatorView } from '../indicator.ts'
import { formatTime, printable } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

export const securityIndicatorList: Command = {
  options: [
    { flags: '--kind <kind>', description: 'of this kind', choices: INDICATOR_KINDS },
    { flags: '--source <name>', description: 'of this list' },
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [['security indicator list --source abuse-list', 'what came from one list']],

  async run(input, context) {
    const filter = { kind: input.text('kind'), source: input.text('source') }
    const page = await readPages<IndicatorView>(input, context, INDICATORS, filter)
    showPage(context, page, {
      head: ['ID', 'KIND', 'VALUE', 'LIST', 'CONFIDENCE', 'EXPIRES'],
      row: ({ id, kind, value, source, confidence, expiresUtc }) => [
        ...[id, kind, printable(value), printable(source), String(confidence)],
        formatTime(expiresUtc),
      ],
      empty: 'No such indicators. Rules that need lists find nothing without them.',
    })
  },
}
