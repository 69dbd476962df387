import type { JsonObject, JsonValue } from '@twinward/protocol'
import { type Input, type Option, UsageError } from './command.ts'
import { RULE_LISTS, type RuleList } from './security-group.ts'

/** Options that put values on a list and switch its rule on. */
const LIST_FLAGS = [
  ['allow-process', 'allowlistRules', 'ProcessNotAllowed', 'a program that may be started'],
  ['allow-user', 'allowlistRules', 'LocalUserNotAllowed', 'a user who may sign in'],
  ['allow-outbound', 'allowlistRules', 'ConnectionToIpNotAllowed', 'a network to connect to'],
  ['allow-inbound', 'allowlistRules', 'ConnectionFromIpNotAllowed', 'a network to come from'],
  ['deny-process', 'denylistRules', 'ProcessDenied', 'a program that may not be started'],
  ['deny-user', 'denylistRules', 'LocalUserDenied', 'a user who may not sign in'],
  ['deny-outbound', 'denylistRules', 'ConnectionToIpDenied', 'a network not to connect to'],
  ['deny-inbound', 'denylistRules', 'ConnectionFromIpDenied', 'a network nobody may come from'],
  ['deny-domain', 'denylistRules', 'DomainNameDenied', 'a domain not to ask for'],
] as const

/** Options that change one rule or setting of a group. */
export const CHANGE_OPTIONS: readonly Option[] = [
  ...LIST_FLAGS.map(([flag, , , description]) => ({
    flags: `--${flag} <value>`,
    description,
    isRepeatable: true,
  })),
  {
    flags: '--window <rule>',
    description: 'a count in a window: MqttD2CMessagesNotInAllowedRange=1..600/PT15M',
    isRepeatable: true,
  },
  {
    flags: '--threshold <rule>',
    description: 'a size of a snapshot: ListeningPortsNotInAllowedRange=0..5',
    isRepeatable: true,
  },
  { flags: '--off <ruleType>', description: 'switch a rule off', isRepeatable: true },
  { flags: '--allow-listener <listener>', description: 'such as tcp/22', isRepeatable: true },
  {
    flags: '--allow-hardware <match>',
    description: 'such as class=3 or vendorId=0781,productId=5567',
    isRepeatable: true,
  },
  {
    flags: '--update-window <window>',
    description: 'in UTC, such as "Mon,Tue 02:00 PT2H" or "02:00 PT2H"',
    isRepeatable: true,
  },
  { flags: '--build-user <user>', description: 'a user who compiles', isRepeatable: true },
  { flags: '--user-changes <word>', description: 'new users are', choices: ['expected', 'not'] },
  { flags: '--failed-logins <limit>', description: 'that raise the alert, such as 3/PT10M' },
  {
    flags: '--compat <era>',
    description: 'severities as the published service had them for',
    choices: ['legacy', 'micro', 'none'],
  },
  {
    flags: '--learn-until <time>',
    description: 'rules that learn only collect until then; or none',
  },
]

type Rule = { [member: string]: JsonValue }
type Group = { [list in RuleList]: Rule[] } & { settings: { [name: string]: JsonValue } }

/** Whether the command line asks for a change of one rule or setting. */
export function hasChanges(input: Input): boolean {
  return CHANGE_OPTIONS.some(({ flags, isRepeatable }) => {
    const name = optionName(flags)
    return isRepeatable ? input.list(name).length > 0 : input.text(name) !== undefined
  })
}

/**
 * The group after what the options ask for: lists grow by values, everything else is replaced.
 *
 * @throws {UsageError} for an option that cannot be read
 */
export function changeGroup(before: JsonObject, input: Input): JsonObject {
  const group = structuredClone(before) as unknown as Group
  for (const list of Object.keys(RULE_LISTS) as RuleList[]) group[list] ??= []
  group.settings ??= {}
  for (const [flag, list, ruleType] of LIST_FLAGS) {
    const values = input.list(optionName(`--${flag} <value>`))
    if (values.length === 0) continue
    const member = list === 'allowlistRules' ? 'allowlistValues' : 'denylistValues'
    const rule = ruleOf(group, list, ruleType)
    Object.assign(rule, { isEnabled: true, [member]: [...listOf(rule[member]), ...values] })
  }
  for (const text of input.list('window')) setRange(group, 'timeWindowRules', text)
  for (const text of input.list('threshold')) setRange(group, 'thresholdRules', text)
  for (const ruleType of input.list('off')) switchOff(group, ruleType)
  changeSettings(group.settings, input)
  return group as unknown as JsonObject
}

function changeSettings(settings: Group['settings'], input: Input): void {
  const add = (name: string, values: readonly JsonValue[]) => {
    if (values.length > 0) settings[name] = [...listOf(settings[name]), ...values]
  }
  add('allowedListeners', input.list('allowListener'))
  add('allowedHardware', input.list('allowHardware').map(readHardware))
  add('updateWindows', input.list('updateWindow').map(readWindow))
  add('buildUsers', input.list('buildUser'))
  const changes = input.text('userChanges')
  if (changes !== undefined) settings.userChangesExpected = changes === 'expected'
  const failed = input.text('failedLogins')
  if (failed !== undefined) settings.failedLogins = readFailedLogins(failed)
  const compat = input.text('compat')
  if (compat !== undefined) settings.compat = compat === 'none' ? null : compat
  const until = input.text('learnUntil')
  if (until !== undefined) settings.learningUntilUtc = until === 'none' ? null : until
}

function ruleOf(group: Group, list: RuleList, ruleType: string): Rule {
  const known = group[list].find((rule) => rule.ruleType === ruleType)
  if (known) return known
  const rule: Rule = { ruleType }
  group[list].push(rule)
  return rule
}

function switchOff(group: Group, ruleType: string): void {
  const lists = Object.keys(RULE_LISTS) as RuleList[]
  const rule = lists.flatMap((list) => group[list]).find((each) => each.ruleType === ruleType)
  if (!rule)
    throw new UsageError(`The group has no rule ${ruleType}; see \`security group rules\`.`)
  rule.isEnabled = false
}

const RANGE = /^(\w+)=(\d{1,10})\.\.(\d{1,10})(?:\/(P[0-9A-Z.]+))?$/

function setRange(group: Group, list: RuleList, text: string): void {
  const [, ruleType, least, most, timeWindowSize] = RANGE.exec(text) ?? []
  const hasWindow = timeWindowSize !== undefined
  if (ruleType === undefined || hasWindow !== (list === 'timeWindowRules')) {
    const example = list === 'timeWindowRules' ? 'ruleType=1..600/PT15M' : 'ruleType=0..5'
    throw new UsageError(`"${text}" is not as ${example}.`)
  }
  Object.assign(ruleOf(group, list, ruleType), {
    isEnabled: true,
    minThreshold: Number(least),
    maxThreshold: Number(most),
    ...(hasWindow && { timeWindowSize }),
  })
}

function readHardware(text: string): JsonObject {
  const members = text.split(',').map((part) => part.split('='))
  if (members.every(([name, value, more]) => name && value && more === undefined)) {
    return Object.fromEntries(members) as JsonObject
  }
  throw new UsageError(`"${text}" is not as vendorId=0781,productId=5567.`)
}

function readWindow(text: string): JsonObject {
  const words = text.trim().split(/\s+/)
  const [duration = '', start = '', days] = words.reverse()
  if (words.length < 2 || words.length > 3) {
    throw new UsageError(`"${text}" is not as "Mon,Tue 02:00 PT2H".`)
  }
  return { days: days === undefined ? [] : days.split(','), start, duration }
}

function readFailedLogins(text: string): JsonObject {
  const [threshold, window, more] = text.split('/')
  if (more !== undefined || !/^\d+$/.test(threshold ?? '')) {
    throw new UsageError(`"${text}" is not as 3/PT10M.`)
  }
  return { threshold: Number(threshold), ...(window !== undefined && { window }) }
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

/** `--allow-process <value>` → `allowProcess` */
function optionName(flags: string): string {
  const [long = ''] = flags.slice(2).split(' ')
  return long.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}
