import type { ActivityCounters } from '../activity/counters.ts'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Authenticator } from './authenticator.ts'
import type { EnrollmentTokenStore } from './enrollment-token-store.ts'
import type { HostNames } from './host-names.ts'
import type { Identities } from './identities.ts'
import { ModuleCredentials } from './module-credentials.ts'
import { type ModuleKeyRules, ModuleKeys } from './module-keys.ts'
import { Permissions, type SecurityModuleRules } from './permissions.ts'
import type { Registry } from './registry.ts'
import { type EnrollmentRules, SecurityEnrollment } from './security-enrollment.ts'

interface SecurityModulePorts {
  readonly registry: Registry
  readonly tokens: EnrollmentTokenStore
  readonly identities: Identities
  readonly sessions: Pick<Sessions, 'find'>
  readonly authenticator: Authenticator
  readonly hostNames: HostNames
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
  readonly counters?: Pick<ActivityCounters, 'count'>
}

/** How security modules get their credentials and what they may do with them. */
export interface SecurityModuleOptions
  extends Pick<EnrollmentRules, 'seedOf' | 'caCertificate' | 'securityModuleId'>,
    Pick<SecurityModuleRules, 'access'> {
  /** Whether a device reads the key of its security module; off, none does. */
  readonly deviceReadsKey: ModuleKeyRules['isEnabled']
}

export interface SecurityModuleServices {
  readonly moduleKeys: ModuleKeys
  readonly moduleCredentials: ModuleCredentials
  readonly permissions: Permissions
  readonly securityEnrollment: SecurityEnrollment
}

/** The services around the identities of security modules (security 07). */
export function createSecurityModules(
  ports: SecurityModulePorts,
  options: SecurityModuleOptions,
): SecurityModuleServices {
  const { deviceReadsKey: isEnabled, securityModuleId } = options
  const credentials = new ModuleCredentials(ports, securityModuleId)
  return {
    moduleKeys: new ModuleKeys(ports, { isEnabled, securityModuleId }),
    moduleCredentials: credentials,
    permissions: new Permissions(ports, options),
    securityEnrollment: new SecurityEnrollment({ ...ports, credentials }, options),
  }
}
