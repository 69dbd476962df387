import type { CloseReason } from '../../sessions/sessions.ts'

/** Reason codes of MQTT 5. MQTT 3.1.1 has none: its connections just end (03 §11). */
export const REASON = {
  /** Nothing is said: the other end is gone or does not read. */
  none: 0x00,
  disconnectWithWill: 0x04,
  noSubscription: 0x11,
  unspecified: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecific: 0x83,
  unsupportedVersion: 0x84,
  badClientId: 0x85,
  badUserName: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  shuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  takenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  sharedNotSupported: 0x9e,
  subscriptionIdsNotSupported: 0xa1,
} as const

/** What a client may say in a PUBACK and in a DISCONNECT. */
export const PUBACK_REASONS: ReadonlySet<number> = new Set([
  ...[0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
])
export const DISCONNECT_REASONS: ReadonlySet<number> = new Set([
  ...[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99],
])

export const CLOSE_CODES: Readonly<Record<CloseReason, number>> = {
  'taken over by a newer connection': REASON.takenOver,
  'the identity was removed': REASON.notAuthorized,
  'the identity was disabled': REASON.notAuthorized,
  'the credential changed': REASON.notAuthorized,
  'the CA was revoked': REASON.notAuthorized,
  'the hub is stopping': REASON.shuttingDown,
}
