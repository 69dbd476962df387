import { HubError } from '@twinward/protocol'
import type { SecurityEventStore } from '../data/event-store.ts'
import type { SecurityEvent } from './record.ts'

/** A flush starts with this many rows waiting: DuckDB's chunk, below which it is slow. */
export const FLUSH_ROWS = 2_048
/** Or this long after the first waiting row. */
export const FLUSH_AFTER_MS = 1_000
/** How much may wait; beyond, `add` makes its caller wait too. */
export const MAX_WAITING_ROWS = 32_768
export const MAX_WAITING_BYTES = 32 * 1024 * 1024
/** How long a failing store is left alone before the rows are tried again. */
export const RETRY_PAUSE_MS = 2_000

export interface RecorderClock {
  /** Resolves after `ms`; rejects when the signal aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface RecorderLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

interface Waiting {
  readonly events: SecurityEvent[]
  rows: number
  bytes: number
  /** The sequence up to which messages are accounted for; 0 when nothing waits. */
  through: number
}

interface RoomWaiter {
  readonly resolve: () => void
  readonly reject: (reason: Error) => void
}

/**
 * Gathers decoded events and stores them in chunks, since a columnar store wants many rows at once.
 * What waits here is not durable: the platform keeps its messages until `cursor` has passed them.
 */
export class EventRecorder {
  readonly #store: SecurityEventStore
  readonly #clock: RecorderClock
  readonly #log: RecorderLog
  #waiting = nothing()
  /** What the attempt under way is about to store. */
  #taken = nothing()
  #attempt: Promise<boolean> | undefined
  #timer: AbortController | undefined
  #roomWaiters: RoomWaiter[] = []
  #isFailing = false
  #isClosed = false

  constructor(store: SecurityEventStore, clock: RecorderClock, log: RecorderLog) {
    this.#store = store
    this.#clock = clock
    this.#log = log
  }

  /**
   * Takes the events of one or more whole messages.
   *
   * @param through  the sequence of the last message that was read, whether or not it had events
   * @returns once there is room for more; a caller that does not wait for it is refused
   * @throws {HubError} `ServiceUnavailable` when full or closed
   */
  async add(events: readonly SecurityEvent[], through: number): Promise<void> {
    if (this.#isClosed) throw unavailable('The event recorder is closed.')
    if (!this.#hasRoom()) throw unavailable('The event recorder is full.')
    for (const event of events) {
      this.#waiting.events.push(event)
      this.#waiting.rows += Math.max(1, event.payload.length)
      this.#waiting.bytes += approximateBytes(event)
    }
    this.#waiting.through = Math.max(this.#waiting.through, through)
    this.#schedule()
    if (this.#hasRoom()) return
    await new Promise<void>((resolve, reject) => this.#roomWaiters.push({ resolve, reject }))
  }

  /**
   * Stores everything that was added before.
   *
   * @throws {HubError} `ServiceUnavailable` when the store fails; the rows are kept and tried again
   */
  async flush(): Promise<void> {
    // The attempt under way may have begun before the last rows came.
    await this.#attempt
    if (this.#waiting.through === 0 && this.#taken.through === 0) return
    if (await this.#storeWaiting()) return
    throw unavailable('Security events cannot be stored at the moment.')
  }

  /** The sequence up to which everything is stored durably. */
  cursor(): Promise<number> {
    return this.#store.cursor()
  }

  /** Stores what waits, if the store lets it; what it refuses the platform will deliver again. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.flush().catch(() => {})
    this.#timer?.abort()
    const rows = this.#waiting.rows
    if (rows > 0) this.#log.error({ rows }, 'closed with security events that are not stored yet')
    for (const { reject } of this.#takeRoomWaiters()) {
      reject(unavailable('The event recorder is closed.'))
    }
  }

  #hasRoom(): boolean {
    const rows = this.#waiting.rows + this.#taken.rows
    return rows < MAX_WAITING_ROWS && this.#waiting.bytes + this.#taken.bytes < MAX_WAITING_BYTES
  }

  /** Sees to it that what waits is stored: at once, soon, or after the pause of a failing store. */
  #schedule(): void {
    if (this.#attempt || this.#waiting.through === 0) return
    if (this.#isFailing) this.#startTimer(RETRY_PAUSE_MS)
    else if (this.#waiting.rows >= FLUSH_ROWS) void this.#storeWaiting()
    else this.#startTimer(FLUSH_AFTER_MS)
  }

  #startTimer(ms: number): void {
    if (this.#timer || this.#isClosed) return
    const timer = new AbortController()
    this.#timer = timer
    this.#clock.sleep(ms, timer.signal).then(
      () => this.#storeWaiting(),
      () => {},
    )
  }

  /** One attempt at a time; who comes while it runs shares its outcome. Never rejects. */
  #storeWaiting(): Promise<boolean> {
    this.#attempt ??= this.#tryToStore().finally(() => {
      this.#attempt = undefined
      this.#schedule()
    })
    return this.#attempt
  }

  async #tryToStore(): Promise<boolean> {
    this.#timer?.abort()
    this.#timer = undefined
    this.#taken = this.#waiting
    this.#waiting = nothing()
    const { events, rows, through } = this.#taken
    try {
      await this.#store.append(events, through)
    } catch (error) {
      this.#putBack()
      if (!this.#isFailing) this.#log.error({ err: error, rows }, 'security events are not stored')
      this.#isFailing = true
      return false
    }
    this.#taken = nothing()
    if (this.#isFailing) this.#log.info({ rows }, 'security events are stored again')
    this.#isFailing = false
    for (const { resolve } of this.#takeRoomWaiters()) resolve()
    return true
  }

  #putBack(): void {
    const [first, second] = [this.#taken, this.#waiting]
    this.#taken = nothing()
    this.#waiting = {
      events: first.events.concat(second.events),
      rows: first.rows + second.rows,
      bytes: first.bytes + second.bytes,
      through: Math.max(first.through, second.through),
    }
  }

  #takeRoomWaiters(): readonly RoomWaiter[] {
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    return waiters
  }
}

function nothing(): Waiting {
  return { events: [], rows: 0, bytes: 0, through: 0 }
}

/** Bytes of an event and its members, as far as its own text goes. */
const EVENT_BYTES = 512
const MEMBER_BYTES = 32

function approximateBytes({ payload }: SecurityEvent): number {
  let bytes = EVENT_BYTES
  for (const element of payload) bytes += valueBytes(element)
  return bytes
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object' || value === null) return 0
  let bytes = 0
  for (const member of Object.values(value)) bytes += MEMBER_BYTES + valueBytes(member)
  return bytes
}

function unavailable(message: string): HubError {
  return new HubError('ServiceUnavailable', message)
}
