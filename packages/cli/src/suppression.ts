import { type Input, type Option, UsageError } from './command.ts'
import { formatFields, formatTime, printable } from './output.ts'

export const SUPPRESSIONS = '/api/security/suppressions'

export interface MatcherView {
  readonly name: string
  readonly operator: string
  readonly value: string
}

/** A suppression as the security API shows it. */
export interface SuppressionView {
  readonly id: string
  readonly alertType: string
  readonly match: readonly MatcherView[]
  readonly group: string
  readonly deviceId: string
  /** A time, or `never`. */
  readonly expiresUtc: string
  readonly reason: string
  readonly isEnabled: boolean
  readonly isInForce: boolean
  readonly author: string
  readonly createdUtc: string
  readonly suppressedCount: number
  readonly lastSuppressedUtc: string | null
  readonly lastSuppressedDeviceId: string | null
  /** Of a creation that dismisses open alerts. */
  readonly open?: { readonly dismissed: number; readonly isComplete: boolean }
}

export const UNTIL_OPTION: Option = {
  flags: '--until <time>',
  description: 'until then, such as 2026-12-31 or 2026-12-31T12:00:00Z, or "never"',
}
export const REASON_OPTION: Option = {
  flags: '--reason <text>',
  description: 'why nobody needs to see them',
}

/** What says which alerts are meant. */
export const MEANT_OPTIONS: readonly Option[] = [
  { flags: '--type <type>', description: 'such as IoT_WebShell', defaultText: 'all types' },
  { flags: '--group <name>', description: 'of devices of this security group' },
  { flags: '--device <id>', description: 'of this device' },
  {
    flags: '--match <condition>',
    description: 'NAME=TEXT equal, NAME*=TEXT contains, NAME^=TEXT begins, NAME@=CIDR within',
    isRepeatable: true,
  },
]

export const MATCH_DETAILS =
  'NAME is an extended property of the alert ("User Name") or a property of one of its entities\n' +
  '("ip.address", "process.commandLine"); all conditions must hold.'

/** What the options say, as the API takes it. @throws {UsageError} */
export function readSuppression(input: Input) {
  const [expiresUtc, reason] = [input.text('until'), input.text('reason')]
  if (expiresUtc === undefined)
    throw new UsageError('Say how long: --until TIME, or --until never.')
  if (reason === undefined) throw new UsageError('Say why: --reason TEXT.')
  return { ...readMeant(input), expiresUtc, reason }
}

export function readMeant(input: Input) {
  const [group, deviceId] = [input.text('group'), input.text('device')]
  return {
    alertType: input.text('type') ?? '*',
    match: input.list('match').map(readMatcher),
    ...(group !== undefined && { group }),
    ...(deviceId !== undefined && { deviceId }),
  }
}

const OPERATORS: { readonly [sign: string]: string } = {
  '*': 'contains',
  '^': 'startsWith',
  '@': 'cidr',
}

/** `User Name=root`, `CommandLine*=backup`. @throws {UsageError} */
export function readMatcher(condition: string): MatcherView {
  const equals = condition.indexOf('=')
  if (equals < 1) {
    throw new UsageError(`"${condition}" is no condition: expected is NAME=TEXT or NAME*=TEXT.`)
  }
  const operator = OPERATORS[condition.charAt(equals - 1)]
  const name = condition.slice(0, operator === undefined ? equals : equals - 1)
  return { name: name.trim(), operator: operator ?? 'equals', value: condition.slice(equals + 1) }
}

const SIGNS: { readonly [operator: string]: string } = {
  ...{ equals: '=', contains: '*=', startsWith: '^=', cidr: '@=' },
}

/** Which alerts it is about, in the words of the options. */
export function describeMeant(suppression: SuppressionView): string {
  const { alertType, match, group, deviceId } = suppression
  const parts = [
    alertType === '*' ? 'all types' : alertType,
    ...(group === '' ? [] : [`group ${group}`]),
    ...(deviceId === '' ? [] : [`device ${deviceId}`]),
    ...match.map(({ name, operator, value }) => `${name}${SIGNS[operator] ?? operator}${value}`),
  ]
  return printable(parts.join(', '))
}

export function stateOf({ isEnabled, isInForce }: SuppressionView): string {
  return isInForce ? 'in force' : isEnabled ? 'expired' : 'switched off'
}

/** A suppression whole, for people. */
export function describeSuppression(suppression: SuppressionView): string {
  const { expiresUtc, lastSuppressedUtc, lastSuppressedDeviceId: device } = suppression
  return formatFields([
    ['Suppression', suppression.id],
    ['Alerts', describeMeant(suppression)],
    ['State', stateOf(suppression)],
    ['Until', expiresUtc === 'never' ? expiresUtc : formatTime(expiresUtc)],
    ['Reason', suppression.reason],
    ['Author', suppression.author],
    ['Created', formatTime(suppression.createdUtc)],
    ['Held back', String(suppression.suppressedCount)],
    ['Last', lastSuppressedUtc ? `${formatTime(lastSuppressedUtc)} on ${device ?? ''}` : undefined],
  ])
}
