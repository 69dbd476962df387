import type { Delivery } from '../../notifications/delivery.ts'
import type { SendFailure, Transport } from '../../notifications/transport.ts'

/** A transport whose library is loaded when there is something to send: few hubs need all of them. */
export class LateTransport implements Transport {
  readonly batch: number
  readonly pauseMs: number
  readonly #open: () => Promise<Transport>
  #transport: Promise<Transport> | undefined
  #isClosed = false

  constructor(shape: Pick<Transport, 'batch' | 'pauseMs'>, open: () => Promise<Transport>) {
    this.batch = shape.batch
    this.pauseMs = shape.pauseMs
    this.#open = open
  }

  async send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    if (this.#isClosed) return deliveries.map(() => ({ reason: 'the channel is closed' }))
    this.#transport ??= this.#open()
    return (await this.#transport).send(deliveries)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await (await this.#transport)?.close()
  }
}
