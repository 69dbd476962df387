import { HubError } from '@twinward/protocol'
import type { EventLog, StreamName } from './event-log.ts'

/** Where a reader starts in a partition. An offset is a sequence number as text. */
export type StartPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** After the event of that number, or with `isInclusive` at it. */
  | { readonly kind: 'sequence'; readonly sequence: number; readonly isInclusive: boolean }
  /** After that time, ms since the epoch, or with `isInclusive` at it. */
  | { readonly kind: 'time'; readonly timeMs: number; readonly isInclusive: boolean }

export interface PartitionPlace {
  readonly stream: StreamName
  readonly partition: number
}

/**
 * The sequence after which to read.
 *
 * @throws {HubError} `ArgumentInvalid` for a number that was never given out: who asks for it read
 *   from another hub or from one before it was restored, and would wait for events that came already
 */
export async function sequenceOf(
  log: EventLog,
  { stream, partition }: PartitionPlace,
  start: StartPosition,
): Promise<number> {
  switch (start.kind) {
    case 'earliest':
      return 0
    case 'latest':
      return log.head(stream, partition)
    case 'time':
      return log.sequenceBefore(stream, partition, start.timeMs + (start.isInclusive ? 0 : 1))
    case 'sequence': {
      const after = start.isInclusive ? start.sequence - 1 : start.sequence
      const last = await log.head(stream, partition)
      if (after <= last) return Math.max(after, 0)
      throw new HubError(
        'ArgumentInvalid',
        `The supplied sequence number or offset '${start.sequence}' is invalid. ` +
          `The last one in partition ${partition} is '${last}'.`,
      )
    }
  }
}
