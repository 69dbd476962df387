import type { JsonObject } from '@twinward/protocol'

/** `individual`: one device, by its registration id; `group`: all devices that prove to belong to it. */
export type EnrollmentKind = 'individual' | 'group'

export const MAX_ENROLLMENTS = 1_000_000
export const MAX_ENROLLMENT_GROUPS = 100
/** Names of hubs that an enrolment may assign to. */
export const MAX_LINKED_HUBS = 32

/** How devices prove themselves. Keys and DER are base64. */
export type Attestation =
  | { readonly type: 'symmetricKey'; readonly primaryKey: string; readonly secondaryKey: string }
  /** The certificate of an individual's device. */
  | { readonly type: 'client'; readonly primary: string; readonly secondary: string | null }
  /** The certificate of who signs a group's devices; nobody has to have registered it. */
  | { readonly type: 'signing'; readonly primary: string; readonly secondary: string | null }
  /** Names of registered CAs, which count while they are verified. */
  | { readonly type: 'authority'; readonly primary: string; readonly secondary: string | null }

export interface EnrollmentSettings {
  /** Of an individual's device; `null`: its registration id. */
  readonly deviceId: string | null
  readonly attestation: Attestation
  readonly isEnabled: boolean
  /** Kept as it was said: this service assigns to one hub. */
  readonly allocationPolicy: string
  readonly iotHubHostName: string | null
  readonly iotHubs: readonly string[] | null
  readonly updateHubAssignment: boolean
  readonly migrateDeviceData: boolean
  readonly iotEdge: boolean
  /** What the twin of a device begins with; `null` when nothing was said. */
  readonly initialTwin: { readonly tags: JsonObject; readonly desired: JsonObject } | null
}

/** Who may be provisioned, and as what. Immutable. */
export interface Enrollment {
  readonly kind: EnrollmentKind
  /** Registration id or name of the group: unique within the kind, without regard to case. */
  readonly id: string
  /** Never repeats. */
  readonly etag: string
  readonly createdMs: number
  readonly updatedMs: number
  readonly settings: EnrollmentSettings
}

/** What came of a registration. Immutable. */
export interface Registration {
  /** Unique without regard to case. */
  readonly registrationId: string
  readonly enrollment: Pick<Enrollment, 'kind' | 'id'>
  /** `disabled` is never stored: it is what the enrolment says at the time. */
  readonly status: 'assigned' | 'failed' | 'disabled'
  readonly deviceId: string
  readonly assignedHub: string
  /** Names the registration that led to this state. */
  readonly operationId: string
  /** Never repeats. */
  readonly etag: string
  readonly createdMs: number
  /** When the assignment, or what it rests on, changed. */
  readonly updatedMs: number
  /** Of one that failed. */
  readonly error: { readonly number: number; readonly message: string } | null
}
