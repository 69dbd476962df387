import { domainToASCII } from 'node:url'
import { formatDuration, isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import { canonicalNetwork } from '../detection/sets/networks.ts'
import { hint, Mistakes, Reading } from './reading.ts'
import { type ListRuleType, RULE_TYPES, type RuleType, type ValueType } from './rule-types.ts'
import {
  DEFAULT_WINDOW_MS,
  type GroupDraft,
  type GroupRules,
  MAX_LIST_VALUES,
  MAX_THRESHOLD,
  MAX_VALUE_CHARACTERS,
  MAX_WINDOW_MS,
  MIN_WINDOW_MS,
  NO_RULES,
  type SecurityGroup,
} from './security-group.ts'
import { readDuration, readSettings, settingsView } from './settings-wire.ts'

/** A group as somebody sent it. */
export interface ReadGroup {
  /** Named in the body; absent where it is not. */
  readonly name?: string
  readonly draft: GroupDraft
}

const LISTS = ['timeWindowRules', 'allowlistRules', 'denylistRules', 'thresholdRules'] as const
/** Of what this service or the published one answers; nobody who sends it back means it. */
const ANSWERED = [
  'id',
  'type',
  'etag',
  'version',
  'changedUtc',
  'by',
  'systemData',
  'kind',
] as const
/** What a rule of an answer says beside what can be set. */
const DESCRIBED = ['displayName', 'description', 'valueType', 'source', 'alertType'] as const
/** As many rules as there are types, with room for repetitions that are then refused by name. */
const MAX_RULES = 100

/**
 * Reads a group: the bare object, or the published resource with everything in `properties`.
 *
 *     { timeWindowRules: […], allowlistRules: […], denylistRules: […], thresholdRules: […], settings }
 *     { name, type, properties: { timeWindowRules: […], … } }
 *
 * Rule types that it does not name are disabled; without `settings` those of the group stay.
 *
 * @throws {HubError} `ArgumentInvalid` that lists every mistake with its path
 */
export function readGroup(body: JsonValue): ReadGroup {
  const mistakes = new Mistakes()
  const whole = new Reading(body, '', mistakes)
  if (whole.isAbsent) whole.refuse('it is missing')
  const isEnvelope = isJsonObject(body) && body.properties !== undefined
  const outer = whole.members(
    isEnvelope ? ['name', 'properties', ...ANSWERED] : ['name', 'settings', ...LISTS, ...ANSWERED],
  )
  const inner = isEnvelope
    ? new Reading((body as JsonObject).properties, 'properties', mistakes).members([
        'settings',
        ...LISTS,
      ])
    : (outer as { readonly [name in 'settings' | (typeof LISTS)[number]]: Reading })
  const draft = { ...readRules(inner), ...settingsOf(inner.settings) }
  const name = outer.name.isAbsent ? {} : { name: outer.name.text(MAX_VALUE_CHARACTERS) }
  mistakes.refuse('The security group')
  return { ...name, draft }
}

function settingsOf(reading: Reading): Pick<GroupDraft, 'settings'> {
  return reading.isAbsent ? {} : { settings: readSettings(reading) }
}

type Lists = { readonly [name in (typeof LISTS)[number]]: Reading }

function readRules(lists: Lists): GroupRules {
  const windows = readList(lists.timeWindowRules, RULE_TYPES.timeWindowRules, [
    ...['minThreshold', 'maxThreshold', 'timeWindowSize'],
  ])
  const thresholds = readList(lists.thresholdRules, RULE_TYPES.thresholdRules, [
    ...['minThreshold', 'maxThreshold'],
  ])
  const allowed = readList(lists.allowlistRules, RULE_TYPES.allowlistRules, ['allowlistValues'])
  const denied = readList(lists.denylistRules, RULE_TYPES.denylistRules, ['denylistValues'])
  return {
    timeWindowRules: NO_RULES.timeWindowRules.map((rule) => {
      const sent = windows.get(rule.ruleType)
      if (!sent) return rule
      const { timeWindowSize: size } = sent
      const timeWindowMs =
        !size || size.isAbsent
          ? DEFAULT_WINDOW_MS
          : readDuration(size, MIN_WINDOW_MS, MAX_WINDOW_MS)
      return { ...rule, ...readRange(sent), timeWindowMs }
    }),
    allowlistRules: NO_RULES.allowlistRules.map((rule) => {
      const sent = allowed.get(rule.ruleType)
      const allowlistValues = readValues(sent?.allowlistValues, rule.ruleType)
      return sent ? { ...rule, isEnabled: isEnabled(sent), allowlistValues } : rule
    }),
    denylistRules: NO_RULES.denylistRules.map((rule) => {
      const sent = denied.get(rule.ruleType)
      const denylistValues = readValues(sent?.denylistValues, rule.ruleType)
      return sent ? { ...rule, isEnabled: isEnabled(sent), denylistValues } : rule
    }),
    thresholdRules: NO_RULES.thresholdRules.map((rule) => {
      const sent = thresholds.get(rule.ruleType)
      return sent ? { ...rule, ...readRange(sent) } : rule
    }),
  }
}

type Members = { readonly [name: string]: Reading }

/** The rules of a list by their types. */
function readList(
  list: Reading,
  types: readonly RuleType[],
  members: readonly string[],
): ReadonlyMap<string, Members> {
  const rules = new Map<string, Members>()
  const known = types.map(({ ruleType }) => ruleType)
  for (const element of list.elements(MAX_RULES)) {
    const rule: Members = element.members(['ruleType', 'isEnabled', ...members, ...DESCRIBED])
    const { ruleType } = rule
    if (!ruleType) continue
    const name = known.find((each) => each === ruleType.value)
    if (name === undefined) {
      const known_ = hint(String(ruleType.value ?? ''), known)
      ruleType.refuse(`${ruleType.shown} is no rule type of ${list.path}${known_}`)
    } else if (rules.has(name)) ruleType.refuse(`there is a second rule ${name}`)
    else rules.set(name, rule)
  }
  return rules
}

function isEnabled({ isEnabled: reading }: Members): boolean {
  return reading?.flag(false) ?? false
}

function readRange(rule: Members) {
  const { minThreshold, maxThreshold } = rule
  const least = minThreshold?.integer(0, MAX_THRESHOLD, 0) ?? 0
  const most = maxThreshold?.integer(0, MAX_THRESHOLD, 0) ?? 0
  if (least > most) {
    minThreshold?.refuse(`the minimum ${least} is above the maximum ${most}`)
  }
  return { isEnabled: isEnabled(rule), minThreshold: least, maxThreshold: most }
}

const VALUE_TYPES: ReadonlyMap<string, ValueType> = new Map(
  [...RULE_TYPES.allowlistRules, ...RULE_TYPES.denylistRules].map(
    ({ ruleType, valueType }: ListRuleType) => [ruleType, valueType],
  ),
)

/** Each value once, in one spelling. */
function readValues(list: Reading | undefined, ruleType: string): readonly string[] {
  const values = list?.elements(MAX_LIST_VALUES).map((each) => readValue(each, ruleType))
  return [...new Set(values)]
}

function readValue(reading: Reading, ruleType: string): string {
  const text = reading.text(MAX_VALUE_CHARACTERS)
  if (text === '') return text
  if (VALUE_TYPES.get(ruleType) === 'IpCidr') {
    const network = canonicalNetwork(text)
    if (network !== undefined) return network
    reading.refuse(`${reading.shown} is no network such as 10.0.0.0/8 or 2001:db8::/32`)
  } else if (ruleType === 'DomainNameDenied') {
    const domain = canonicalDomain(text)
    if (domain !== undefined) return domain
    reading.refuse(`${reading.shown} is no domain name such as example.com`)
  }
  return text
}

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/
const MAX_DOMAIN_CHARACTERS = 253

/** `*.Example.COM.` → `example.com`; names of other scripts as they are asked for (`xn--…`). */
function canonicalDomain(text: string): string | undefined {
  const bare = text.replace(/^\*\./, '').replace(/\.$/, '')
  const name = domainToASCII(bare) || bare.toLowerCase()
  const isName = name.length <= MAX_DOMAIN_CHARACTERS && !/^[0-9.]+$/.test(name)
  return isName && name.split('.').every((label) => LABEL.test(label)) ? name : undefined
}

/** The rules as they are on the wire: all types, with what describes them. */
export function rulesView(rules: GroupRules): object {
  return {
    timeWindowRules: rules.timeWindowRules.map(({ timeWindowMs, ...rule }) => ({
      ...describe(RULE_TYPES.timeWindowRules, rule.ruleType),
      ...rule,
      timeWindowSize: formatDuration(timeWindowMs),
    })),
    allowlistRules: rules.allowlistRules.map((rule) => ({
      ...describe(RULE_TYPES.allowlistRules, rule.ruleType),
      ...rule,
    })),
    denylistRules: rules.denylistRules.map((rule) => ({
      ...describe(RULE_TYPES.denylistRules, rule.ruleType),
      ...rule,
    })),
    thresholdRules: rules.thresholdRules.map((rule) => ({
      ...describe(RULE_TYPES.thresholdRules, rule.ruleType),
      ...rule,
    })),
  }
}

function describe(types: readonly RuleType[], ruleType: string): object {
  return types.find((each) => each.ruleType === ruleType) ?? {}
}

/** A group as the API shows it; can be sent back as it is. */
export function groupView(group: SecurityGroup): object {
  const { name, version, etag, changedMs, by } = group
  return {
    name,
    etag,
    version,
    changedUtc: new Date(changedMs).toISOString(),
    by,
    ...rulesView(group),
    settings: settingsView(group.settings),
  }
}
