export type Severity = 'Informational' | 'Low' | 'Medium' | 'High'
export type AlertStatus = 'Active' | 'InProgress' | 'Resolved' | 'Dismissed'
export type Intent =
  | 'Unknown'
  | 'InitialAccess'
  | 'Persistence'
  | 'PrivilegeEscalation'
  | 'DefenseEvasion'
  | 'CredentialAccess'
  | 'Discovery'
  | 'LateralMovement'
  | 'Execution'
  | 'Collection'
  | 'Exfiltration'
  | 'CommandAndControl'
  | 'Impact'

/** Something the alert is about: a process, a host, an account, an address. */
export interface AlertEntity {
  readonly type: 'process' | 'host' | 'account' | 'ip' | 'file'
  readonly [property: string]: string
}

/** One observation behind an alert; the event can be read back by its id. */
export interface Evidence {
  readonly eventId: string
  /** Which of the event's records, from 0. */
  readonly element?: number
  readonly timeMs: number
  /** For a person, at most 512 characters. */
  readonly summary: string
}

export interface StatusChange {
  readonly status: AlertStatus
  readonly timeMs: number
  /** A policy name, or `engine`. */
  readonly by: string
  readonly note: string
}

/** "This happened" on one device. Texts of the type (name, description, …) come from its rule. */
export interface Alert {
  readonly id: string
  readonly deviceId: string
  readonly alertType: string
  readonly displayName: string
  readonly severity: Severity
  readonly status: AlertStatus
  readonly intent: Intent
  readonly description: string
  readonly remediationSteps: readonly string[]
  /** MITRE ATT&CK technique ids. */
  readonly techniques: readonly string[]
  readonly startTimeMs: number
  readonly endTimeMs: number
  readonly count: number
  /** Device, type and the thing found; a further find within the window updates this alert. */
  readonly dedupeKey: string
  readonly entities: readonly AlertEntity[]
  readonly extendedProperties: { readonly [name: string]: string }
  /** The first and the last five. */
  readonly evidence: readonly Evidence[]
  readonly assignee: string
  readonly notes: readonly { readonly timeMs: number; readonly by: string; readonly text: string }[]
  readonly history: readonly StatusChange[]
  /** `maintenance`: it happened in a maintenance window. Absent: none. */
  readonly tags?: readonly string[]
  /** The fire drill that raised it: a test, which never counts. Absent in every other alert. */
  readonly drill?: string
  /** When its device was removed; absent while there is that device. */
  readonly deviceRemovedMs?: number
}
