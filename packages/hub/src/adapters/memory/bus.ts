import type { EventBus, Notice } from '../../bus.ts'
import type { Log } from '../../log.ts'

/** The bus within one process: listeners are called in turn, at once. */
export class InProcessBus implements EventBus {
  readonly #listeners = new Set<(notice: Notice) => void>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  publish(notice: Notice): void {
    for (const listener of this.#listeners) {
      try {
        listener(notice)
      } catch (error) {
        // One listener's bug must not keep the notice from the others.
        this.#log.error({ err: error, notice: notice.kind }, 'a listener of the bus failed')
      }
    }
  }

  subscribe(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
