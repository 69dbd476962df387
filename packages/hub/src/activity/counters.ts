import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'

/** What is counted of each device and its modules, per minute. */
export const ACTIVITY_COUNTERS = [
  'amqpD2C',
  'mqttD2C',
  'httpD2C',
  'amqpC2D',
  'mqttC2D',
  'httpC2D',
  'amqpC2DRejected',
  'mqttC2DRejected',
  'httpC2DRejected',
  'directMethodInvokes',
  'fileUploads',
  'queuePurges',
  'twinUpdates',
  'unauthorizedOperations',
  'connects',
] as const
export type ActivityCounter = (typeof ACTIVITY_COUNTERS)[number]

/** Those that are not 0. */
export type ActivityCounts = { readonly [counter in ActivityCounter]?: number }

export interface DeviceActivity {
  readonly deviceId: string
  readonly counts: ActivityCounts
}

/** Where a reader is: so many devices of that minute, and all of the minutes before it, are read. */
export interface ActivityPlace {
  readonly minuteMs: number
  readonly read: number
}

/** Some of the devices that did something in one minute that is over. */
export interface ActivityPage {
  /** When the minute began: ms since the epoch, a whole minute. */
  readonly minuteMs: number
  readonly devices: readonly DeviceActivity[]
  /** False: something of this minute, or of one before it, was not counted or is lost. */
  readonly isComplete: boolean
  /** For the next read. */
  readonly place: ActivityPlace
}

export const MINUTE_MS = 60_000
/** How late a minute may close; what happens meanwhile still counts to it. */
export const ROLL_INTERVAL_MS = 1_000
/** Devices that are counted in one minute; further ones make it incomplete. */
export const MAX_COUNTED_DEVICES = 200_000
/** Minutes, and rows of devices in them, that wait for a reader; the oldest go first. */
export const MAX_KEPT_MINUTES = 60
export const MAX_KEPT_ROWS = 600_000

const WIDTH = ACTIVITY_COUNTERS.length
const FIRST_ROWS = 64
const COLUMNS = Object.fromEntries(ACTIVITY_COUNTERS.map((counter, at) => [counter, at])) as {
  readonly [counter in ActivityCounter]: number
}

interface ClosedMinute {
  readonly minuteMs: number
  readonly deviceIds: readonly string[]
  readonly counts: Uint32Array
  isComplete: boolean
}

/**
 * How much each device uses the hub. On the path of every message and patch, so it adds one to a number
 * and no more; a device that does nothing takes no memory. A crash loses what was not read yet: the
 * minute under way, as a reader takes those that are over within seconds.
 */
export class ActivityCounters {
  readonly #bus: EventBus
  readonly #clock: Pick<Clock, 'now' | 'every'>
  readonly #closed: ClosedMinute[] = []
  #isCounting = false
  #minuteMs = 0
  #isComplete = false
  #rows = new Map<string, number>()
  #counts = new Uint32Array(FIRST_ROWS * WIDTH)

  constructor({ bus, clock }: { bus: EventBus; clock: Pick<Clock, 'now' | 'every'> }) {
    this.#bus = bus
    this.#clock = clock
  }

  /**
   * Counts from now on; before it, `count` does nothing. For who reads and releases what is counted.
   *
   * @returns a function that ends it
   */
  start(): () => void {
    this.#minuteMs = minuteOf(this.#clock.now())
    this.#isCounting = true
    const leave = this.#bus.subscribe((notice) => {
      switch (notice.kind) {
        case 'reported-changed':
        case 'desired-changed':
          this.count(notice.ref.deviceId, 'twinUpdates')
          break
        case 'session-opened':
          this.count(notice.ref.deviceId, 'connects')
      }
    })
    const stop = this.#clock.every(ROLL_INTERVAL_MS, () => this.#roll())
    return () => {
      leave()
      stop()
      this.#isCounting = false
    }
  }

  /** @param deviceId  of an identity that exists: nobody may fill the table with names of his own */
  count(deviceId: string, counter: ActivityCounter, times = 1): void {
    if (!this.#isCounting) return
    const row = this.#rows.get(deviceId) ?? this.#addRow(deviceId)
    if (row === undefined) return
    const at = row * WIDTH + COLUMNS[counter]
    this.#counts[at] = (this.#counts[at] ?? 0) + times
  }

  /**
   * What follows a place, oldest first, at most `limit` devices; `undefined` when no further minute is
   * over. A minute in which nobody did anything is left out.
   */
  read({ minuteMs, read }: ActivityPlace, limit: number): ActivityPage | undefined {
    this.#roll()
    const minute = this.#closed.find(
      (one) =>
        one.minuteMs > minuteMs || (one.minuteMs === minuteMs && read < one.deviceIds.length),
    )
    if (!minute) return undefined
    const from = minute.minuteMs === minuteMs ? read : 0
    const deviceIds = minute.deviceIds.slice(from, from + limit)
    return {
      minuteMs: minute.minuteMs,
      devices: deviceIds.map((deviceId, at) => ({
        deviceId,
        counts: countsOf(minute.counts, from + at),
      })),
      isComplete: minute.isComplete,
      place: { minuteMs: minute.minuteMs, read: from + deviceIds.length },
    }
  }

  /** Forgets the minutes before this one. */
  release(beforeMs: number): void {
    while ((this.#closed[0]?.minuteMs ?? Number.POSITIVE_INFINITY) < beforeMs) this.#closed.shift()
  }

  #addRow(deviceId: string): number | undefined {
    const row = this.#rows.size
    if (row >= MAX_COUNTED_DEVICES) {
      this.#isComplete = false
      return undefined
    }
    if ((row + 1) * WIDTH > this.#counts.length) {
      const grown = new Uint32Array(2 * this.#counts.length)
      grown.set(this.#counts)
      this.#counts = grown
    }
    this.#rows.set(deviceId, row)
    return row
  }

  #roll(): void {
    const nowMinuteMs = minuteOf(this.#clock.now())
    // A clock that was set back goes on counting to the later minute.
    if (!this.#isCounting || nowMinuteMs <= this.#minuteMs) return
    if (this.#rows.size > 0 || !this.#isComplete) {
      this.#closed.push({
        minuteMs: this.#minuteMs,
        deviceIds: [...this.#rows.keys()],
        counts: this.#counts,
        isComplete: this.#isComplete,
      })
      this.#rows = new Map()
      this.#counts = new Uint32Array(FIRST_ROWS * WIDTH)
    }
    this.#minuteMs = nowMinuteMs
    this.#isComplete = true
    this.#dropOldest()
  }

  #dropOldest(): void {
    let rows = this.#closed.reduce((sum, { deviceIds }) => sum + deviceIds.length, 0)
    while (this.#closed.length > 1) {
      if (this.#closed.length <= MAX_KEPT_MINUTES && rows <= MAX_KEPT_ROWS) return
      rows -= this.#closed.shift()?.deviceIds.length ?? 0
      const [next] = this.#closed
      if (next) next.isComplete = false
    }
  }
}

function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS) * MINUTE_MS
}

function countsOf(counts: Uint32Array, row: number): ActivityCounts {
  const found: { [counter in ActivityCounter]?: number } = {}
  for (const [at, counter] of ACTIVITY_COUNTERS.entries()) {
    const count = counts[row * WIDTH + at] ?? 0
    if (count > 0) found[counter] = count
  }
  return found
}
