import type { Severity } from '../detection/alert.ts'
import { formatCef } from './cef.ts'
import type { Delivery } from './delivery.ts'

/** As syslog counts: 2 critical, 4 warning, 5 notice, 6 informational. */
const SYSLOG_SEVERITY: { readonly [severity in Severity]: number } = {
  High: 2,
  Medium: 4,
  Low: 5,
  Informational: 6,
}

const APP_NAME = 'twinward'
/** What a header's field may be long, by RFC 5424. */
const MAX_HOST_CHARACTERS = 255

export interface SyslogOptions {
  /** 0 to 23. */
  readonly facility: number
  /** This machine, as receivers know it. */
  readonly hostName: string
  readonly processId: number
  readonly version: string
  /** Of the whole message. */
  readonly maxBytes: number
}

/** A notification as a message of RFC 5424 whose text is CEF, in UTF-8 without a byte order mark. Pure. */
export function syslogLine(delivery: Delivery, options: SyslogOptions): string {
  const { facility, processId, version, maxBytes } = options
  const priority = facility * 8 + SYSLOG_SEVERITY[delivery.severity]
  const host = plain(options.hostName)
  const header = `<${priority}>1 ${delivery.body.timeUtc} ${host} ${APP_NAME} ${processId}`
  const start = `${header} ${delivery.event} - `
  return start + formatCef(delivery, { version, maxBytes: maxBytes - Buffer.byteLength(start) })
}

/** Printable ASCII without blanks; a dash where nothing is left. */
function plain(text: string): string {
  const name = text.replace(/[^\x21-\x7e]/g, '').slice(0, MAX_HOST_CHARACTERS)
  return name === '' ? '-' : name
}
