/**
 * Where import and export jobs read and write files (01 §7): containers, named by URLs, which hold
 * files. What goes wrong with one is a `HubError` `BlobContainerValidationError` that says what.
 *
 * Adapter: `adapters/files/exchange-folder.ts`, folders of this machine.
 */
export interface Exchange {
  open(containerUri: string): Promise<ExchangeContainer>
}

export interface ExchangeContainer {
  /** Opens a file that is there. */
  read(name: string): Promise<ExchangeReader>
  /** Begins a file, which nobody sees before `commit`. */
  write(name: string): Promise<ExchangeWriter>
}

export interface ExchangeReader {
  readonly sizeBytes: number
  /** The content from its beginning, once. */
  chunks(): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

export interface ExchangeWriter {
  append(text: string): Promise<void>
  /** Makes the file durable and puts it in its place, where it replaces an older one. */
  commit(): Promise<void>
  /** Forgets what was written; a no-op after `commit`. */
  discard(): Promise<void>
}
