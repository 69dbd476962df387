import { apiOf, type Command } from '../command.ts'
import type { LayerSummary } from '../layer-view.ts'
import { formatTime } from '../output.ts'
import { type Page, showPage } from '../pages.ts'

export const securityConfigGroupList: Command = {
  talksTo: 'server',
  examples: [['security config group list', 'groups that have settings']],

  async run(input, context) {
    const path = '/api/security/config/groups'
    const page = await apiOf(input, context).get<Page<LayerSummary>>(path)
    showPage(context, page, {
      head: ['GROUP', 'VERSION', 'CHANGED', 'BY'],
      row: ({ group = '', version, changedUtc, changedBy }) => [
        group,
        String(version),
        formatTime(changedUtc),
        changedBy,
      ],
      empty: 'No group has settings.',
    })
  },
}
