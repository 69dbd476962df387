import type { Command } from '../command.ts'
import { formatTime, shorten } from '../output.ts'
import { DEVICE_OPTION, PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

/** Excerpts are shown up to here; --json has the first 4 KiB of what was refused. */
const MAX_EXCERPT_CHARACTERS = 60

interface RejectionView {
  readonly timeUtc: string | null
  readonly deviceId: string
  readonly moduleId?: string
  readonly reason: string
  readonly excerpt: string
}

export const securityRejected: Command = {
  options: [DEVICE_OPTION, ...PAGE_OPTIONS],
  talksTo: 'server',
  examples: [['security rejected --device pump-1', 'why messages of a device do not count']],

  async run(input, context) {
    const path = '/api/security/rejected'
    const page = await readPages<RejectionView>(input, context, path, {
      device: input.text('device'),
    })
    showPage(context, page, {
      head: ['TIME', 'DEVICE', 'MODULE', 'REASON', 'EXCERPT'],
      row: (rejection) => [
        formatTime(rejection.timeUtc),
        rejection.deviceId,
        rejection.moduleId ?? '',
        rejection.reason,
        shorten(rejection.excerpt, MAX_EXCERPT_CHARACTERS),
      ],
      empty: 'Nothing was refused.',
    })
  },
}
