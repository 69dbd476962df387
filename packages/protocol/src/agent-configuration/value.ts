import { formatDuration, parseDuration } from '../iso-duration.ts'
import type { JsonValue } from '../json.ts'
import type { Setting, SettingValue } from './setting.ts'

/** A value that could be understood, or why not. */
export type ReadValue = { readonly value: SettingValue } | { readonly reason: string }

/** A value fit to be written, with remarks for its author; or why it is not. */
export type CheckedValue =
  | { readonly value: SettingValue; readonly warning?: string }
  | { readonly reason: string }

const CONTROL = /\p{Cc}/u
const MAX_INT32 = 2_147_483_647

/**
 * Reads one value as leniently as agents write: priorities in any case, booleans of micro agents as
 * text, the C agent's months. Ranges and patterns are not looked at.
 */
export function readValue(setting: Setting, raw: JsonValue): ReadValue {
  switch (setting.type) {
    case 'boolean':
      return readBoolean(setting, raw)
    case 'integer':
      return Number.isInteger(raw) ? { value: raw as number } : { reason: 'it is not an integer' }
    case 'duration': {
      const isDuration =
        typeof raw === 'string' && parseDuration(raw, { agentMonths: true }) !== undefined
      return isDuration ? { value: raw } : { reason: 'it is not an ISO 8601 duration' }
    }
    case 'choice': {
      const text = typeof raw === 'string' ? raw.toLowerCase() : undefined
      const choice = setting.choices.find((known) => known.toLowerCase() === text)
      return choice === undefined
        ? { reason: `it is none of ${setting.choices.join(', ')}` }
        : { value: choice }
    }
    case 'intervals': {
      const isTriple = typeof raw === 'string' && parseIntervals(raw) !== undefined
      return isTriple ? { value: raw } : { reason: 'it is not three integers "high,medium,low"' }
    }
    case 'list':
      // No list and an empty one are the same to agents.
      if (raw === null) return { value: '' }
      return typeof raw === 'string' ? { value: raw } : { reason: 'it is not a text' }
    default:
      return typeof raw === 'string' ? { value: raw } : { reason: 'it is not a text' }
  }
}

function readBoolean(setting: Setting, raw: JsonValue): ReadValue {
  if (typeof raw === 'boolean') return { value: raw }
  const text = setting.eras.includes('micro') && typeof raw === 'string' ? raw.toLowerCase() : ''
  if (text === 'true' || text === 'false') return { value: text === 'true' }
  return { reason: 'it is neither true nor false' }
}

/** Checks one value that is to be written, and spells it as every agent of its era understands. */
export function checkValue(setting: Setting, raw: JsonValue): CheckedValue {
  const read = readValue(setting, raw)
  if ('reason' in read) return read
  const { value } = read
  switch (setting.type) {
    case 'boolean':
      return typeof raw === 'boolean' ? read : { value, warning: `"${raw}" is taken as ${value}` }
    case 'integer':
      if (Number(value) >= setting.min && Number(value) <= setting.max) return read
      return { reason: `it is not between ${setting.min} and ${setting.max}` }
    case 'duration':
      return checkDuration(String(value), setting)
    case 'intervals':
      return checkIntervals(String(value))
    case 'text':
    case 'list':
      return checkText(String(value), setting)
    default:
      return read
  }
}

function checkDuration(
  text: string,
  { minMs, maxMs }: Extract<Setting, { type: 'duration' }>,
): CheckedValue {
  const ms = parseDuration(text)
  if (ms === undefined) return { reason: 'years and months have no fixed length' }
  if (ms < minMs || ms > maxMs) {
    return { reason: `it is not between ${formatDuration(minMs)} and ${formatDuration(maxMs)}` }
  }
  // The C agent reads whole seconds only, .NET's parser no weeks; either would drop everything.
  const wholeMs = Math.ceil(ms / 1000) * 1000
  if (wholeMs !== ms || /[W.]/.test(text)) {
    const value = formatDuration(wholeMs)
    return { value, warning: `written as ${value}, which every agent can read` }
  }
  return { value: text }
}

function checkIntervals(text: string): CheckedValue {
  const [high = 0, medium = 0, low = 0] = parseIntervals(text) ?? []
  if (high < 1 || low > MAX_INT32) return { reason: `minutes go from 1 to ${MAX_INT32}` }
  if (high > medium || medium > low) {
    return { reason: 'high may not be slower than medium, nor medium than low' }
  }
  const value = `${high},${medium},${low}`
  const isEven = medium % high === 0 && low % medium === 0
  return isEven ? { value } : { value, warning: 'a slower interval is no multiple of a faster one' }
}

function checkText(
  text: string,
  setting: Extract<Setting, { type: 'text' | 'list' }>,
): CheckedValue {
  if (text.length > setting.maxCharacters) {
    return { reason: `it is longer than ${setting.maxCharacters} characters` }
  }
  if (CONTROL.test(text)) return { reason: 'it contains control characters' }
  if (setting.type === 'text' && setting.pattern !== undefined) {
    if (!new RegExp(setting.pattern).test(text)) return { reason: `it is not ${setting.pattern}` }
    if (text.split('/').includes('..')) return { reason: 'it contains ".."' }
  }
  return { value: text }
}

/**
 * The same text for values that mean the same: durations by their length, lists as sorted sets,
 * choices without case.
 */
export function meaningOf(setting: Setting, value: SettingValue | null): string {
  if (value === null) return ''
  switch (setting.type) {
    case 'duration':
      return String(parseDuration(String(value), { agentMonths: true }) ?? value)
    case 'choice':
      return String(value).toLowerCase()
    case 'list':
      return [...new Set(listOf(String(value)))].sort().join(',')
    case 'intervals':
      return (parseIntervals(String(value)) ?? [value]).join(',')
    default:
      return String(value)
  }
}

/** The members of a comma-separated text, without blanks around them and without empty ones. */
export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

function parseIntervals(text: string): readonly number[] | undefined {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.length !== 3 || !parts.every((part) => /^\d{1,10}$/.test(part))) return undefined
  return parts.map(Number)
}
