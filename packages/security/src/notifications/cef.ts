import type { Severity } from '../detection/alert.ts'
import { wellFormed } from '../findings/well-formed.ts'
import type { Delivery } from './delivery.ts'

/** As ArcSight counts, 0 to 10. */
const CEF_SEVERITY: { readonly [severity in Severity]: number } = {
  Informational: 1,
  Low: 3,
  Medium: 6,
  High: 9,
}

/** Characters of one value; the finding itself has the rest. */
const MAX_VALUE_CHARACTERS = 1_023
const MAX_HEADER_CHARACTERS = 512

/**
 * A notification as one line of the Common Event Format, version 0:
 *
 *     CEF:0|Twinward|Twinward|<version>|<type>|<name>|<severity>|<extension>
 *
 * The mapping of the extension is in docs/operate/notifications.md. Extensions that would make the line
 * longer than `maxBytes` are left out, the least important first. Pure.
 */
export function formatCef(
  delivery: Delivery,
  { version, maxBytes }: { readonly version: string; readonly maxBytes: number },
): string {
  const { severity, type, event } = delivery
  const finding = findingOf(delivery)
  const header = [
    'CEF:0',
    'Twinward',
    'Twinward',
    headerValue(version),
    headerValue(type === '' ? event : type),
    headerValue(textOf(finding.displayName) ?? event),
    String(CEF_SEVERITY[severity]),
  ].join('|')
  let line = `${header}|`
  for (const [key, value, label] of extensionOf(delivery, finding)) {
    if (value === undefined || value === '') continue
    const pair = `${line.endsWith('|') ? '' : ' '}${key}=${extensionValue(value)}`
    // A custom string without its label says nothing: both or neither.
    const whole = label === undefined ? pair : `${pair} ${key}Label=${label}`
    if (Buffer.byteLength(line) + Buffer.byteLength(whole) > maxBytes) continue
    line += whole
  }
  return line
}

type Extension = readonly (readonly [key: string, value: string | undefined, label?: string])[]
type Finding = { readonly [member: string]: unknown }

/** The most important first. */
function extensionOf({ id, event, deviceId, body }: Delivery, finding: Finding): Extension {
  const properties = isObject(finding.extendedProperties) ? finding.extendedProperties : {}
  return [
    ['rt', milliseconds(body.timeUtc)],
    ['externalId', textOf(finding.id)],
    ['dhost', deviceId],
    ['cat', event],
    ['act', textOf(finding.status) ?? textOf(finding.state)],
    ['cnt', numberOf(finding.count ?? body.count)],
    ['start', milliseconds(finding.startTimeUtc ?? finding.discoveredTimeUtc ?? body.fromUtc)],
    ['end', milliseconds(finding.endTimeUtc ?? finding.stateChangedUtc ?? body.toUtc)],
    ['cs1', id, 'deliveryId'],
    ['cs2', textOf(body.drill), 'drill'],
    ['suser', textOf(properties['User Name'])],
    ['src', addressIn(finding.entities)],
    ['msg', lastEvidence(finding) ?? textOf(finding.description) ?? textOf(body.message)],
    ['request', textOf(body.link)],
    ['cs3', textOf(finding.intent), 'intent'],
    ['cs4', list(finding.techniques), 'techniques'],
    ['cs5', textOf(properties.CommandLine), 'commandLine'],
    ['cs6', isObject(body.counts) ? JSON.stringify(body.counts) : undefined, 'summary'],
  ]
}

/** Neither a bar nor the end of a line may end the field. */
function headerValue(text: string): string {
  return oneLine(text, MAX_HEADER_CHARACTERS)
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\|]/g, '\\$&')
}

function extensionValue(text: string): string {
  return oneLine(text, MAX_VALUE_CHARACTERS)
    .replace(/[\\=]/g, '\\$&')
    .replace(/\r\n|\n/g, '\\n')
    .replace(/\r/g, '\\r')
}

/** Well-formed and without control characters other than the ends of lines. */
function oneLine(text: string, characters: number): string {
  const plain = text.replace(/(?![\r\n])\p{Cc}|\u2028|\u2029/gu, ' ')
  return wellFormed(plain.slice(0, characters))
}

function findingOf({ body }: Delivery): Finding {
  const finding = body.alert ?? body.recommendation
  return isObject(finding) ? finding : {}
}

function addressIn(entities: unknown): string | undefined {
  if (!Array.isArray(entities)) return undefined
  const ip = entities.find((entity) => isObject(entity) && entity.type === 'ip')
  return isObject(ip) ? textOf(ip.address) : undefined
}

function lastEvidence({ evidence }: Finding): string | undefined {
  const last = Array.isArray(evidence) ? evidence.at(-1) : undefined
  return isObject(last) ? textOf(last.summary) : undefined
}

function isObject(value: unknown): value is Finding {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function numberOf(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : undefined
}

function list(value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0 ? value.join(' ') : undefined
}

function milliseconds(time: unknown): string | undefined {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(ms) ? undefined : String(ms)
}
