import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { EventLog, StreamName } from './event-log.ts'

/** How long events wait for readers, unless the hub is set otherwise: IoT Hub's default. */
export const DEFAULT_RETENTION_MS = 24 * 3600_000
export const DEFAULT_MAX_BYTES = 1024 * 1024 * 1024

const EXPIRY_INTERVAL_MS = 5 * 60_000
/** The size is known without reading, so that it may be looked at often. */
const SIZE_INTERVAL_MS = 1000
/** How often the log is told of what was dropped. */
const REPORT_INTERVAL_MS = 60_000

export interface RetentionOptions {
  readonly retentionMs?: number
  /** Of headers and bodies of all events. */
  readonly maxBytes?: number
  /**
   * The same of security messages, for a hub whose security service runs elsewhere: they are kept and
   * dropped like events then. Without it they stay until the service of this process releases them.
   */
  readonly securityMaxBytes?: number
}

/** Removes events after their time, and the oldest before it when they take too much room. */
export class Retention {
  readonly #eventLog: EventLog
  readonly #clock: Clock
  readonly #log: Log
  readonly #retentionMs: number
  /** What this removes from, and how much of it may stay. */
  readonly #limits: ReadonlyMap<StreamName, number>
  readonly #underWay = new Set<string>()
  #dropped = 0
  #reported = 0
  #reportedAtMs = Number.NEGATIVE_INFINITY

  constructor(
    { eventLog, clock, log }: { eventLog: EventLog; clock: Clock; log: Log },
    {
      retentionMs = DEFAULT_RETENTION_MS,
      maxBytes = DEFAULT_MAX_BYTES,
      securityMaxBytes,
    }: RetentionOptions = {},
  ) {
    this.#eventLog = eventLog
    this.#clock = clock
    this.#log = log
    this.#retentionMs = retentionMs
    this.#limits = new Map<StreamName, number>([
      ['telemetry', maxBytes],
      ...(securityMaxBytes === undefined ? [] : [['security', securityMaxBytes] as const]),
    ])
  }

  /** Events that went before their time since the start, because there was no room. */
  get droppedCount(): number {
    return this.#dropped
  }

  /** Bytes that the events take, and the security messages that wait. */
  sizeOf(stream: StreamName): number {
    return this.#eventLog.size(stream)
  }

  /** Works until the returned function is called. */
  start(): () => void {
    const stopExpiry = this.#clock.every(EXPIRY_INTERVAL_MS, () => void this.#expire())
    const stopSize = this.#clock.every(SIZE_INTERVAL_MS, () => void this.#shrink())
    return () => {
      stopExpiry()
      stopSize()
    }
  }

  async #expire(): Promise<void> {
    await this.#work('expire', async () => {
      const beforeMs = this.#clock.now() - this.#retentionMs
      for (const stream of this.#limits.keys()) await this.#eventLog.expire(stream, beforeMs)
    })
  }

  async #shrink(): Promise<void> {
    for (const [stream, maxBytes] of this.#limits) {
      if (this.#eventLog.size(stream) <= maxBytes) continue
      await this.#work(`shrink ${stream}`, async () => {
        this.#dropped += await this.#eventLog.shrink(stream, maxBytes)
      })
    }
    this.#report()
  }

  /** Not twice at a time; what could not be done is tried again the next time. */
  async #work(name: string, job: () => Promise<void>): Promise<void> {
    if (this.#underWay.has(name)) return
    this.#underWay.add(name)
    try {
      await job()
    } catch (error) {
      this.#log.error({ err: error }, 'events could not be removed')
    } finally {
      this.#underWay.delete(name)
    }
  }

  #report(): void {
    const nowMs = this.#clock.now()
    if (this.#dropped === this.#reported || nowMs < this.#reportedAtMs + REPORT_INTERVAL_MS) return
    const events = this.#dropped - this.#reported
    this.#reported = this.#dropped
    this.#reportedAtMs = nowMs
    this.#log.warn(
      { events },
      'events were dropped before their time: they take more room than they may',
    )
  }
}
