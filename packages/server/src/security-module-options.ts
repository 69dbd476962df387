import { readFileSync } from 'node:fs'
import type { SecurityModuleOptions } from '@twinward/hub'
import { securityModuleSeed } from '@twinward/security'
import type { Settings } from './config/settings.ts'
import { configurationKeys } from './review-security-settings.ts'
import type { ServerCertificate } from './tls/certificates.ts'

/** How security modules get their credentials here, and what they may do with them. */
export function securityModuleOptions(
  settings: Settings,
  { caFile }: ServerCertificate,
): SecurityModuleOptions {
  const keys = configurationKeys(settings)
  // Whom an operator's own certificate comes from, clients know without us.
  const isPrivateCa = settings.tlsCert === undefined
  return {
    deviceReadsKey: settings.deviceReadsModuleKey,
    access: settings.securityModuleAccess,
    securityModuleId: settings.securityModuleId,
    seedOf: (moduleId) => securityModuleSeed(moduleId, { keys }),
    ...(isPrivateCa && { caCertificate: readFileSync(caFile, 'utf8') }),
  }
}
