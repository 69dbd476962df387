import { wellFormed } from '../findings/well-formed.ts'
import { SEVERITIES } from './channel.ts'
import type { Delivery } from './delivery.ts'

/** Characters of the subject, and notifications that one message spells out. */
const MAX_SUBJECT_CHARACTERS = 150
const MAX_SPELLED = 50

export interface EmailText {
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** One message about these notifications, at least one. Pure. */
export function emailText(deliveries: readonly Delivery[]): EmailText {
  const notes = deliveries.slice(0, MAX_SPELLED).map(noteOf)
  const left = deliveries.length - notes.length
  const more = left > 0 ? `${left} more are not spelled out here.` : ''
  const text = [...notes.map(({ lines }) => lines.join('\n')), more].filter(Boolean).join('\n\n')
  const sections = notes.map(({ title, lines }) => {
    const rest = lines.slice(1).map((line) => `${escapeHtml(line)}<br>`)
    return `<h3>${escapeHtml(title)}</h3><p>${rest.join('\n')}</p>`
  })
  const html = [...sections, ...(more === '' ? [] : [`<p>${more}</p>`])].join('\n')
  return { subject: subjectOf(deliveries, notes[0]?.title ?? ''), text: `${text}\n`, html }
}

interface Note {
  readonly title: string
  /** The title first. */
  readonly lines: readonly string[]
}

function noteOf(delivery: Delivery): Note {
  const { body, event, deviceId, severity } = delivery
  const finding = (body.alert ?? body.recommendation ?? {}) as { readonly [name: string]: unknown }
  const name = plain(finding.displayName ?? event)
  const on = deviceId === '' ? '' : ` on ${plain(deviceId)}`
  const drill = delivery.drill === undefined ? '' : 'Fire drill, no incident: '
  const title = event === 'test' ? 'A test' : `${drill}${severity}: ${titleOf(delivery, name)}${on}`
  const fields: readonly (readonly [string, unknown])[] = [
    ['What happened', event],
    ['Type', delivery.type],
    ['Status', finding.status ?? finding.state],
    ['Count', finding.count ?? body.count],
    ['First', finding.startTimeUtc ?? finding.discoveredTimeUtc ?? body.fromUtc],
    ['Last', finding.endTimeUtc ?? finding.stateChangedUtc ?? body.toUtc],
    ['Evidence', evidenceOf(finding)],
    ['Found', countsOf(body.counts)],
    ['Note', body.message],
    ['More', body.link],
  ]
  const lines = fields.flatMap(([label, value]) =>
    value === undefined || value === null || value === '' ? [] : [`${label}: ${plain(value)}`],
  )
  return { title, lines: [title, ...lines] }
}

function titleOf({ event, body }: Delivery, name: string): string {
  return event === 'summary' ? `${plain(body.count)} further findings` : name
}

function subjectOf(deliveries: readonly Delivery[], title: string): string {
  if (deliveries.length === 1) return shorten(`[Twinward] ${title}`)
  const worst = Math.max(...deliveries.map(({ severity }) => SEVERITIES.indexOf(severity)))
  return `[Twinward] ${SEVERITIES[worst]}: ${deliveries.length} notifications`
}

function evidenceOf({ evidence }: { readonly [name: string]: unknown }): string | undefined {
  const last = Array.isArray(evidence) ? (evidence.at(-1) as { summary?: unknown }) : undefined
  return typeof last?.summary === 'string' ? last.summary : undefined
}

function countsOf(counts: unknown): string | undefined {
  if (typeof counts !== 'object' || counts === null) return undefined
  const parts = Object.entries(counts).map(([what, count]) => `${count} × ${what}`)
  return parts.join(', ')
}

/** One line without control characters, whatever a device put into it. */
function plain(value: unknown): string {
  return wellFormed(String(value)).replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
}

function shorten(text: string): string {
  return text.length <= MAX_SUBJECT_CHARACTERS
    ? text
    : `${wellFormed(text.slice(0, MAX_SUBJECT_CHARACTERS - 1))}…`
}

const HTML: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML[character] ?? '')
}
