import { createHmac } from 'node:crypto'
import { formatSas } from '@twinward/protocol'
import type { Enrollment, EnrollmentKind } from '../src/provisioning/enrollment.ts'
import type { EnrollmentWrite } from '../src/provisioning/read-enrollment.ts'
import type { Registrant } from '../src/provisioning/registrations.ts'
import type { TestHub } from './hub.ts'

/** The id scope of `makeHub`. */
export const ID_SCOPE = '0ne00000001'
export const GROUP_KEY = Buffer.alloc(32, 1).toString('base64')
export const OTHER_KEY = Buffer.alloc(32, 2).toString('base64')

/** Makes an enrolment with keys. */
export function enrol(
  hub: TestHub,
  kind: EnrollmentKind,
  id: string,
  write: Partial<EnrollmentWrite> = {},
): Promise<Enrollment> {
  const symmetricKey = { primaryKey: GROUP_KEY, secondaryKey: OTHER_KEY }
  const attestation = { type: 'symmetricKey', symmetricKey }
  return hub.provisioning.enrollments.put({ kind, id }, { attestation, ...write }, undefined)
}

/** A token as device SDKs make it: the resource is not encoded. */
export function registrationToken(
  registrationId: string,
  key: string,
  { idScope = ID_SCOPE, expiresAtS = 4_000_000_000, policy = 'registration' } = {},
): string {
  const resource = `${idScope}/registrations/${registrationId}`
  const signature = createHmac('sha256', Buffer.from(key, 'base64'))
    .update(`${resource}\n${expiresAtS}`)
    .digest('base64')
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&skn=${policy}&se=${expiresAtS}`
}

/** The same, percent-encoded and without a policy, as the Python SDK makes it. */
export function encodedToken(registrationId: string, key: string): string {
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  return formatSas(`${ID_SCOPE}/registrations/${registrationId}`, 4_000_000_000, sign)
}

/** A device that shows a token of this key. */
export function registrant(
  registrationId: string,
  key: string,
  changes: Partial<Registrant> = {},
): Registrant {
  return {
    idScope: ID_SCOPE,
    registrationId,
    proof: { token: registrationToken(registrationId, key) },
    address: '192.0.2.1',
    ...changes,
  }
}
