import type { JsonObject } from '@twinward/protocol'

/** A security message as an agent hands it to its SDK. */
export interface OutgoingMessage {
  readonly body: Buffer
  /** Application properties. */
  readonly properties?: Readonly<Record<string, string>>
}

export interface TwinDocument {
  readonly desired: JsonObject
  readonly reported: JsonObject
}

/** What an agent needs of a connection, over whatever protocol. */
export interface AgentTransport {
  getTwin(): Promise<TwinDocument>
  /** Resolves when the hub has confirmed it. */
  report(patch: JsonObject): Promise<void>
  /** Resolves when the hub has acknowledged all of them. */
  send(...messages: readonly OutgoingMessage[]): Promise<void>
  /** The payload of each change of the desired properties, in the order in which they came. */
  onDesired(listener: (patch: JsonObject) => void): void
  readonly isClosed: boolean
  closed(): Promise<void>
  /** Ends it without a word, as a device that loses its network. */
  cut(): void
}
