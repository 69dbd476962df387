import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'

/** Security groups as the API takes and answers them. */
export const GROUPS = '/api/security/groups'

/** Members of a group that hold rules, and what those rules are called for people. */
export const RULE_LISTS = {
  timeWindowRules: 'time window',
  allowlistRules: 'allow list',
  denylistRules: 'deny list',
  thresholdRules: 'threshold',
} as const
export type RuleList = keyof typeof RULE_LISTS

export interface GroupRule {
  readonly ruleType: string
  readonly isEnabled: boolean
  readonly displayName: string
  readonly description: string
  readonly minThreshold?: number
  readonly maxThreshold?: number
  readonly timeWindowSize?: string
  readonly allowlistValues?: readonly string[]
  readonly denylistValues?: readonly string[]
}

export type GroupView = { readonly [list in RuleList]: readonly GroupRule[] } & {
  readonly name: string
  readonly etag: string
  readonly version: number
  readonly changedUtc: string
  readonly by: string
  readonly settings: JsonObject
}

export function groupPath(name: string): string {
  return `${GROUPS}/${encodeURIComponent(name)}`
}

/** `ProcessNotAllowed  allow list  sshd, /usr/bin/app` of every enabled rule. */
export function enabledRules(group: GroupView): readonly (readonly string[])[] {
  return Object.entries(RULE_LISTS).flatMap(([list, kind]) =>
    group[list as RuleList]
      .filter(({ isEnabled }) => isEnabled)
      .map((rule) => [rule.ruleType, kind, describeRule(rule)]),
  )
}

/** Values of a list that are named; the others are counted. */
const MAX_NAMED_VALUES = 8

export function describeRule(rule: GroupRule): string {
  const values = rule.allowlistValues ?? rule.denylistValues
  if (values) {
    const named = values.slice(0, MAX_NAMED_VALUES)
    const more = values.length - named.length
    return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  }
  const range = `${rule.minThreshold} to ${rule.maxThreshold}`
  return rule.timeWindowSize === undefined ? range : `${range} in ${rule.timeWindowSize}`
}

/** Settings that say something: not an empty list, not `null`, not what holds without a group. */
export function shownSettings(settings: JsonObject): readonly (readonly [string, string])[] {
  return Object.entries(settings)
    .filter(([name, value]) => value !== null && !isDefault(name, value))
    .map(([name, value]) => [name, describeValue(value)])
}

function isDefault(name: string, value: JsonValue): boolean {
  if (name === 'failedLogins') return isJsonObject(value) && value.threshold === 1
  return Array.isArray(value)
    ? value.length === 0
    : name === 'userChangesExpected' && value === true
}

function describeValue(value: JsonValue): string {
  if (!Array.isArray(value))
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  return value.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(', ')
}
