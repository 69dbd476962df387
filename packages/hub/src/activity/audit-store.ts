import type { AuditEvent, AuditKind } from './audit-event.ts'

/** An event before it has its place. */
export type NewAuditEvent = Omit<AuditEvent, 'sequence'>

export interface AuditFilter {
  readonly kind?: AuditKind
  readonly deviceId?: string
  /** Only those before it; absent: the newest first. */
  readonly before?: number
  readonly limit: number
}

/** What is kept of the log. */
export interface AuditLimits {
  /** Events of `auth.failure` and `connection.addresses`: strangers cause them. */
  readonly maxNoted: number
  /** All others. */
  readonly maxRecorded: number
  /** Events that last happened before it go: ms since the epoch. */
  readonly beforeMs: number
}

/**
 * The hub's audit log. Adapters: memory, sqlite; each passes `test/contracts/audit-store.ts`. A promise
 * resolves once the change would survive a crash.
 */
export interface AuditStore {
  /** Adds them in this order, all or none; their sequences are greater than any before. */
  append(events: readonly NewAuditEvent[]): Promise<void>
  /** Up to `limit` events after that sequence, oldest first. */
  read(after: number, limit: number): Promise<readonly AuditEvent[]>
  /** Newest first. */
  list(filter: AuditFilter): Promise<readonly AuditEvent[]>
  /** Removes the oldest that are too many or too old. What strangers cause pushes nothing else out. */
  trim(limits: AuditLimits): Promise<void>
}

/** Whether strangers can cause events of this kind, as many as they like. */
export function isNoted({ kind }: Pick<AuditEvent, 'kind'>): boolean {
  return kind === 'auth.failure' || kind === 'connection.addresses'
}
