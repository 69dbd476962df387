import { HubError } from '@twinward/protocol'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { RawCheck, RawChecks, RawVariant } from './read-checks.ts'

/** Characters of a file that is imported; the vendor's own has 200,000. */
export const MAX_XML_CHARACTERS = 2 * 1024 * 1024
/** Elements in each other; the format has five. */
const MAX_NESTED_ELEMENTS = 20
/** Of what the parser says, which may repeat what it was given. */
const MAX_REASON_CHARACTERS = 200

/** Under which the parser says where an element begins. */
const PLACE = XMLParser.getMetaDataSymbol() as symbol

/** Entities are ours to resolve: what the parser does not expand, nobody can make it expand. */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  attributesGroupName: '',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  captureMetaData: true,
  maxNestedTags: MAX_NESTED_ELEMENTS,
})

/** An element as the parser gives it: its children under its name. */
type Node = Readonly<Record<string, unknown>>

/** An element with what is needed to say where it is. */
interface Element {
  readonly name: string
  readonly place: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: readonly Element[]
}

/**
 * Reads the vendor's file of custom checks (security 06 §3): `baseline` with `audits` of `audit`s of
 * `check`s. Remediation scripts are passed over. Pure.
 *
 * @throws {HubError} `ArgumentInvalid`, with the line, for what is no XML, has a document type or
 *   entities of its own, or another structure
 */
export function readChecksXml(xml: string): RawChecks {
  if (xml.length > MAX_XML_CHARACTERS) {
    throw refused('the file', `has more than ${MAX_XML_CHARACTERS} characters`)
  }
  const lines = new Lines(xml)
  refuseDeclarations(xml, lines)
  const root = parse(xml, lines)
  if (root.name !== 'baseline') throw refused(root.place, 'the root must be <baseline>')
  const audits = childrenOf(root, ['audits', 'remediations'])
  const warnings: string[] = []
  for (const { name, children } of audits) {
    if (name !== 'remediations' || children.length === 0) continue
    warnings.push(`${children.length} remediations are left out: nobody runs scripts from here`)
  }
  const checks = audits
    .filter(({ name }) => name === 'audits')
    .flatMap((element) => childrenOf(element, ['audit']).map(readAudit))
  return { baselineId: root.attributes.get('BaselineId') ?? '', checks, warnings }
}

function readAudit(audit: Element): RawCheck {
  const { place, attributes: fields } = audit
  return { place, fields, variants: childrenOf(audit, ['check']).map(readCheck) }
}

function readCheck(check: Element): RawVariant {
  const { place, attributes: fields } = check
  const [dependency, ...more] = childrenOf(check, ['dependency'])
  if (dependency === undefined) return { place, fields }
  const type = dependency.attributes.get('type') ?? ''
  const file = dependency.attributes.get('path') ?? dependency.attributes.get('value') ?? ''
  if (more.length > 0) throw refused(place, 'has more than one <dependency>')
  if (type !== 'FileExists' || file === '') {
    throw refused(dependency.place, 'must have type="FileExists" and a path')
  }
  return { place, fields, dependsOnFile: file }
}

/** What is declared could grow without end or read other files; the format declares nothing. */
function refuseDeclarations(xml: string, lines: Lines): void {
  // Comments and CDATA may hold whatever they like; the rest may not begin with <! at all.
  const declared = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<!/g
  for (const { 0: found, index } of xml.matchAll(declared)) {
    if (found === '<!') throw refused(lines.of(index), 'a document type is not allowed')
  }
}

function parse(xml: string, lines: Lines): Element {
  const validity = XMLValidator.validate(xml)
  if (validity !== true)
    throw refused(`line ${validity.err.line}`, validity.err.msg.slice(0, MAX_REASON_CHARACTERS))
  const [root, ...others] = parseNodes(xml).flatMap((node) => elementOf(node, lines))
  if (root === undefined) throw refused('line 1', 'there is no element')
  if (others[0]) throw refused(others[0].place, 'there is more than one root')
  return root
}

function parseNodes(xml: string): readonly Node[] {
  try {
    return parser.parse(xml) as readonly Node[]
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw new HubError(
      'ArgumentInvalid',
      `The file is no XML: ${reason.slice(0, MAX_REASON_CHARACTERS)}`,
    )
  }
}

/** @returns nothing for text */
function elementOf(node: Node, lines: Lines): readonly Element[] {
  const name = Object.keys(node).find((key) => key !== ':@')
  if (name === undefined || name.startsWith('#')) return []
  const { startIndex = 0 } = (Reflect.get(node, PLACE) ?? {}) as { readonly startIndex?: number }
  const place = `${lines.of(startIndex)} <${name.slice(0, 64)}>`
  const written = Object.entries((node[':@'] ?? {}) as Readonly<Record<string, string>>)
  const attributes = written.map(
    ([key, value]) => [key, resolveEntities(String(value), place)] as const,
  )
  const children = (node[name] as readonly Node[]).flatMap((child) => elementOf(child, lines))
  return [{ name, place, attributes: new Map(attributes), children }]
}

function childrenOf(element: Element, names: readonly string[]): readonly Element[] {
  for (const { name, place } of element.children) {
    if (!names.includes(name)) throw refused(place, `<${element.name}> may not hold it`)
  }
  return element.children
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The five entities of XML, and characters by number; there are no others. */
function resolveEntities(text: string, place: string): string {
  return text.replace(/&([^;&\s]{0,16});?/g, (entity, name: string) => {
    const [, hex, decimal] = /^#(?:x([0-9a-f]{1,6})|([0-9]{1,7}))$/i.exec(name) ?? []
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    const isCharacter = code > 0 && code <= 0x10_ff_ff && (code < 0xd8_00 || code > 0xdf_ff)
    const resolved = isCharacter ? String.fromCodePoint(code) : NAMED.get(name)
    if (resolved === undefined || !entity.endsWith(';')) {
      throw refused(place, `the entity ${JSON.stringify(entity)} is not known`)
    }
    return resolved
  })
}

/** Tells lines of places in a text; asked for every element. */
class Lines {
  /** Where each line but the first begins. */
  readonly #starts: number[] = []

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.#starts.push(at + 1)
    }
  }

  of(index: number): string {
    let from = 0
    let to = this.#starts.length
    while (from < to) {
      const middle = Math.floor((from + to) / 2)
      if ((this.#starts[middle] ?? 0) <= index) from = middle + 1
      else to = middle
    }
    return `line ${from + 1}`
  }
}

function refused(place: string, text: string): HubError {
  return new HubError('ArgumentInvalid', `${place}: ${text}`)
}
