import type { Command } from '../command.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'
import { type TombstoneItem, tombstoneRow } from '../security-module.ts'

export const securityTombstones: Command = {
  options: PAGE_OPTIONS,
  talksTo: 'server',
  details:
    'CAUSE says what was deleted: the module alone, or the device with it. "security module create\n' +
    'DEVICE --restore" brings back what is kept.',
  examples: [['security tombstones', 'what was deleted in the last 30 days']],

  async run(input, context) {
    const path = '/api/security/modules/tombstones'
    const page = await readPages<TombstoneItem>(input, context, path, {})
    showPage(context, page, {
      head: ['DEVICE', 'MODULE', 'CAUSE', 'DELETED', 'KEPT UNTIL'],
      row: tombstoneRow,
      empty: 'Nothing is kept of deleted security modules.',
    })
  },
}
