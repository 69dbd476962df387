import { isIP } from 'node:net'
import { isJsonObject, type JsonValue } from '@twinward/protocol'
import { UsageError } from './command.ts'

export const INDICATORS = '/api/security/indicators'
export const INDICATOR_KINDS = ['address', 'domain', 'url', 'hash', 'minerPool']

/** An indicator as the security API shows it. */
export interface IndicatorView {
  readonly id: string
  readonly kind: string
  readonly value: string
  readonly source: string
  readonly severity: string | null
  readonly confidence: number
  readonly expiresUtc: string | null
  readonly note: string
  readonly changedUtc: string
}

/** An item of an import; what is left out has the server's defaults. */
export interface IndicatorItem {
  readonly kind: string
  readonly value: string
  readonly [name: string]: JsonValue
}

/**
 * The items of a list: a JSON array of them (or `{"items": […]}`), or one value a line. Lines may end
 * with a comment (`# …`), and begin with one; without `kind` each says by its form what it is.
 *
 * @throws {UsageError} for JSON that is no list, and for a line whose kind cannot be told
 */
export function readIndicators(text: string, kind: string | undefined): readonly IndicatorItem[] {
  const trimmed = text.trimStart()
  if (trimmed[0] === '[' || trimmed[0] === '{') return readList(trimmed, kind)
  return text.split('\n').flatMap((raw, at) => {
    const value = (raw.split(/\s#|^#/)[0] ?? '').trim()
    if (value === '') return []
    const told = kind ?? kindOf(value)
    if (told !== undefined) return [{ kind: told, value }]
    throw new UsageError(`Line ${at + 1}: what is "${value.slice(0, 80)}"? Say it with --kind.`)
  })
}

function readList(text: string, kind: string | undefined): readonly IndicatorItem[] {
  const list = parse(text)
  const items = isJsonObject(list) ? list.items : list
  if (!Array.isArray(items)) throw new UsageError('The file holds no list of indicators.')
  return items.map((item, at) => {
    if (!isJsonObject(item) || typeof item.value !== 'string') {
      throw new UsageError(`Item ${at} has no value.`)
    }
    const told = typeof item.kind === 'string' ? item.kind : (kind ?? kindOf(item.value))
    if (told === undefined) throw new UsageError(`Item ${at} has no kind.`)
    return { ...item, value: item.value, kind: told }
  })
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch (error) {
    throw new UsageError(`The file is not JSON: ${(error as Error).message}`)
  }
}

/** By its form; a miner pool looks like an address with a port, so it has to be said. */
function kindOf(value: string): string | undefined {
  if (isIP(value.split('/')[0] ?? '') !== 0) return 'address'
  if (/^https?:\/\//i.test(value)) return 'url'
  if (/^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(value)) return 'hash'
  return /^[\w*-]+(\.[\w-]+)+\.?$/.test(value) ? 'domain' : undefined
}
