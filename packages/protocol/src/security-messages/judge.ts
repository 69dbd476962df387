import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { eventKinds, type SecurityEventKind } from './catalogue.ts'
import { SecurityEnvelope, SecurityEventHeader, type SecurityMessageSchema } from './envelope.ts'
import { explainMismatch } from './explain.ts'
import { parseTimestamp } from './timestamp.ts'

const envelope = Compile(SecurityEnvelope)
const header = Compile(SecurityEventHeader)
const elements: Readonly<Record<SecurityMessageSchema, ElementChecks>> = {
  '1.0': compileElements('1.0'),
  '2.0': compileElements('2.0'),
}

type ElementChecks = ReadonlyMap<string, (value: unknown) => boolean>

function compileElements(schema: SecurityMessageSchema): ElementChecks {
  return new Map([...eventKinds(schema)].map(([name, kind]) => [name, compile(kind.element)]))
}

function compile(schema: TSchema): (value: unknown) => boolean {
  const compiled = Compile(schema)
  return (value) => compiled.Check(value)
}

/** What is wrong with the envelope, or `undefined`. Says nothing about the events in it. */
export function refuseEnvelope(value: unknown): string | undefined {
  return envelope.Check(value) ? undefined : explainMismatch(SecurityEnvelope, value, '')
}

/**
 * Judges one event of a message: strict about structure, lenient about the scalars that agents in use
 * get wrong (`findDeviations` names them). An unknown `Name` is no fault.
 *
 * @param path  of the event in its message, for the reason: `Events[3]`
 * @returns what is wrong with it, or `undefined`: then it is a `SecurityEventHeader`
 */
export function refuseEvent(
  value: unknown,
  schema: SecurityMessageSchema,
  path: string,
): string | undefined {
  if (!header.Check(value)) return explainMismatch(SecurityEventHeader, value, path)
  if (schema === '1.0' && value.PayloadSchemaVersion !== '1.0') {
    return `${path}.PayloadSchemaVersion: expected "1.0" in a message of schema 1.0`
  }
  if (parseTimestamp(value.TimestampUTC) === undefined) {
    return `${path}.TimestampUTC: expected a date and time`
  }
  return refuseElementCount(value, path) ?? refuseElements(value, schema, path)
}

/** The kind whose schema an event must meet; `undefined` when there is none for it. */
export function findEventKind(
  name: string,
  schema: SecurityMessageSchema,
): SecurityEventKind | undefined {
  return eventKinds(schema).get(name)
}

function refuseElements(
  event: SecurityEventHeader,
  schema: SecurityMessageSchema,
  path: string,
): string | undefined {
  const kind = findEventKind(event.Name, schema)
  const check = elements[schema].get(event.Name)
  if (kind === undefined || check === undefined) return undefined
  for (const [index, item] of event.Payload.entries()) {
    if (!check(item)) return explainMismatch(kind.element, item, `${path}.Payload[${index}]`)
  }
  return undefined
}

function refuseElementCount(event: SecurityEventHeader, path: string): string | undefined {
  const { Category, IsEmpty, Name, Payload } = event
  const count = Payload.length
  if (Name === 'Heartbeat') return undefined
  if (IsEmpty) {
    if (Category === 'Periodic') return undefined
    // The C agent does so when its configuration has no error any more.
    if (Category === 'Triggered' && count === 0) return undefined
    return `${path}.IsEmpty: true is for Periodic events`
  }
  if (count === 0) return `${path}.Payload: expected at least 1 element, or IsEmpty true`
  if (Category === 'Aggregated' && count > 1) {
    return `${path}.Payload: expected 1 element in an Aggregated event, got ${count}`
  }
  return undefined
}
