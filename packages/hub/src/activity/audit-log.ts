import { HubError } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { type AuditEntry, type AuditEvent, boundedEntry } from './audit-event.ts'
import type { AuditFilter, AuditStore, NewAuditEvent } from './audit-store.ts'

/** Repeats of what strangers can cause are one event for so long. */
export const REPEAT_WINDOW_MS = 60_000
/** How often it is looked for windows that are over. */
export const SWEEP_INTERVAL_MS = 10_000
/** Windows that are open at a time; what would open one more is counted without naming the device. */
export const MAX_REPEAT_WINDOWS = 5_000
/** Events that are kept, by who causes them, and how long. */
export const MAX_NOTED_EVENTS = 50_000
export const MAX_RECORDED_EVENTS = 50_000
export const MAX_AUDIT_AGE_MS = 90 * 24 * 3_600_000
export const MAX_AUDIT_PAGE = 1000
/** What is too old or too many goes after so many new events, or so much time. */
const TRIM_EVENTS = 500
const TRIM_INTERVAL_MS = 3_600_000

interface Ports {
  readonly store: AuditStore
  readonly bus: Pick<EventBus, 'publish'>
  readonly clock: Pick<Clock, 'now' | 'every'>
  readonly log: Log
}

/** Repeats that are not written yet. */
interface RepeatWindow {
  readonly entry: AuditEntry
  readonly openedMs: number
  firstMs: number
  lastMs: number
  count: number
}

/**
 * What happened to the hub itself, for people and for the security service: durable, bounded in number
 * and age. What people do is recorded before they are answered; what strangers can cause again and
 * again is noted: the first time at once, its repeats as one event a minute.
 */
export class AuditLog {
  readonly #ports: Ports
  readonly #windows = new Map<string, RepeatWindow>()
  readonly #writing = new Set<Promise<void>>()
  #trimmedMs = 0
  #untrimmed = 0

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** @returns a function that ends the sweeps; it resolves when all that was noted is written */
  start(): () => Promise<void> {
    const stop = this.#ports.clock.every(SWEEP_INTERVAL_MS, () => this.#sweep(false))
    return async () => {
      stop()
      this.#sweep(true)
      await Promise.all(this.#writing)
    }
  }

  /** Resolves when the entry is durable. */
  async record(entry: AuditEntry): Promise<void> {
    await this.#store([this.#once(boundedEntry(entry))])
  }

  /**
   * Does something and records how it ended, before who asked for it is told.
   *
   * @throws what `act` throws
   */
  async around<T>(
    entry: Omit<AuditEntry, 'outcome' | 'reason'>,
    act: () => Promise<T>,
  ): Promise<T> {
    try {
      const result = await act()
      await this.record({ ...entry, outcome: 'success' })
      return result
    } catch (error) {
      if (error instanceof HubError) {
        const { code: reason, message: detail } = error
        await this.record({ detail, ...entry, outcome: 'failure', reason })
      }
      throw error
    }
  }

  /** Writes it down soon; repeats for the same identity and reason are counted. Never throws. */
  note(entry: AuditEntry): void {
    const nowMs = this.#ports.clock.now()
    const key = this.#keyFor(entry)
    const open = this.#windows.get(key)
    if (open) {
      if (open.count === 0) open.firstMs = nowMs
      open.lastMs = nowMs
      open.count++
      return
    }
    const { ref: _, address: __, ...unnamed } = entry
    const kept = boundedEntry(
      key.endsWith(MANY) ? { ...unnamed, detail: 'of many devices' } : entry,
    )
    const window = { entry: kept, openedMs: nowMs, firstMs: nowMs, lastMs: nowMs, count: 0 }
    this.#windows.set(key, window)
    this.#append([this.#once(kept)])
  }

  /** For a reader with a cursor: up to `limit` events after that sequence, oldest first. */
  read(after: number, limit: number): Promise<readonly AuditEvent[]> {
    return this.#ports.store.read(after, limit)
  }

  /** For people: newest first. */
  list(filter: AuditFilter): Promise<readonly AuditEvent[]> {
    return this.#ports.store.list(filter)
  }

  #keyFor({ kind, reason = '', ref }: AuditEntry): string {
    const key = JSON.stringify([kind, reason, ref?.deviceId ?? '', ref?.moduleId ?? ''])
    if (ref === undefined || this.#windows.has(key)) return key
    return this.#windows.size < MAX_REPEAT_WINDOWS ? key : `${kind} ${reason}${MANY}`
  }

  #once(entry: AuditEntry): NewAuditEvent {
    const nowMs = this.#ports.clock.now()
    return { ...entry, firstMs: nowMs, lastMs: nowMs, count: 1 }
  }

  #sweep(isLast: boolean): void {
    const nowMs = this.#ports.clock.now()
    const events: NewAuditEvent[] = []
    for (const [key, window] of this.#windows) {
      if (!isLast && nowMs - window.openedMs < REPEAT_WINDOW_MS) continue
      const { entry, firstMs, lastMs, count } = window
      this.#windows.delete(key)
      if (count === 0) continue
      events.push({ ...entry, firstMs, lastMs, count })
      // It goes on, so the next ones are repeats too.
      this.#windows.set(key, { ...window, openedMs: nowMs, count: 0 })
    }
    if (events.length > 0) this.#append(events)
    if (!isLast) this.#trim(nowMs)
  }

  #trim(nowMs: number): void {
    if (this.#untrimmed < TRIM_EVENTS && nowMs - this.#trimmedMs < TRIM_INTERVAL_MS) return
    this.#untrimmed = 0
    this.#trimmedMs = nowMs
    const limits = { maxNoted: MAX_NOTED_EVENTS, maxRecorded: MAX_RECORDED_EVENTS }
    this.#write(this.#ports.store.trim({ ...limits, beforeMs: nowMs - MAX_AUDIT_AGE_MS }))
  }

  #append(events: readonly NewAuditEvent[]): void {
    this.#write(this.#store(events))
  }

  async #store(events: readonly NewAuditEvent[]): Promise<void> {
    this.#untrimmed += events.length
    await this.#ports.store.append(events)
    this.#ports.bus.publish({ kind: 'audit-recorded' })
  }

  #write(writing: Promise<void>): void {
    const done: Promise<void> = writing
      .catch((error) => this.#ports.log.error({ err: error }, 'the audit log was not written'))
      .finally(() => this.#writing.delete(done))
    this.#writing.add(done)
  }
}

/** Ends the key of the window that takes what has none of its own; no JSON ends like this. */
const MANY = ' of many devices'
