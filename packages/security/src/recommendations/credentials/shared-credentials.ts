import { createHmac } from 'node:crypto'
import type { CredentialMark } from '../../platform.ts'
import type { Assessment, RecommendationType } from '../recommendation.ts'
import type { Sharing, StoredMark } from './credential-store.ts'

/** Other devices that a finding names. */
export const MAX_NAMED_DEVICES = 20

export const sharedCredentialsType: RecommendationType = {
  recommendationType: 'IoT_SharedCredentials',
  displayName: 'Same authentication credentials used by several devices',
  severity: 'High',
  description:
    'Another device can be opened with a credential of this one. Whoever takes it from one of them ' +
    'can speak for all of them, and none can be locked out alone.',
  remediationSteps: [
    'Give every device keys or a certificate of its own; enrolment groups do that by themselves.',
    'Renew the credential on each device that is named here, one at a time.',
    'If the credential was in an image or in source code, treat it as known to others.',
  ],
}

/** Names of an identity's credentials that tell nothing without the key. Pure. */
export function marksOf({ credentials }: CredentialMark, key: string): readonly StoredMark[] {
  const marks = credentials.map(({ kind, digest }) => ({
    kind,
    mark: createHmac('sha256', key).update(`${kind} ${digest}`).digest('hex'),
  }))
  return [...new Map(marks.map((one) => [one.mark, one])).values()]
}

/** What it says about a device that it shares these. Pure. */
export function assessSharing(deviceId: string, shared: readonly Sharing[]): Assessment {
  if (shared.length === 0) return { isGood: true }
  const others = new Set(shared.flatMap(({ deviceIds }) => deviceIds))
  others.delete(deviceId)
  const listed = [...others].sort().slice(0, MAX_NAMED_DEVICES)
  const kinds = [...new Set(shared.map(({ kind }) => kind))].sort()
  return {
    isGood: false,
    additionalData: {
      SharedWith: JSON.stringify(listed),
      // Of the credential that most devices have.
      TotalDevices: String(Math.max(...shared.map(({ total }) => total))),
      Credentials: JSON.stringify(kinds),
    },
  }
}
