import { explainMismatch, HubError, type JsonObject } from '@twinward/protocol'
import type { TSchema } from 'typebox'
import type { Clock } from '../clock.ts'
import { Serial } from '../serial.ts'
import type { CustomEvents } from './decode.ts'
import { conforms } from './event-check.ts'
import { checkEventName, readEventSchema } from './event-schema.ts'

/** Custom event names of one hub. */
export const MAX_EVENT_SCHEMAS = 500
const MAX_DESCRIPTION_CHARACTERS = 1_024

/** What a hub has learned about a custom event. */
export interface EventSchema {
  readonly name: string
  /** For people. */
  readonly description: string
  /** JSON Schema of one payload element, as it was given. */
  readonly schema: JsonObject
  readonly changedMs: number
  readonly changedBy: string
}

/**
 * The schemas of a hub's custom events, `MAX_EVENT_SCHEMAS` of them. Adapters: `adapters/memory`,
 * `adapters/sqlite`; each passes `test/contracts/event-schema-store.ts`. A promise resolves once the
 * change would survive a crash.
 */
export interface EventSchemaStore {
  /** All of them, by name. */
  list(): Promise<readonly EventSchema[]>
  /** Replaces what has the name. */
  put(schema: EventSchema): Promise<void>
  /** Removing nothing is no error. */
  remove(name: string): Promise<void>
}

interface Known {
  readonly stored: EventSchema
  readonly compiled: TSchema
}

/** The catalogue of custom events: names that a hub knows besides the built-in ones. */
export class EventSchemas implements CustomEvents {
  readonly #store: EventSchemaStore
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  readonly #serial = new Serial()

  constructor(store: EventSchemaStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async start(): Promise<void> {
    for (const stored of await this.#store.list()) {
      this.#known.set(stored.name, { stored, compiled: readEventSchema(stored.schema) })
    }
  }

  has(name: string): boolean {
    return this.#known.has(name)
  }

  refuse(name: string, element: object, path: string): string | undefined {
    const compiled = this.#known.get(name)?.compiled
    // Interpreted, never made into code: the text is an operator's.
    if (compiled === undefined || conforms(compiled, element)) return undefined
    return explainMismatch(compiled, element, path)
  }

  /** By name. */
  list(): readonly EventSchema[] {
    const all = Array.from(this.#known.values(), ({ stored }) => stored)
    return all.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** @throws {HubError} `GenericNotFound` */
  get(name: string): EventSchema {
    const known = this.#known.get(name)
    if (known) return known.stored
    throw new HubError('GenericNotFound', `There is no schema of events with the name ${name}.`)
  }

  /**
   * Adds a name or changes its schema. Events that were judged before stay as they are.
   *
   * @throws {HubError} `ArgumentInvalid`; `IotHubQuotaExceeded` for one more than `MAX_EVENT_SCHEMAS`
   */
  put(given: Omit<EventSchema, 'changedMs'>): Promise<EventSchema> {
    return this.#serial.run(async () => {
      checkEventName(given.name)
      if (given.description.length > MAX_DESCRIPTION_CHARACTERS) {
        const limit = MAX_DESCRIPTION_CHARACTERS
        throw new HubError('ArgumentInvalid', `description: at most ${limit} characters.`)
      }
      const compiled = readEventSchema(given.schema)
      if (!this.#known.has(given.name) && this.#known.size >= MAX_EVENT_SCHEMAS) {
        throw new HubError('IotHubQuotaExceeded', `A hub has at most ${MAX_EVENT_SCHEMAS} schemas.`)
      }
      const stored = { ...given, changedMs: this.#clock.now() }
      await this.#store.put(stored)
      this.#known.set(given.name, { stored, compiled })
      return stored
    })
  }

  /** Forgets a name; its events are then kept as unknown ones. @throws {HubError} `GenericNotFound` */
  remove(name: string): Promise<void> {
    return this.#serial.run(async () => {
      this.get(name)
      await this.#store.remove(name)
      this.#known.delete(name)
    })
  }
}
