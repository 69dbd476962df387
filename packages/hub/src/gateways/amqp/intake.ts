import type { IncomingLink } from './incoming-link.ts'
import { MAX_IN_FLIGHT_BYTES, MAX_PARTIAL_BYTES } from './limits.ts'
import { Fault } from './wire/fault.ts'

/** How much of what came on one connection is not done with yet. */
export class Intake {
  readonly #whenRelieved: () => void
  readonly #wantingCredit = new Set<IncomingLink>()
  #inFlightBytes = 0
  #partialBytes = 0

  /** @param whenRelieved  called when it is no longer overloaded */
  constructor(whenRelieved: () => void) {
    this.#whenRelieved = whenRelieved
  }

  /** More has come than was handled: nothing is read and no credit granted. */
  get isOverloaded(): boolean {
    return this.#inFlightBytes > MAX_IN_FLIGHT_BYTES
  }

  inFlightChanged(bytes: number): void {
    const wasOverloaded = this.isOverloaded
    this.#inFlightBytes += bytes
    if (!wasOverloaded || this.isOverloaded) return
    const links = [...this.#wantingCredit]
    this.#wantingCredit.clear()
    for (const link of links) link.grant()
    this.#whenRelieved()
  }

  /** @throws {Fault} when too many messages have not arrived whole */
  partialChanged(bytes: number): void {
    this.#partialBytes += bytes
    if (bytes > 0 && this.#partialBytes > MAX_PARTIAL_BYTES) {
      throw new Fault('amqp:resource-limit-exceeded', 'too many messages are not complete')
    }
  }

  grantLater(link: IncomingLink): void {
    this.#wantingCredit.add(link)
  }

  forget(link: IncomingLink): void {
    this.#wantingCredit.delete(link)
  }
}
