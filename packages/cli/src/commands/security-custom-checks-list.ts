import { type CheckSetView, CUSTOM_CHECKS } from '../baseline.ts'
import type { Command } from '../command.ts'
import { formatTime } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

export const securityCustomChecksList: Command = {
  options: PAGE_OPTIONS,
  talksTo: 'server',
  examples: [['security baseline custom-checks list', 'every set with its hash']],

  async run(input, context) {
    const page = await readPages<CheckSetView>(input, context, CUSTOM_CHECKS, {})
    showPage(context, page, {
      head: ['SHA-256', 'CHECKS', 'ID', 'ADDED', 'BY'],
      row: ({ sha256, checks, baselineId, addedUtc, addedBy }) => [
        ...[sha256, String(checks), baselineId, formatTime(addedUtc), addedBy],
      ],
      empty: 'No custom checks. Import some with security baseline import FILE.',
    })
  },
}
