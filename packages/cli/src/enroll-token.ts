import type { JsonObject } from '@twinward/protocol'

/** An enrolment token as the API shows it; `token` only in the answer to its creation. */
export interface EnrollTokenView extends JsonObject {
  readonly tokenId: string
  readonly deviceId: string
  readonly moduleId: string | null
  readonly status: 'open' | 'used' | 'expired'
  readonly createdBy: string
  readonly createdTimeUtc: string
  readonly expiresTimeUtc: string
  readonly usedTimeUtc: string | null
  readonly usedAddress: string | null
}

/** What redeeming a token gives. */
export interface EnrolledView {
  readonly deviceId: string
  readonly moduleId: string
  readonly connectionString: string
  readonly caCertificate?: string
}

/** Below `/api/devices/{d}/security`. */
export function securityPath(deviceId: string, name: string): string {
  return `/api/devices/${encodeURIComponent(deviceId)}/security/${name}`
}
