/** Time, as the only source of it. Tests own theirs; the hub's clock fits. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `run` every `ms` until the returned function is called. Never keeps the process alive. */
  every(ms: number, run: () => void): () => void
}
