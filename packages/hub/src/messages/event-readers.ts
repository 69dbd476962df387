import { HubError } from '@twinward/protocol'
import type { EventBus, Notice } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { type ConsumerGroups, streamOf } from './consumer-groups.ts'
import type { EventLog, PartitionState } from './event-log.ts'
import { EventReader, type ReaderOwner, type WaitingReaders } from './event-reader.ts'
import { TELEMETRY_PARTITIONS } from './partition.ts'
import { admitReader, stolenBy } from './reader-admission.ts'
import { SharedReads } from './shared-reads.ts'
import { type PartitionPlace, type StartPosition, sequenceOf } from './start-position.ts'

/** Readers of a hub, of all groups and partitions. */
export const MAX_READERS = 10_000
/** Notices may be lost: so often idle readers are told of what they missed. */
export const READER_POLL_MS = 5000

export interface ReaderRequest {
  readonly group: string
  /** The id of the partition, as the client spells it. */
  readonly partition: string
  readonly start: StartPosition
  /** The owner level; not negative. */
  readonly epoch?: bigint | undefined
  /** What the reader calls itself. */
  readonly name: string
}

interface EventReadersPorts {
  readonly eventLog: EventLog
  readonly groups: ConsumerGroups
  readonly bus: EventBus
  readonly clock: Clock
}

/**
 * Who reads events, and where from (10 §6). Each reader keeps its own place and reads pages when it
 * can take them; one that is slow or gone costs the others nothing.
 */
export class EventReaders {
  readonly groups: ConsumerGroups
  /** Since when it serves. */
  readonly startedMs: number
  readonly #eventLog: EventLog
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #log: Log
  readonly #pages: SharedReads
  /** By group in lower case and partition. */
  readonly #readers = new Map<string, Set<EventReader>>()
  readonly #waiting = new Map<string, WaitingReaders>()
  #count = 0
  /** Groups that were deleted so far. */
  #removals = 0
  #stopWaking: (() => void) | undefined
  #isLooking = false
  #lookAgain = false

  constructor({ eventLog, groups, bus, clock }: EventReadersPorts, log: Log) {
    this.groups = groups
    this.startedMs = clock.now()
    this.#eventLog = eventLog
    this.#bus = bus
    this.#clock = clock
    this.#log = log
    this.#pages = new SharedReads(eventLog)
  }

  get partitionIds(): readonly string[] {
    return Array.from({ length: TELEMETRY_PARTITIONS }, (_, partition) => String(partition))
  }

  /** Readers that are open. */
  get count(): number {
    return this.#count
  }

  /** @throws {HubError} `ArgumentInvalid` when there is no such partition */
  async partitionState(id: string): Promise<PartitionState> {
    return this.#eventLog.state('telemetry', this.#partitionOf(id))
  }

  /**
   * Opens a reader; until its `close` it holds a place among the readers of its partition and group.
   *
   * @throws {HubError} `GenericNotFound` for a group that is none; `ArgumentInvalid` for a partition or
   *   a start that is none; `LinkCreationConflict`, `IotHubQuotaExceeded` as `admitReader`
   */
  async open(request: ReaderRequest, owner: ReaderOwner): Promise<EventReader> {
    const partition = this.#partitionOf(request.partition)
    const place = { stream: streamOf(request.group), partition }
    const after = await sequenceOf(this.#eventLog, place, request.start)
    let removals: number
    let group: string
    do {
      removals = this.#removals
      group = (await this.groups.get(request.group)).name
      // From here on nothing waits, so that nobody comes in between.
    } while (removals !== this.#removals)
    if (this.#count >= MAX_READERS) {
      throw new HubError('IotHubQuotaExceeded', `A hub has at most ${MAX_READERS} readers.`)
    }
    const key = keyOf(group, partition)
    const others = this.#readers.get(key) ?? new Set()
    const losers = admitReader(others, request)
    for (const loser of losers) loser.end(stolenBy(request, loser))
    const reader = new EventReader(request, { after, place }, owner, {
      pages: this.#pages,
      eventLog: this.#eventLog,
      waiting: this.#waitingAt(place),
      closed: () => this.#closed(key, reader),
    })
    this.#readers.set(key, others.add(reader))
    this.#count++
    this.#stopWaking ??= this.#startWaking()
    return reader
  }

  /** Deletes a group and ends its readers. @throws as `ConsumerGroups.remove` */
  async removeGroup(name: string): Promise<void> {
    await this.groups.remove(name)
    this.#removals++
    const reason = new HubError('GenericNotFound', `Consumer group ${name} was deleted.`)
    for (const id of this.partitionIds) {
      const readers = this.#readers.get(keyOf(name, Number(id))) ?? []
      for (const reader of [...readers]) reader.end(reason)
    }
  }

  #partitionOf(id: string): number {
    if (this.partitionIds.includes(id)) return Number(id)
    throw new HubError(
      'ArgumentInvalid',
      'The specified partition is invalid for an EventHub partition sender or receiver. ' +
        `It should be between 0 and ${TELEMETRY_PARTITIONS - 1}.`,
    )
  }

  #closed(key: string, reader: EventReader): void {
    const readers = this.#readers.get(key)
    if (!readers?.delete(reader)) return
    this.#count--
    if (readers.size === 0) this.#readers.delete(key)
    if (this.#count > 0) return
    this.#stopWaking?.()
    this.#stopWaking = undefined
  }

  #waitingAt(place: PartitionPlace): WaitingReaders {
    const key = `${place.stream}/${place.partition}`
    const waiting = this.#waiting.get(key) ?? { place, readers: new Set(), wokenThrough: 0 }
    this.#waiting.set(key, waiting)
    return waiting
  }

  /** Nobody listens and nothing ticks while nobody reads. */
  #startWaking(): () => void {
    const unsubscribe = this.#bus.subscribe((notice: Notice) => {
      if (notice.kind === 'messages-stored') this.#look()
    })
    const stopPolling = this.#clock.every(READER_POLL_MS, () => this.#look())
    return () => {
      unsubscribe()
      stopPolling()
    }
  }

  /** Wakes who waits where something came; many notices at once cost one look. */
  #look(): void {
    this.#lookAgain = true
    if (this.#isLooking) return
    this.#isLooking = true
    this.#lookAtAll()
      .catch((error) => this.#log.error({ err: error }, 'event readers could not be woken'))
      .finally(() => {
        this.#isLooking = false
        // A notice may have come after the last look and before this.
        if (this.#lookAgain) this.#look()
      })
  }

  async #lookAtAll(): Promise<void> {
    while (this.#lookAgain) {
      this.#lookAgain = false
      for (const waiting of this.#waiting.values()) {
        if (waiting.readers.size === 0) continue
        const { stream, partition } = waiting.place
        const head = await this.#eventLog.head(stream, partition)
        if (head <= waiting.wokenThrough) continue
        waiting.wokenThrough = head
        for (const reader of [...waiting.readers]) reader.wake(head)
      }
    }
  }
}

function keyOf(group: string, partition: number): string {
  return `${group.toLowerCase()}/${partition}`
}
