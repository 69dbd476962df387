import type { AuditEvent } from '../../activity/audit-event.ts'
import {
  type AuditFilter,
  type AuditLimits,
  type AuditStore,
  isNoted,
  type NewAuditEvent,
} from '../../activity/audit-store.ts'

/** The audit log for tests: everything in memory, durable at once. */
export class MemoryAudit implements AuditStore {
  #events: readonly AuditEvent[] = []
  #sequence = 0

  async append(events: readonly NewAuditEvent[]): Promise<void> {
    const placed = events.map((event) => ({ ...event, sequence: ++this.#sequence }))
    this.#events = [...this.#events, ...placed]
  }

  async read(after: number, limit: number): Promise<readonly AuditEvent[]> {
    return this.#events.filter(({ sequence }) => sequence > after).slice(0, limit)
  }

  async list({ kind, deviceId, before, limit }: AuditFilter): Promise<readonly AuditEvent[]> {
    return this.#events
      .filter((event) => before === undefined || event.sequence < before)
      .filter((event) => kind === undefined || event.kind === kind)
      .filter((event) => deviceId === undefined || event.ref?.deviceId === deviceId)
      .toReversed()
      .slice(0, limit)
  }

  async trim({ maxNoted, maxRecorded, beforeMs }: AuditLimits): Promise<void> {
    const noted = this.#events.filter(isNoted)
    const recorded = this.#events.filter((event) => !isNoted(event))
    const kept = new Set([...newest(noted, maxNoted), ...newest(recorded, maxRecorded)])
    this.#events = this.#events.filter((event) => kept.has(event) && event.lastMs >= beforeMs)
  }
}

function newest(events: readonly AuditEvent[], limit: number): readonly AuditEvent[] {
  return limit === 0 ? [] : events.slice(-limit)
}
