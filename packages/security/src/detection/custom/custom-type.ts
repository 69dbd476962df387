import { customAlertTypeName, RULE_TYPES, type RuleType } from '../../groups/rule-types.ts'
import type { Intent } from '../alert.ts'
import type { AlertType } from '../rule.ts'

/** Numbers of custom alerts begin after those of the built-in ones. */
const FIRST_NUMBER = 1001

const LOOK_AT_GROUP =
  'If it is what the device does normally, change the rule of its security group; ' +
  '`security group show` names the group.'

interface Advice {
  readonly intent: Intent
  readonly steps: readonly string[]
}

const COUNTED: Advice = {
  intent: 'Unknown',
  steps: [
    'Compare the count with what the device does on other days, and with devices of its group.',
    'Too many: find what sends or asks so often, a program in a loop or somebody who tries. Too ' +
      'few: check that the device runs and is connected.',
  ],
}

const OUTBOUND: Advice = {
  intent: 'CommandAndControl',
  steps: [
    'Find the program behind the connection and check whether it has a reason to talk there.',
    'If it has none, block the address at your gateway and look for other devices that talk to it.',
  ],
}

const INBOUND: Advice = {
  intent: 'InitialAccess',
  steps: [
    'Find out whose address it is and what it asked for on which port of the device.',
    'If nobody should come from there, let the firewall of the device or of its network refuse it.',
  ],
}

const PROCESS: Advice = {
  intent: 'Execution',
  steps: [
    'Look at the command line and the user of the process: who started it, and from where?',
    'Check whether an update or an installation brought the program. If nobody did, keep a copy ' +
      'of it and read what the device ran in the hour before.',
  ],
}

const LOGIN: Advice = {
  intent: 'InitialAccess',
  steps: [
    'Ask whoever owns the account whether it was them.',
    'If not, lock the account, end its sessions, and read what was run since the login.',
  ],
}

const SNAPSHOT: Advice = {
  intent: 'Unknown',
  steps: [
    'Compare the newest snapshot in the raw events with the one before: what came, what went?',
    'Check whether an update or somebody who works on the device explains it.',
  ],
}

const ADVICE: { readonly [ruleType: string]: Advice } = {
  ConnectionToIpNotAllowed: OUTBOUND,
  ConnectionToIpDenied: OUTBOUND,
  DomainNameDenied: OUTBOUND,
  ConnectionFromIpNotAllowed: INBOUND,
  ConnectionFromIpDenied: INBOUND,
  ProcessNotAllowed: PROCESS,
  ProcessDenied: PROCESS,
  LocalUserNotAllowed: LOGIN,
  LocalUserDenied: LOGIN,
  ListeningPortsNotInAllowedRange: SNAPSHOT,
  LocalUsersNotInAllowedRange: SNAPSHOT,
  FirewallRulesNotInAllowedRange: SNAPSHOT,
  FailedBaselineChecksNotInAllowedRange: SNAPSHOT,
}

const all: readonly RuleType[] = Object.values(RULE_TYPES).flat()

/** Every custom alert, by the type of the rule that raises it. All Low, as published. */
export const CUSTOM_ALERT_TYPES: ReadonlyMap<string, AlertType> = new Map(
  all.map(({ ruleType, displayName, description }, at) => {
    const { intent, steps } = ADVICE[ruleType] ?? COUNTED
    const type: AlertType = {
      number: FIRST_NUMBER + at,
      alertType: customAlertTypeName(ruleType),
      displayName,
      severity: 'Low',
      intent,
      description,
      remediationSteps: [...steps, LOOK_AT_GROUP],
      techniques: [],
    }
    return [ruleType, type]
  }),
)

/** The texts of the alert of a rule type. @throws {Error} for a type that there is not: a bug */
export function customAlertType(ruleType: string): AlertType {
  const type = CUSTOM_ALERT_TYPES.get(ruleType)
  if (!type) throw new Error(`no rule type ${ruleType}`)
  return type
}
