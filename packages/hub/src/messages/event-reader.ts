import type { HubError } from '@twinward/protocol'
import type { EventLog, LogRecord, PartitionState } from './event-log.ts'
import type { Contender } from './reader-admission.ts'
import type { SharedReads } from './shared-reads.ts'
import type { PartitionPlace } from './start-position.ts'

/** Who reads. */
export interface ReaderOwner {
  /** A reader that got nothing should read again. */
  wake(): void
  /** Another takes its place, or its group is gone: it gets nothing more. */
  ended(reason: HubError): void
}

/** Readers of a partition that got nothing when they asked last. */
export interface WaitingReaders {
  readonly place: PartitionPlace
  readonly readers: Set<EventReader>
  /** Whoever waits was told of everything up to here. */
  wokenThrough: number
}

interface ReaderPorts {
  readonly pages: SharedReads
  readonly eventLog: EventLog
  readonly waiting: WaitingReaders
  closed(): void
}

/** One reader of one partition. Its place moves only with `passed`. */
export class EventReader implements Contender {
  readonly name: string
  readonly epoch: bigint | undefined
  readonly #place: PartitionPlace
  readonly #owner: ReaderOwner
  readonly #ports: ReaderPorts
  #position: number
  #isClosed = false

  constructor(
    { name, epoch }: Contender,
    { after, place }: { readonly after: number; readonly place: PartitionPlace },
    owner: ReaderOwner,
    ports: ReaderPorts,
  ) {
    this.name = name
    this.epoch = epoch
    this.#position = after
    this.#place = place
    this.#owner = owner
    this.#ports = ports
  }

  /** The sequence after which it reads. */
  get position(): number {
    return this.#position
  }

  /** Up to `limit` records after its place, oldest first; none: `wake` is called when some come. */
  async read(limit: number): Promise<readonly LogRecord[]> {
    const { waiting, eventLog, pages } = this.#ports
    const { stream, partition } = this.#place
    while (!this.#isClosed) {
      // Before the look, so that what comes meanwhile wakes it.
      waiting.readers.add(this)
      if ((await eventLog.head(stream, partition)) <= this.#position) return []
      waiting.readers.delete(this)
      const { records, through } = await pages.read(this.#place, this.#position, limit)
      if (records.length > 0) return records.slice(0, limit)
      // What was there has expired.
      this.#position = Math.max(this.#position, through)
    }
    return []
  }

  /** What came up to here was handed on. */
  passed(sequence: number): void {
    this.#position = sequence
  }

  /** What the partition holds. */
  state(): Promise<PartitionState> {
    return this.#ports.eventLog.state(this.#place.stream, this.#place.partition)
  }

  wake(head: number): void {
    if (head <= this.#position || !this.#ports.waiting.readers.delete(this)) return
    this.#owner.wake()
  }

  end(reason: HubError): void {
    if (this.#isClosed) return
    this.close()
    this.#owner.ended(reason)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#ports.waiting.readers.delete(this)
    this.#ports.closed()
  }
}
