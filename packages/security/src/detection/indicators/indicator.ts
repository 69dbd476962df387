import { isIPv4, isIPv6 } from 'node:net'
import { HubError } from '@twinward/protocol'
import type { Severity } from '../alert.ts'
import { canonicalAddress } from '../sets/addresses.ts'

/** What an indicator is about. */
export const INDICATOR_KINDS = ['address', 'domain', 'url', 'hash', 'minerPool'] as const
export type IndicatorKind = (typeof INDICATOR_KINDS)[number]

/** Characters of an indicator's value. */
export const MAX_VALUE_CHARACTERS = 1024
/** Characters of where it comes from, and of a note. */
export const MAX_TEXT_CHARACTERS = 256
/** How sure the source is, in percent. */
export const MAX_CONFIDENCE = 100
/** Less sure ones are kept and do not raise alerts. */
export const MIN_CONFIDENCE = 50

/** One thing that is known to be bad, from a list that an operator imported. */
export interface Indicator {
  readonly kind: IndicatorKind
  /** In its one spelling, see `indicatorValue`. */
  readonly value: string
  /** The list it came from. */
  readonly source: string
  /** Overrides the severity of the alert; `undefined` leaves it. */
  readonly severity?: Severity
  /** 0 to 100. */
  readonly confidence: number
  /** From then on it no longer counts; 0 = never. */
  readonly expiresMs: number
  readonly note: string
}

/**
 * The one spelling of a value, under which it is stored and looked for:
 *
 *     address    203.0.113.0/24, 2001:db8::1    network part only
 *     domain     evil.example                   lower case, without the dot at the end
 *     url        http://evil.example/x          host in lower case, without a fragment
 *     hash       e3b0…                          MD5, SHA-1 or SHA-256 in lower-case hex
 *     minerPool  198.51.100.7:3333, *:14444     a host, `*` for any public one, and a port
 *
 * @throws {HubError} `ArgumentInvalid` that says what a value of its kind looks like
 */
export function indicatorValue(kind: IndicatorKind, text: string): string {
  const value = text.trim()
  if (value.length > MAX_VALUE_CHARACTERS) {
    throw new HubError(
      'ArgumentInvalid',
      `An indicator has at most ${MAX_VALUE_CHARACTERS} characters.`,
    )
  }
  const plain = READERS[kind](value)
  if (plain !== undefined) return plain
  const shown = value.slice(0, 80)
  throw new HubError('ArgumentInvalid', `"${shown}" is no ${kind}; expected is ${EXPECTED[kind]}.`)
}

const EXPECTED: { readonly [kind in IndicatorKind]: string } = {
  address: 'an address or a network such as 203.0.113.0/24',
  domain: 'a name such as evil.example',
  url: 'an http or https address',
  hash: 'an MD5, SHA-1 or SHA-256 in hex',
  minerPool: 'host:port, host, or *:port',
}

const READERS: { readonly [kind in IndicatorKind]: (value: string) => string | undefined } = {
  address: networkValue,
  domain: domainValue,
  url: urlValue,
  hash: (value) => (HASH.test(value) ? value.toLowerCase() : undefined),
  minerPool: poolValue,
}

const HASH = /^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i
const DOMAIN = /^[a-z0-9_]([a-z0-9_-]{0,62}\.)*[a-z0-9_-]{1,63}$/

function domainValue(value: string): string | undefined {
  const name = value.toLowerCase().replace(/^\*\./, '').replace(/\.$/, '')
  // One label would take a whole top-level domain.
  const isName = name.length <= 253 && name.includes('.') && !isIPv4(name)
  return isName && name.split('.').every((label) => DOMAIN.test(label)) ? name : undefined
}

function urlValue(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  url.hash = ''
  return url.href
}

function poolValue(value: string): string | undefined {
  const end = value.lastIndexOf(':')
  const isPlainV6 = isIPv6(value)
  const host = end < 0 || isPlainV6 ? value : value.slice(0, end)
  const port = end < 0 || isPlainV6 ? '' : value.slice(end + 1)
  if (port !== '' && !(Number(port) > 0 && Number(port) < 65_536 && /^[0-9]+$/.test(port)))
    return undefined
  if (host === '*') return port === '' ? undefined : `*:${port}`
  const plain = canonicalAddress(host)
  const isHost = isIPv4(plain) || isIPv6(plain) || domainValue(plain) !== undefined
  if (!isHost) return undefined
  return port === '' ? plain : `${plain}:${port}`
}

function networkValue(value: string): string | undefined {
  const slash = value.indexOf('/')
  const address = canonicalAddress(slash < 0 ? value : value.slice(0, slash))
  const width = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  if (width === 0) return undefined
  const length = slash < 0 ? width : lengthOf(value.slice(slash + 1))
  // A shorter one would be a list of most of the internet.
  if (length === undefined || length > width || length < (width === 32 ? 8 : 16)) return undefined
  return length === width ? address : `${networkOf(address, length)}/${length}`
}

function lengthOf(text: string): number | undefined {
  return /^[0-9]{1,3}$/.test(text) ? Number(text) : undefined
}

/** The network of an address, as text that is equal for every address within. */
export function networkOf(address: string, length: number): string {
  const bytes = bytesOf(address)
  const masked = bytes.map((byte, at) => {
    const kept = Math.min(Math.max(length - at * 8, 0), 8)
    return byte & (0xff << (8 - kept)) & 0xff
  })
  if (masked.length === 4) return masked.join('.')
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((masked[at * 2] ?? 0) << 8) | (masked[at * 2 + 1] ?? 0)).toString(16),
  )
  return canonicalAddress(groups.join(':'))
}

function bytesOf(address: string): readonly number[] {
  if (isIPv4(address)) return address.split('.').map(Number)
  const [head = '', tail] = address.split('::')
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const zeros = new Array<number>(Math.max(8 - before.length - after.length, 0)).fill(0)
  return [...before, ...zeros, ...after].flatMap((group) => [group >>> 8, group & 255])
}

function groupsOf(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}
