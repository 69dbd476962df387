import { type Input, type Option, UsageError } from './command.ts'
import { readText } from './read-file.ts'

export const CHANNELS = '/api/security/notifications/channels'
export const ROUTES = '/api/security/notifications/routes'
export const DEAD_LETTERS = '/api/security/notifications/dead-letters'
export const CHANNEL_KINDS = ['webhook', 'email', 'syslog', 'nats']
export const CHANGE_KINDS = [
  'alert-opened',
  'alert-updated',
  'alert-status-changed',
  'recommendation-opened',
  'recommendation-changed',
  'recommendation-state-changed',
  'recommendation-resolved',
]

/** A channel as the security API shows it: secrets are masked. */
export interface ChannelView {
  readonly id: string
  readonly kind: string
  readonly description: string
  readonly isEnabled: boolean
  readonly settings: { readonly [name: string]: unknown }
}

export interface RouteView {
  readonly id: string
  readonly isEnabled: boolean
  readonly channels: readonly string[]
  readonly minimumSeverity: string
  readonly types: readonly string[]
  readonly kinds: readonly string[]
  readonly groups: readonly string[]
  readonly devices: readonly string[]
  readonly limit: number
  readonly windowSeconds: number
}

export interface DeadLetterView {
  readonly id: string
  readonly channelId: string
  readonly event: string
  readonly severity: string
  readonly type: string
  readonly deviceId: string
  readonly attempts: number
  readonly reason: string
  readonly deadUtc: string | null
}

/** Where a channel or route is, by its id. */
export function at(root: string, id: string): string {
  return `${root}/${encodeURIComponent(id)}`
}

export const SETTING_OPTIONS: readonly Option[] = [
  {
    flags: '--set <name=value>',
    description: 'a setting of its kind; @file for what a file holds',
    isRepeatable: true,
  },
  {
    flags: '--secret-file <name=file>',
    description: 'a secret setting, as the first line of a file',
    isRepeatable: true,
  },
  { flags: '--description <text>', description: 'for people' },
]

/** Settings that hold a list: each --set adds to it. */
const LISTS = ['to', 'servers']
const NUMBERS = ['port', 'facility', 'digestSeconds']
const BOOLEANS = ['jetStream']

/** The settings of the command line. @throws {UsageError}; {CommandError} for files */
export function readSettings(input: Input): { [name: string]: unknown } {
  const settings: { [name: string]: unknown } = {}
  for (const text of input.list('set')) {
    const [name, value] = pairOf('--set', text)
    const whole = value.startsWith('@') ? readText(value.slice(1)) : value
    if (LISTS.includes(name)) settings[name] = [...((settings[name] as string[]) ?? []), whole]
    else settings[name] = typed(name, whole)
  }
  for (const text of input.list('secretFile')) {
    const [name, file] = pairOf('--secret-file', text)
    settings[name] = readText(file).split(/\r?\n/)[0] ?? ''
  }
  return settings
}

function typed(name: string, text: string): unknown {
  if (NUMBERS.includes(name)) {
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new UsageError(`--set ${name}: expected a whole number, not ${text}.`)
  }
  if (!BOOLEANS.includes(name)) return text
  if (text === 'true' || text === 'false') return text === 'true'
  throw new UsageError(`--set ${name}: expected true or false, not ${text}.`)
}

function pairOf(option: string, text: string): readonly [string, string] {
  const end = text.indexOf('=')
  if (end > 0) return [text.slice(0, end), text.slice(end + 1)]
  throw new UsageError(`${option} ${text}: expected name=value.`)
}

const REPEATABLE = { isRepeatable: true } as const

export const ROUTE_OPTIONS: readonly Option[] = [
  { flags: '--channel <id>', description: 'where it leads', ...REPEATABLE },
  {
    flags: '--minimum-severity <severity>',
    description: 'only findings that are at least so bad',
    choices: ['Informational', 'Low', 'Medium', 'High'],
  },
  { flags: '--type <pattern>', description: 'of alerts and recommendations', ...REPEATABLE },
  {
    flags: '--kind <kind>',
    description: `what happened: ${CHANGE_KINDS.join(', ')}`,
    ...REPEATABLE,
  },
  { flags: '--group <name>', description: 'only of this security group', ...REPEATABLE },
  { flags: '--device <pattern>', description: 'only of these devices', ...REPEATABLE },
  {
    flags: '--limit <n>',
    description: 'notifications in a window; the rest is told in one summary',
    defaultText: '60',
    integer: { min: 0, max: 10_000 },
  },
  {
    flags: '--window-seconds <n>',
    description: 'how long a window is',
    defaultText: '60',
    integer: { min: 10, max: 86_400 },
  },
]

/** What the command line says of a route. */
export function readRoute(input: Input): { [name: string]: unknown } {
  const lists = {
    channels: input.list('channel'),
    types: input.list('type'),
    kinds: input.list('kind'),
    groups: input.list('group'),
    devices: input.list('device'),
  }
  const given = Object.entries(lists).filter(([, values]) => values.length > 0)
  const single = {
    minimumSeverity: input.text('minimumSeverity'),
    limit: input.integer('limit'),
    windowSeconds: input.integer('windowSeconds'),
  }
  const values = Object.entries(single).filter(([, value]) => value !== undefined)
  return Object.fromEntries([...given, ...values])
}

/** `--enable` and `--disable`, of which at most one. */
export const ENABLE_OPTIONS: readonly Option[] = [
  { flags: '--enable', description: 'from now on' },
  { flags: '--disable', description: 'until it is enabled again' },
]

export function readEnabled(input: Input): { readonly isEnabled?: boolean } {
  const [isOn, isOff] = [input.isSet('enable'), input.isSet('disable')]
  if (isOn && isOff) throw new UsageError('Give either --enable or --disable.')
  return isOn || isOff ? { isEnabled: isOn } : {}
}
