import type { ChannelKind } from './channel.ts'
import type { ChannelWorker } from './channel-worker.ts'

/** How a channel does. Times in ms since the epoch, 0 = never. */
export interface ChannelStatus {
  readonly channelId: string
  readonly kind: ChannelKind
  readonly isEnabled: boolean
  /** Notifications that wait, and the characters of their documents. */
  readonly waiting: number
  readonly waitingCharacters: number
  readonly oldestMs: number
  readonly deadLetters: number
  /** Since the channel was made. */
  readonly delivered: number
  readonly deadLettered: number
  readonly missed: number
  readonly droppedDeadLetters: number
  readonly lastSuccessMs: number
  readonly lastFailureMs: number
  readonly lastFailure: string
  /** When it is tried again after failures; 0 when nothing keeps it. */
  readonly pausedUntilMs: number
}

export function statusOf(worker: ChannelWorker): ChannelStatus {
  const { channel, outbox, progress } = worker
  const { delivered, deadLettered, missed, droppedDeadLetters } = progress
  const { lastSuccessMs, lastFailureMs, lastFailure } = progress
  return {
    ...{ channelId: channel.id, kind: channel.kind, isEnabled: channel.isEnabled },
    waiting: outbox.size,
    waitingCharacters: outbox.characters,
    oldestMs: outbox.oldestMs ?? 0,
    deadLetters: worker.deadLetters,
    ...{ delivered, deadLettered, missed, droppedDeadLetters },
    ...{ lastSuccessMs, lastFailureMs, lastFailure },
    pausedUntilMs: worker.pausedUntilMs,
  }
}
