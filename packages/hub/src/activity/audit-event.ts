import type { DeviceRef } from '@twinward/protocol'

/** What the hub writes down about itself. */
export const AUDIT_KINDS = [
  'ca.add',
  'ca.delete',
  'export.change',
  'export.delete',
  'module.create',
  'security.change',
  'desired.change',
  'auth.failure',
  'connection.addresses',
] as const
export type AuditKind = (typeof AUDIT_KINDS)[number]

/** Why a device or module was not let in. */
export type AuthFailureReason =
  | 'thumbprint'
  | 'certExpired'
  | 'sasExpired'
  | 'sasSignature'
  | 'unknownIdentity'
  | 'disabled'
  | 'other'

/** One thing that happened to the hub, as whoever sees it tells it. */
export interface AuditEntry {
  readonly kind: AuditKind
  readonly outcome: 'success' | 'failure'
  /** An `AuthFailureReason`, or the error's code of what failed. */
  readonly reason?: string
  /** Of an identity that exists. */
  readonly ref?: DeviceRef
  /** The shared access policy that did it. */
  readonly principal?: string
  readonly address?: string
  /** What it was done to: a name, never a secret. */
  readonly subject?: string
  /** For a person. */
  readonly detail?: string
  /** Whether the identity was connected at that time, which a refused stranger is not. */
  readonly isConnected?: boolean
}

/** An entry as it is kept; repeats within a minute are one event with a count. */
export interface AuditEvent extends AuditEntry {
  /** Place in the log; grows, may skip. */
  readonly sequence: number
  readonly firstMs: number
  readonly lastMs: number
  readonly count: number
}

const MAX_TEXT_CHARACTERS = 256
const MAX_DETAIL_CHARACTERS = 512

/** The entry with its texts cut: some of them come from strangers. */
export function boundedEntry(entry: AuditEntry): AuditEntry {
  const { reason, principal, address, subject, detail } = entry
  return {
    ...entry,
    ...(reason !== undefined && { reason: cut(reason) }),
    ...(principal !== undefined && { principal: cut(principal) }),
    ...(address !== undefined && { address: cut(address) }),
    ...(subject !== undefined && { subject: cut(subject) }),
    ...(detail !== undefined && { detail: cut(detail, MAX_DETAIL_CHARACTERS) }),
  }
}

function cut(text: string, characters = MAX_TEXT_CHARACTERS): string {
  return text.length > characters ? `${text.slice(0, characters - 1)}…` : text
}
