import { isIPv4, isIPv6 } from 'node:net'
import { HubError } from '@twinward/protocol'
import type { Alert } from '../alert.ts'
import { indicatorValue, networkOf } from '../indicators/indicator.ts'
import { canonicalAddress } from '../sets/addresses.ts'

/** How a matcher compares: `cidr` takes addresses within a network. */
export const OPERATORS = ['equals', 'contains', 'startsWith', 'cidr'] as const
export type Operator = (typeof OPERATORS)[number]

/** Matchers of one suppression. */
export const MAX_MATCHERS = 16
/** Characters of a matcher's name. */
export const MAX_NAME_CHARACTERS = 128
/** Characters of what is compared with. */
export const MAX_VALUE_CHARACTERS = 2_048
/** Characters of a reason. */
export const MAX_REASON_CHARACTERS = 1_000
/** Characters of an alert type, a group or a device. */
export const MAX_SCOPE_CHARACTERS = 128

/** Every alert type. */
export const ANY_TYPE = '*'
/** In place of an expiry. */
export const NEVER = 'never'

/** One condition on what an alert says of itself. */
export interface Matcher {
  /**
   * An extended property as it is spelled (`User Name`), or a property of any entity of a type
   * (`ip.address`, `process.commandLine`, `file.path`).
   */
  readonly name: string
  readonly operator: Operator
  readonly value: string
}

/** What an operator says of alerts that nobody needs to see. */
export interface SuppressionContent {
  /** `ANY_TYPE` for all of them. */
  readonly alertType: string
  /** All of them must hold; none holds always. */
  readonly match: readonly Matcher[]
  /** In lower case; empty: every group. */
  readonly group: string
  /** Empty: every device. */
  readonly deviceId: string
  /** From then on it holds nothing back; 0 = never. */
  readonly expiresMs: number
  readonly reason: string
  readonly isEnabled: boolean
}

export interface Suppression extends SuppressionContent {
  readonly id: string
  /** The policy that its author used. */
  readonly author: string
  readonly createdMs: number
  readonly changedMs: number
}

/** A suppression as it is sent: `SuppressionContent` before it is checked. */
export interface SuppressionRequest {
  readonly alertType: string
  readonly match?: readonly Matcher[]
  readonly group?: string
  readonly deviceId?: string
  /** A time, or `never`. */
  readonly expiresUtc: string
  readonly reason: string
  readonly isEnabled?: boolean
}

/** What an alert, or what would become one, is asked. */
export type Suppressible = Pick<Alert, 'alertType' | 'deviceId' | 'entities' | 'extendedProperties'>

/**
 * The content of a request, each value in its one spelling. Pure.
 *
 * @throws {HubError} `ArgumentInvalid` that names the member
 */
export function readSuppression(request: SuppressionRequest, nowMs: number): SuppressionContent {
  const alertType = scopeOf('alertType', request.alertType)
  const group = scopeOf('group', request.group ?? '').toLowerCase()
  const deviceId = scopeOf('deviceId', request.deviceId ?? '')
  const matchers = request.match ?? []
  refuse(alertType === '', `alertType is missing: a type such as IoT_WebShell, or ${ANY_TYPE}.`)
  refuse(matchers.length > MAX_MATCHERS, `match has at most ${MAX_MATCHERS} members.`)
  const match = matchers.map(readMatcher)
  refuse(
    alertType === ANY_TYPE && match.length === 0 && group === '' && deviceId === '',
    `alertType is ${ANY_TYPE}: then match, group or deviceId must say which alerts are meant.`,
  )
  const reason = request.reason.trim()
  refuse(reason === '', 'reason is empty: say why nobody needs to see these alerts.')
  refuse(
    reason.length > MAX_REASON_CHARACTERS,
    `reason has ${reason.length} of ${MAX_REASON_CHARACTERS} characters.`,
  )
  const expiresMs = expiryOf(request.expiresUtc, nowMs)
  const isEnabled = request.isEnabled ?? true
  return { alertType, match, group, deviceId, expiresMs, reason, isEnabled }
}

function readMatcher({ name, operator, value }: Matcher, at: number): Matcher {
  const member = `match[${at}]`
  refuse(name.trim() === '', `${member}.name is empty.`)
  refuse(
    name.length > MAX_NAME_CHARACTERS,
    `${member}.name has ${name.length} of ${MAX_NAME_CHARACTERS} characters.`,
  )
  refuse(
    !OPERATORS.includes(operator),
    `${member}.operator must be one of ${OPERATORS.join(', ')}.`,
  )
  // An empty text is in everything, which nobody means.
  refuse(value === '', `${member}.value is empty.`)
  refuse(
    value.length > MAX_VALUE_CHARACTERS,
    `${member}.value has ${value.length} of ${MAX_VALUE_CHARACTERS} characters.`,
  )
  return { name, operator, value: operator === 'cidr' ? networkFrom(member, value) : value }
}

function networkFrom(member: string, value: string): string {
  try {
    return indicatorValue('address', value)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    throw new HubError('ArgumentInvalid', `${member}.value: ${error.message}`)
  }
}

function expiryOf(text: string, nowMs: number): number {
  if (text.trim().toLowerCase() === NEVER) return 0
  const expiresMs = Date.parse(text)
  refuse(
    Number.isNaN(expiresMs),
    `expiresUtc must be a time such as 2026-12-31T12:00:00Z, or ${NEVER}.`,
  )
  refuse(expiresMs <= nowMs, `expiresUtc is ${text}, which is over.`)
  return expiresMs
}

function scopeOf(member: string, text: string): string {
  const name = text.trim()
  refuse(
    name.length > MAX_SCOPE_CHARACTERS,
    `${member} has ${name.length} of ${MAX_SCOPE_CHARACTERS} characters.`,
  )
  return name
}

function refuse(isWrong: boolean, message: string): void {
  if (isWrong) throw new HubError('ArgumentInvalid', message)
}

/** Whether it holds anything back at this time. */
export function isInForce({ isEnabled, expiresMs }: SuppressionContent, nowMs: number): boolean {
  return isEnabled && (expiresMs === 0 || nowMs < expiresMs)
}

/** Whether it is about this alert, the group left to the caller. Linear in the texts. */
export function isAbout(
  { alertType, deviceId, match }: SuppressionContent,
  alert: Suppressible,
): boolean {
  if (alertType !== ANY_TYPE && alertType !== alert.alertType) return false
  if (deviceId !== '' && deviceId !== alert.deviceId) return false
  return match.every((matcher) => holds(matcher, alert))
}

function holds({ name, operator, value }: Matcher, alert: Suppressible): boolean {
  return valuesOf(name, alert).some((text) => compares(operator, text, value))
}

function valuesOf(name: string, { extendedProperties, entities }: Suppressible): string[] {
  const values = Object.hasOwn(extendedProperties, name) ? [extendedProperties[name] ?? ''] : []
  const dot = name.indexOf('.')
  if (dot < 1) return values
  const [type, property] = [name.slice(0, dot), name.slice(dot + 1)]
  const named = entities.filter((entity) => entity.type === type && Object.hasOwn(entity, property))
  return [...values, ...named.map((entity) => entity[property] ?? '')]
}

function compares(operator: Operator, text: string, value: string): boolean {
  switch (operator) {
    case 'equals':
      return text === value
    case 'contains':
      return text.includes(value)
    case 'startsWith':
      return text.startsWith(value)
    case 'cidr':
      return isWithin(canonicalAddress(text), value)
  }
}

/** @param network  in the spelling of `indicatorValue` */
function isWithin(address: string, network: string): boolean {
  const slash = network.indexOf('/')
  if (slash < 0) return address === network
  const base = network.slice(0, slash)
  const isSameFamily = isIPv4(base) ? isIPv4(address) : isIPv6(address)
  return isSameFamily && networkOf(address, Number(network.slice(slash + 1))) === base
}
