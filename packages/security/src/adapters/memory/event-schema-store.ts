import type { EventSchema, EventSchemaStore } from '../../ingestion/event-schemas.ts'

/** Schemas of custom events, until the process ends. */
export class MemoryEventSchemaStore implements EventSchemaStore {
  /** As JSON texts, so that nobody shares an object with us. */
  readonly #schemas = new Map<string, string>()

  async list(): Promise<readonly EventSchema[]> {
    return Array.from(this.#schemas)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => JSON.parse(text) as EventSchema)
  }

  async put(schema: EventSchema): Promise<void> {
    this.#schemas.set(schema.name, JSON.stringify(schema))
  }

  async remove(name: string): Promise<void> {
    this.#schemas.delete(name)
  }
}
