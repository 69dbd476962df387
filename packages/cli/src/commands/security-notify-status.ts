import { apiOf, type Command } from '../command.ts'
import { formatTime, printable } from '../output.ts'
import { type Page, showPage } from '../pages.ts'

interface StatusView {
  readonly channelId: string
  readonly kind: string
  readonly isEnabled: boolean
  readonly waiting: number
  readonly deadLetters: number
  readonly delivered: number
  readonly missed: number
  readonly lastSuccessUtc: string | null
  readonly lastFailureUtc: string | null
  readonly lastFailure: string
}

export const securityNotifyStatus: Command = {
  talksTo: 'server',
  examples: [['security notify status', 'what waits, and what went wrong last']],

  async run(input, context) {
    const api = apiOf(input, context)
    const page = await api.get<Page<StatusView>>('/api/security/notifications/status')
    showPage(context, page, {
      head: ['CHANNEL', 'KIND', 'WAITING', 'DEAD', 'SENT', 'MISSED', 'LAST SENT', 'LAST FAILURE'],
      row: (one) => [
        one.channelId,
        one.isEnabled ? one.kind : `${one.kind}, disabled`,
        ...[one.waiting, one.deadLetters, one.delivered, one.missed].map(String),
        formatTime(one.lastSuccessUtc),
        failureOf(one),
      ],
      empty: 'No channels: nobody is told of findings. Add one: security notify channel add.',
    })
  },
}

function failureOf({ lastFailureUtc, lastFailure }: StatusView): string {
  if (lastFailureUtc === null) return 'never'
  return `${formatTime(lastFailureUtc)} ${printable(lastFailure)}`
}
