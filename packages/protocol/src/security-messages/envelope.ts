import Type from 'typebox'
import type { JsonObject } from '../json.ts'
import { MAX_AGENT_CHARACTERS, MAX_EVENTS_PER_MESSAGE, MAX_TIME_CHARACTERS } from './limits.ts'
import { Flag, Guid, Text } from './scalars.ts'

/** `1.0` is what the legacy agents send; `2.0` has the same header and the micro agent's payloads. */
export const SecurityMessageSchemas = ['1.0', '2.0'] as const
export type SecurityMessageSchema = (typeof SecurityMessageSchemas)[number]

/** The body of a security message. Its events are judged one by one, so they are not looked at here. */
export const SecurityEnvelope = Type.Object(
  {
    AgentVersion: Type.String({
      maxLength: MAX_AGENT_CHARACTERS,
      description: `a string of at most ${MAX_AGENT_CHARACTERS} characters`,
    }),
    AgentId: Guid,
    MessageSchemaVersion: Type.Enum([...SecurityMessageSchemas], {
      description: '"1.0" or "2.0"',
    }),
    Events: Type.Array(Type.Unknown(), {
      minItems: 1,
      maxItems: MAX_EVENTS_PER_MESSAGE,
      description: `an array of 1 to ${MAX_EVENTS_PER_MESSAGE} events`,
    }),
  },
  { additionalProperties: false, description: 'an object' },
)
export type SecurityEnvelope = Type.Static<typeof SecurityEnvelope>

/** What all events have in common; the elements of `Payload` depend on `Name`. */
export const SecurityEventHeader = Type.Object(
  {
    Id: Guid,
    TimestampLocal: Type.String({
      maxLength: MAX_TIME_CHARACTERS,
      description: `a string of at most ${MAX_TIME_CHARACTERS} characters`,
    }),
    TimestampUTC: Text,
    /** `Aggregated` is not in the published schema, but the published agents send it. */
    Category: Type.Enum(['Periodic', 'Triggered', 'Aggregated'], {
      description: '"Periodic", "Triggered" or "Aggregated"',
    }),
    Name: Type.String({
      minLength: 1,
      maxLength: 128,
      description: 'a name of 1 to 128 characters',
    }),
    EventType: Type.Enum(['Security', 'Operational', 'Diagnostic'], {
      description: '"Security", "Operational" or "Diagnostic"',
    }),
    /** "A snapshot was taken and nothing was found." */
    IsEmpty: Flag,
    PayloadSchemaVersion: Text,
    Payload: Type.Array(Type.Unsafe<JsonObject>(Type.Object({}, { description: 'an object' })), {
      description: 'an array of objects',
    }),
  },
  { additionalProperties: false, description: 'an object' },
)
export type SecurityEventHeader = Type.Static<typeof SecurityEventHeader>
