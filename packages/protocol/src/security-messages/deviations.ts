import type { SecurityEventHeader, SecurityMessageSchema } from './envelope.ts'
import { findEventKind } from './judge.ts'
import { parseTimestamp } from './timestamp.ts'

/** Where agents in use depart from the published 1.0 schema without being refused for it. */
export const securityDeviations = {
  'aggregated-category': 'Category "Aggregated"',
  'integer-hit-count': 'HitCount is an integer',
  'blank-in-timestamp': 'a blank instead of the T in a timestamp',
  'timestamp-without-zone': 'a timestamp without zone designator',
  'local-time-marked-utc': 'TimestampLocal is local time, but ends in Z',
  'local-time-unreadable': 'TimestampLocal is no date and time',
  'us-aggregation-time': 'aggregation times as MM/dd/yyyy HH:mm:ss',
  'lower-case-protocol': 'a protocol in lower case, also tcp6 and the like',
  'integer-port': 'a port is an integer',
  'empty-port': 'a port is an empty string',
  'empty-address': 'an address is an empty string',
  'hash-member': 'the member Hash in ProcessCreate',
  'hardware-as-text': 'ConnectedHardware is one string',
  'socket-details': 'State, Recv-Q or Send-Q in the ExtraDetails of ListeningPorts',
  'baseline-spelling': 'a result or severity of OSBaseline in another case, or SKIP or ERROR',
  heartbeat: 'a Heartbeat event',
  'byte-counts': 'BytesIn or BytesOut in ConnectionCreate',
  'no-user-id': 'ProcessCreate without UserId',
  'empty-triggered': 'an event that is empty, but not Periodic',
  'unexpected-category': 'another Category than events of this Name have',
  'unexpected-type': 'another EventType than events of this Name have',
  'unknown-name': 'a Name that the schema does not have',
} as const
export type SecurityDeviation = keyof typeof securityDeviations

/** The names of the deviations of an event that `refuseEvent` let pass; each once. */
export function findDeviations(
  event: SecurityEventHeader,
  schema: SecurityMessageSchema,
): readonly SecurityDeviation[] {
  const found = new Set<SecurityDeviation>()
  findInTimes(event, found)
  findInHeader(event, schema, found)
  for (const element of event.Payload) findInElement(event.Name, element, found)
  return found.size === 0 ? NONE : [...found]
}

const NONE: readonly SecurityDeviation[] = []

function findInTimes(event: SecurityEventHeader, found: Set<SecurityDeviation>): void {
  const local = parseTimestamp(event.TimestampLocal)
  const utc =
    event.TimestampLocal === event.TimestampUTC ? local : parseTimestamp(event.TimestampUTC)
  if (local === undefined) found.add('local-time-unreadable')
  if (local?.hasBlank || utc?.hasBlank) found.add('blank-in-timestamp')
  if (local?.zone === '' || utc?.zone === '') found.add('timestamp-without-zone')
  if (local?.zone === 'Z' && utc?.zone === 'Z' && local.ms !== utc.ms) {
    found.add('local-time-marked-utc')
  }
}

function findInHeader(
  event: SecurityEventHeader,
  schema: SecurityMessageSchema,
  found: Set<SecurityDeviation>,
): void {
  const { Category, EventType, IsEmpty, Name, Payload } = event
  if (Category === 'Aggregated') found.add('aggregated-category')
  if (Name === 'Heartbeat') found.add('heartbeat')
  else if (IsEmpty && Category === 'Triggered' && Payload.length === 0) found.add('empty-triggered')
  const kind = findEventKind(Name, schema)
  if (kind === undefined) {
    found.add('unknown-name')
    return
  }
  if (EventType !== kind.eventType) found.add('unexpected-type')
  if (Category !== kind.category && Category !== 'Aggregated') found.add('unexpected-category')
}

type Element = Readonly<Record<string, unknown>>

function findInElement(name: string, element: Element, found: Set<SecurityDeviation>): void {
  switch (name) {
    case 'ProcessCreate':
      if (element.Hash !== undefined) found.add('hash-member')
      if (element.UserId === undefined) found.add('no-user-id')
      break
    case 'ConnectionCreate':
      findInSocket(element, found)
      if (element.BytesIn !== undefined || element.BytesOut !== undefined) found.add('byte-counts')
      break
    case 'Login':
    case 'ListeningPorts':
      findInSocket(element, found)
      break
    case 'FirewallConfiguration':
      findInProtocol(element.Protocol, found)
      findInPort(element.SourcePort, found)
      findInPort(element.DestinationPort, found)
      break
    case 'OSBaseline':
      if (!BASELINE_WORDS.has(element.Result) || !BASELINE_WORDS.has(element.Severity)) {
        found.add('baseline-spelling')
      }
      break
    case 'ConnectedHardware':
      if (element.ConnectedHardware !== undefined) found.add('hardware-as-text')
  }
  const details = element.ExtraDetails
  if (typeof details === 'object' && details !== null) {
    findInDetails(name, details as Element, found)
  }
}

const BASELINE_WORDS: ReadonlySet<unknown> = new Set([
  ...['Pass', 'Fail', 'Err'],
  ...['Critical', 'Important', 'Warning', 'Informational'],
])

function findInSocket(element: Element, found: Set<SecurityDeviation>): void {
  findInProtocol(element.Protocol, found)
  findInPort(element.LocalPort, found)
  findInPort(element.RemotePort, found)
  if (element.LocalAddress === '' || element.RemoteAddress === '') found.add('empty-address')
}

function findInProtocol(protocol: unknown, found: Set<SecurityDeviation>): void {
  // The lower-case letters start at 97; the published spellings are TCP, UDP, ICMP (and C#'s Tcp).
  if (typeof protocol === 'string' && protocol.charCodeAt(0) >= 97) found.add('lower-case-protocol')
}

function findInPort(port: unknown, found: Set<SecurityDeviation>): void {
  if (typeof port === 'number') found.add('integer-port')
  else if (port === '') found.add('empty-port')
}

const US_TIME = /^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d$/

function findInDetails(name: string, details: Element, found: Set<SecurityDeviation>): void {
  const { HitCount, StartTimeUtc, StartTimeLocal } = details
  if (typeof HitCount === 'number') found.add('integer-hit-count')
  for (const time of [StartTimeUtc, StartTimeLocal]) {
    if (typeof time === 'string' && US_TIME.test(time)) found.add('us-aggregation-time')
  }
  if (name === 'ListeningPorts') {
    const isExtra = details.State !== undefined || details['Recv-Q'] !== undefined
    if (isExtra || details['Send-Q'] !== undefined) found.add('socket-details')
  }
}
