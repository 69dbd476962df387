import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Authorities } from '../registry/authorities.ts'
import type { CertificateStore } from '../registry/certificate-store.ts'
import type { HostNames } from '../registry/host-names.ts'
import type { Identities } from '../registry/identities.ts'
import type { EnrollmentStore } from './enrollment-store.ts'
import { Enrollments } from './enrollments.ts'
import { Registrations } from './registrations.ts'

/** The provisioning service: who may come, and who came. */
export interface Provisioning {
  readonly enrollments: Enrollments
  readonly registrations: Registrations
}

interface ProvisioningParts {
  readonly enrollments: EnrollmentStore
  readonly certificates: CertificateStore
  readonly authorities: Authorities
  readonly clock: Clock
  readonly log: Log
  readonly identities: Identities
  readonly hostNames: HostNames
}

/** @param idScope  in lower case */
export function createProvisioning(idScope: string, parts: ProvisioningParts): Provisioning {
  const { enrollments: store, identities, hostNames } = parts
  const enrollments = new Enrollments(parts, hostNames)
  const ports = { ...parts, store }
  const registrations = new Registrations(idScope, ports, { enrollments, identities, hostNames })
  return { enrollments, registrations }
}
