import type { HubEvent } from '../../activity/hub-activity.ts'
import type { AlertType, Rule } from '../rule.ts'
import { hubRule, matchEvent } from './hub-rule.ts'

const twoAddresses: AlertType = {
  number: 111,
  alertType: 'IoT_IdentityAtTwoAddresses',
  displayName: 'One identity at two addresses',
  severity: 'Medium',
  intent: 'CredentialAccess',
  description:
    'The same identity connected from one address, from another, and from the first again within ' +
    'five minutes: each connection takes the place of the other. Two programs have its credentials.',
  remediationSteps: [
    'Look at both addresses: which one is the device?',
    'Two devices with one configuration were cloned from one image: give each its own identity.',
    'If the other address is not yours, give the identity new credentials and treat the device as ' +
      'broken into, since somebody has read its key.',
  ],
  techniques: ['T1078', 'T1557'],
}

const moduleCreated: AlertType = {
  number: 113,
  alertType: 'IoT_ModuleCreatedOutsideProvisioning',
  displayName: 'Module identity created outside of provisioning',
  severity: 'Low',
  intent: 'Persistence',
  description:
    'A service made a module identity by itself, not by an enrolment, an import or the policy for ' +
    'security modules. A module has credentials of its own and may stay unnoticed beside its device.',
  remediationSteps: [
    'Ask whoever may use the policy that the alert names whether the module is theirs.',
    'If back-ends of yours make modules this way, suppress this alert for their policy.',
    'If nobody knows the module, remove it and renew the keys of that policy.',
  ],
  techniques: ['T1136', 'T1098'],
}

const customChecks: AlertType = {
  number: 115,
  alertType: 'IoT_CustomChecksChanged',
  displayName: 'Custom checks of a security agent changed',
  severity: 'Medium',
  intent: 'Execution',
  description:
    'A setting was written that lets the agent run checks from a file of its device, as root: the ' +
    'path of the file, its hash, or whether they are on. Whoever can write the file can then run ' +
    'anything.',
  remediationSteps: [
    'Ask whoever may use the policy that the alert names whether the change was agreed on.',
    'Read the file that the setting names on the device, and check its hash.',
    'If nobody knows of it, switch custom checks off, renew the keys of that policy, and look for ' +
      'what the agent ran since.',
  ],
  techniques: ['T1053', 'T1059'],
}

const unusual: AlertType = {
  number: 114,
  alertType: 'IoT_UnusualPrincipal',
  displayName: 'Security configuration changed by an unusual principal',
  severity: 'Medium',
  intent: 'DefenseEvasion',
  description:
    'A shared access policy changed the security configuration that has not done so in the last ' +
    '90 days, while others have.',
  remediationSteps: [
    'Ask whoever may use that policy whether the change was theirs.',
    'Read what it changed in the audit log, and put back what weakens the protection.',
    'If nobody knows of it, renew the keys of that policy.',
  ],
  techniques: ['T1562.001', 'T1098'],
}

const byPrincipal = ({ principal = '' }: HubEvent) => principal

/** Policies that are remembered; beyond, the one that was seen longest ago is forgotten. */
export const MAX_PRINCIPALS = 32
/** A policy that did nothing for so long is unusual again. */
export const PRINCIPAL_MEMORY_MS = 90 * 24 * 3_600_000

const MEMORY = 'principals'

/** The first policy ever is the usual one: there is nothing yet to compare it with. */
export const unusualPrincipal: Rule = {
  type: unusual,
  kinds: ['hub'],
  evaluate({ record }, memory) {
    if (record.kind !== 'hub' || record.event.kind !== 'security.change') return undefined
    const { event } = record
    const { principal, lastMs } = event
    if (principal === undefined || event.outcome !== 'success') return undefined
    const known = Object.entries(memory.get(MEMORY) ?? {}).filter(
      ([, seenMs]) => typeof seenMs === 'number' && lastMs - seenMs <= PRINCIPAL_MEMORY_MS,
    ) as [string, number][]
    const others = known.filter(([name]) => name !== principal)
    const kept = [...others, [principal, lastMs] as [string, number]]
    const newest = kept.sort(([, a], [, b]) => b - a).slice(0, MAX_PRINCIPALS)
    memory.set(MEMORY, Object.fromEntries(newest))
    const isUnusual = others.length > 0 && others.length === known.length
    const seen = 'an unusual policy changed the security configuration'
    return isUnusual ? matchEvent(record, event, { key: principal, seen }) : undefined
  },
}

const success = { outcome: 'success' } as const

/** What happened to identities and their settings. */
export const identityRules: readonly Rule[] = [
  hubRule(twoAddresses, {
    ...success,
    kind: 'connection.addresses',
    seen: 'one identity connects from two addresses',
  }),
  hubRule(moduleCreated, {
    ...success,
    kind: 'module.create',
    seen: 'a service made a module',
    key: byPrincipal,
  }),
  unusualPrincipal,
  hubRule(customChecks, {
    ...success,
    kind: 'desired.change',
    seen: 'settings of custom checks were written',
  }),
]
