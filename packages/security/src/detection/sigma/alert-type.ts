import { ASK_WHETHER_PLANNED, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import type { Intent, Severity } from '../alert.ts'
import type { AlertType } from '../rule.ts'
import type { SigmaLevel, SigmaRule } from './sigma-rule.ts'

/** What the names of these alert types begin with. */
export const SIGMA_PREFIX = 'Sigma_'
/** They stand in no catalogue. */
const NO_NUMBER = 0

const SEVERITY_OF: { readonly [level in SigmaLevel]: Severity } = {
  critical: 'High',
  high: 'High',
  medium: 'Medium',
  low: 'Low',
  informational: 'Informational',
}

const INTENT_OF: ReadonlyMap<string, Intent> = new Map([
  ['reconnaissance', 'Discovery'],
  ['initialaccess', 'InitialAccess'],
  ['execution', 'Execution'],
  ['persistence', 'Persistence'],
  ['privilegeescalation', 'PrivilegeEscalation'],
  ['defenseevasion', 'DefenseEvasion'],
  ['credentialaccess', 'CredentialAccess'],
  ['discovery', 'Discovery'],
  ['lateralmovement', 'LateralMovement'],
  ['collection', 'Collection'],
  ['exfiltration', 'Exfiltration'],
  ['commandandcontrol', 'CommandAndControl'],
  ['impact', 'Impact'],
])

/** The type of alerts that a rule raises: `Sigma_` and its id, which may be the name of a tag. */
export function sigmaAlertType(rule: SigmaRule): AlertType {
  const { id, title, description, level, tags, falsePositives } = rule
  const attacks = tags.filter((tag) => tag.startsWith('attack.')).map((tag) => tag.slice(7))
  const intents = attacks.map((tag) => INTENT_OF.get(tag.replace(/[-_]/g, '')))
  const techniques = attacks.filter((tag) => /^t\d{4}(\.\d{3})?$/.test(tag))
  const innocent = falsePositives.filter((text) => !/^(unknown|none)\.?$/i.test(text))
  return {
    number: NO_NUMBER,
    alertType: sigmaTypeName(id),
    displayName: title,
    severity: SEVERITY_OF[level],
    intent: intents.find((intent) => intent !== undefined) ?? 'Unknown',
    description: description === '' ? title : description,
    remediationSteps: [
      ...(innocent.length === 0
        ? []
        : [`Rule out what the author of the rule knows to be innocent: ${innocent.join('; ')}.`]),
      ASK_WHETHER_PLANNED,
      FIND_THE_WAY_IN,
      HAND_OVER,
    ],
    techniques: [...new Set(techniques.map((tag) => tag.toUpperCase()))],
  }
}

/** Hyphens become underscores, which ids do not have: `[A-Za-z0-9_]` and nothing else. */
export function sigmaTypeName(id: string): string {
  return `${SIGMA_PREFIX}${id.replaceAll('-', '_')}`
}
