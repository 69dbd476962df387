import type { AlertType, Rule } from '../rule.ts'
import { authenticationRules } from './authentication.ts'
import { certificateRules } from './certificates.ts'
import { connectionStorm } from './connection-storm.ts'
import { exportRules } from './exports.ts'
import { identityRules } from './identities.ts'
import { securityMessagesRefused } from './refused-messages.ts'

/** Rules on what the hub writes down about itself. A further one is one entry in its file's list. */
export const hubRules: readonly Rule[] = [
  ...certificateRules,
  ...authenticationRules,
  ...exportRules,
  ...identityRules,
]

/** Every alert about the hub, or about what it noticed, by its number. */
export const hubAlertTypes: readonly AlertType[] = [
  ...hubRules.map(({ type }) => type),
  connectionStorm,
  securityMessagesRefused,
].sort((a, b) => a.number - b.number)
