import type { NumberComparison, TextComparison } from './check.ts'

/** What the modifiers of an item say. */
export interface Modifiers {
  readonly comparison: TextComparison | NumberComparison | 'regex' | 'network' | 'exists'
  readonly isAll: boolean
  readonly isCased: boolean
  readonly isNegated: boolean
  readonly isWindash: boolean
  readonly isFieldRef: boolean
  readonly regexFlags: string
  /** Applied to the value one after the other. */
  readonly encodings: readonly Encoding[]
}

export type Encoding = 'wide' | 'utf16' | 'utf16be' | 'base64' | 'base64offset'

const COMPARISONS: ReadonlyMap<string, Modifiers['comparison']> = new Map([
  ['contains', 'contains'],
  ['startswith', 'startsWith'],
  ['endswith', 'endsWith'],
  ['re', 'regex'],
  ['cidr', 'network'],
  ['exists', 'exists'],
  ...(['gt', 'gte', 'lt', 'lte'] as const).map((name) => [name, name] as const),
])
const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ['wide', 'wide'],
  ['utf16le', 'wide'],
  ['utf16', 'utf16'],
  ['utf16be', 'utf16be'],
  ['base64', 'base64'],
  ['base64offset', 'base64offset'],
])
const REGEX_FLAGS: readonly string[] = ['i', 'm', 's']

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['expand', 'placeholders need a processing pipeline, which this server does not have'],
  ...['minute', 'hour', 'day', 'week', 'month', 'year'].map(
    (name) => [name, 'parts of times are not compared'] as const,
  ),
])

/** @returns what they say together, or why they cannot be used */
export function readModifiers(names: readonly string[]): Modifiers | string {
  let comparison: Modifiers['comparison'] = 'equals'
  let regexFlags = ''
  const encodings: Encoding[] = []
  const seen = new Set<string>()
  for (const name of names) {
    const wanted = COMPARISONS.get(name)
    const encoding = ENCODINGS.get(name)
    if (wanted !== undefined) {
      if (comparison !== 'equals') return `"${name}" cannot follow another comparison`
      comparison = wanted
    } else if (encoding !== undefined) encodings.push(encoding)
    else if (comparison === 'regex' && REGEX_FLAGS.includes(name)) regexFlags += name
    else if (['all', 'cased', 'neq', 'windash', 'fieldref'].includes(name)) seen.add(name)
    else return REFUSED.get(name) ?? `the modifier "${name.slice(0, 40)}" is not known`
  }
  const modifiers: Modifiers = {
    comparison,
    isAll: seen.has('all'),
    isCased: seen.has('cased'),
    isNegated: seen.has('neq'),
    isWindash: seen.has('windash'),
    isFieldRef: seen.has('fieldref'),
    regexFlags,
    encodings,
  }
  return contradiction(modifiers) ?? modifiers
}

function contradiction({ encodings, comparison, isFieldRef }: Modifiers): string | undefined {
  const last = encodings.at(-1)
  if (last !== undefined && !last.startsWith('base64')) {
    return `"${last}" has to be followed by base64 or base64offset`
  }
  const isText = /^(equals|contains|startsWith|endsWith)$/.test(comparison)
  if (!isText && (encodings.length > 0 || isFieldRef)) {
    return `"${encodings[0] ?? 'fieldref'}" needs a comparison of texts`
  }
  return undefined
}

const DASHES = ['-', '/', '–', '—', '―']

/** The value with each kind of dash before its words. */
export function withDashes(value: string): readonly string[] {
  const pattern = /(^|[^A-Za-z0-9_])[-/–—―](?=[A-Za-z0-9_])/g
  return [...new Set([value, ...DASHES.map((dash) => value.replace(pattern, `$1${dash}`))])]
}

/** Texts that are made of one value at most. */
export function textsOfOne({ isWindash, encodings }: Modifiers): number {
  return (isWindash ? 1 + DASHES.length : 1) * (encodings.at(-1) === 'base64offset' ? 3 : 1)
}

/** The texts that a value has in another encoding; with `base64offset` one for each offset. */
export function encoded(value: string, encodings: readonly Encoding[]): readonly string[] {
  let bytes = Buffer.from(value, 'utf8')
  let texts: readonly string[] | undefined
  for (const encoding of encodings) {
    if (texts) bytes = Buffer.from(texts[0] ?? '', 'utf8')
    if (encoding === 'base64') texts = [bytes.toString('base64')]
    else if (encoding === 'base64offset') texts = [0, 1, 2].map((at) => atOffset(bytes, at))
    else bytes = inUtf16(bytes.toString('utf8'), encoding)
  }
  return texts ?? [value]
}

function inUtf16(text: string, encoding: 'wide' | 'utf16' | 'utf16be'): Buffer<ArrayBuffer> {
  const marked = encoding === 'utf16' ? `\ufeff${text}` : text
  const bytes = Buffer.from(marked, 'utf16le')
  return encoding === 'utf16be' ? bytes.swap16() : bytes
}

/** The part of the base64 text that only these bytes decide, when so many others stand before. */
function atOffset(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const start = [0, 2, 3][offset] ?? 0
  const isCut = (bytes.length + offset) % 3 !== 0
  return text.slice(start, isCut ? -1 : undefined)
}
