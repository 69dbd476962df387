import { createHash } from 'node:crypto'
import type { YamlValue } from './documents.ts'
import { MAX_LIST_ITEMS, MAX_TEXT_CHARACTERS, MAX_TITLE_CHARACTERS } from './limits.ts'

export const SIGMA_LEVELS = ['informational', 'low', 'medium', 'high', 'critical'] as const
export type SigmaLevel = (typeof SIGMA_LEVELS)[number]

export interface Logsource {
  readonly category: string
  readonly product: string
  readonly service: string
}

/** What a document says about itself, apart from what it looks for. */
export interface SigmaRule {
  /** Lower case letters, digits and hyphens: the document's, or made of its title. */
  readonly id: string
  readonly title: string
  /** `''` where the document has none, as all texts. */
  readonly status: string
  readonly description: string
  readonly author: string
  readonly level: SigmaLevel
  readonly tags: readonly string[]
  readonly references: readonly string[]
  readonly falsePositives: readonly string[]
  /** Fields that its author wants to be shown. */
  readonly fields: readonly string[]
  readonly logsource: Logsource
  /** Absent in correlations, and in what is no rule. */
  readonly detection?: ReadonlyMap<string, YamlValue>
  /** Members of the document that make something else of it: `correlation`, `action`, `filter`. */
  readonly others: readonly string[]
}

const ID = /^[a-z0-9][a-z0-9-]{0,63}$/
const SLUG_CHARACTERS = 40
const HASH_CHARACTERS = 8

/** @returns the rule, or what keeps the document from being one */
export function readSigmaRule(document: YamlValue): SigmaRule | string {
  if (!isMap(document)) return 'It is not a map.'
  const title = textOf(document.get('title'), MAX_TITLE_CHARACTERS)
  if (title === '') return 'It has no title.'
  const detection = document.get('detection')
  const others = ['correlation', 'action', 'filter'].filter((name) => document.has(name))
  if (!isMap(detection) && others.length === 0) return 'It has no detection.'
  const source = document.get('logsource')
  const part = (name: string) =>
    isMap(source) ? textOf(source.get(name), MAX_TITLE_CHARACTERS).toLowerCase() : ''
  const text = (name: string) => textOf(document.get(name), MAX_TEXT_CHARACTERS)
  const list = (name: string) => textsOf(document.get(name))
  return {
    id: idOf(document.get('id'), title),
    title,
    status: text('status').toLowerCase(),
    description: text('description'),
    author: text('author'),
    level: SIGMA_LEVELS.find((level) => level === text('level').toLowerCase()) ?? 'medium',
    tags: list('tags').map((tag) => tag.toLowerCase()),
    references: list('references'),
    falsePositives: list('falsepositives'),
    fields: list('fields'),
    logsource: { category: part('category'), product: part('product'), service: part('service') },
    ...(isMap(detection) && { detection }),
    others,
  }
}

export function isMap(value: YamlValue | undefined): value is ReadonlyMap<string, YamlValue> {
  return value instanceof Map
}

export function isList(value: YamlValue | undefined): value is readonly YamlValue[] {
  return Array.isArray(value)
}

function idOf(given: YamlValue | undefined, title: string): string {
  const id = typeof given === 'string' ? given.trim().toLowerCase() : ''
  if (ID.test(id)) return id
  const slug = title.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const hash = createHash('sha256').update(`${id} ${title}`).digest('hex')
  const short = slug.replace(/^-/, '').slice(0, SLUG_CHARACTERS).replace(/-$/, '')
  return [...(short === '' ? [] : [short]), hash.slice(0, HASH_CHARACTERS)].join('-')
}

function textOf(value: YamlValue | undefined, limit: number): string {
  if (typeof value === 'string') return value.trim().slice(0, limit)
  return typeof value === 'number' ? String(value) : ''
}

function textsOf(value: YamlValue | undefined): readonly string[] {
  const list = isList(value) ? value : value === undefined ? [] : [value]
  const texts = list.map((each) => textOf(each, MAX_TITLE_CHARACTERS)).filter((one) => one !== '')
  return texts.slice(0, MAX_LIST_ITEMS)
}
