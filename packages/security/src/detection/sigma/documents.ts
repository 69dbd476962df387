import { HubError } from '@twinward/protocol'
import { type Document, isAlias, isScalar, parseDocument, visit } from 'yaml'
import {
  MAX_ALIASES,
  MAX_DEPTH,
  MAX_DOCUMENTS,
  MAX_IMPORT_BYTES,
  MAX_RULE_BYTES,
} from './limits.ts'

/** What YAML can hold here: plain values, lists and maps. */
export type YamlValue =
  | string
  | number
  | boolean
  | null
  | readonly YamlValue[]
  | ReadonlyMap<string, YamlValue>

/** One document of a stream: its text, and what it says or what is wrong with it. */
export interface YamlDocument {
  readonly text: string
  readonly value?: YamlValue
  /** For a person; absent when the document is well. */
  readonly problem?: string
}

/** Characters of the library's complaint that are shown. */
const MAX_PROBLEM_CHARACTERS = 200
/** Flow collections within each other, before the library is asked: it reads them recursively. */
const MAX_OPEN_BRACKETS = 200

/** Where a document begins: three dashes at the start of a line, whatever stands around them. */
const DOCUMENT_START = /(?<![^\n])(?=---(?:[ \t\r\n]|$))/

/**
 * Parts a stream of YAML into its documents, unread, so that each can be read by itself.
 *
 * @throws {HubError} `ArgumentInvalid` when it is too large or has too many documents
 */
export function splitDocuments(text: string): readonly string[] {
  if (Buffer.byteLength(text) > MAX_IMPORT_BYTES) {
    throw new HubError('ArgumentInvalid', `The YAML has more than ${MAX_IMPORT_BYTES} bytes.`)
  }
  const documents = text.split(DOCUMENT_START).filter((one) => one.trim() !== '')
  if (documents.length > MAX_DOCUMENTS) {
    throw new HubError('ArgumentInvalid', `The YAML has more than ${MAX_DOCUMENTS} documents.`)
  }
  return documents
}

/**
 * Reads one document of YAML 1.2: plain values, lists and maps; no tags; aliases, depth and size are
 * bounded.
 *
 * @returns `undefined` when it is empty
 */
export function readDocument(given: string): YamlDocument | undefined {
  const text = given.replace(/^---[ \t]*\r?\n/, '').trimEnd()
  if (Buffer.byteLength(text) > MAX_RULE_BYTES) {
    return { text, problem: `It has more than ${MAX_RULE_BYTES} bytes.` }
  }
  if (isDeep(text)) return { text, problem: 'It is nested too deep.' }
  try {
    const options = { schema: 'core', version: '1.2', prettyErrors: true } as const
    // The library looks for keys that are there twice by comparing each with each.
    const document = parseDocument(given, { ...options, uniqueKeys: false, stringKeys: true })
    const problem = problemOf(document)
    if (problem !== undefined) return { text, problem }
    const read = readValue(document)
    return read.problem === undefined && read.value === null ? undefined : { text, ...read }
  } catch (error) {
    return { text, problem: shown(error) }
  }
}

/** As `splitDocuments` and `readDocument`; a document that is wrong does not stop the others. */
export function readDocuments(text: string): readonly YamlDocument[] {
  return splitDocuments(text).flatMap((one) => readDocument(one) ?? [])
}

/** Whether brackets are nested so deep, or lines indented so far, that no rule is like that. */
function isDeep(text: string): boolean {
  let open = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    // [ or {, ] or }; those within texts count as well, which takes few of them.
    if (unit === 91 || unit === 123) open++
    else if ((unit === 93 || unit === 125) && open > 0) open--
    if (open > MAX_OPEN_BRACKETS) return true
  }
  return /^(?:[-?:][ \t]+){50}|^ {400}/m.test(text)
}

function problemOf(document: Document): string | undefined {
  // A warning is a tag that nobody knows, or something as unusual.
  const [first] = [...document.errors, ...document.warnings]
  return first ? shown(first) : repeatedKey(document)
}

function repeatedKey(document: Document): string | undefined {
  let repeated: string | undefined
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<unknown>()
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key
        if (keys.has(name)) repeated = String(name)
        keys.add(name)
      }
      return repeated === undefined ? undefined : visit.BREAK
    },
  })
  return repeated === undefined ? undefined : `${shown(repeated)} is there twice.`
}

function readValue(document: Document): { readonly value?: YamlValue; readonly problem?: string } {
  if (isAlias(document.contents)) return { problem: 'It is nothing but an alias.' }
  const value: unknown = document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES })
  return isPlain(value, MAX_DEPTH)
    ? { value }
    : { problem: 'It holds what is neither a plain value, a list nor a map, or is too deep.' }
}

function isPlain(value: unknown, depth: number): value is YamlValue {
  if (value === null) return true
  if (['string', 'number', 'boolean'].includes(typeof value)) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((each) => isPlain(each, depth - 1))
  if (!(value instanceof Map)) return false
  return [...value].every(([key, each]) => typeof key === 'string' && isPlain(each, depth - 1))
}

function shown(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n')[0] ?? '').slice(0, MAX_PROBLEM_CHARACTERS)
}
