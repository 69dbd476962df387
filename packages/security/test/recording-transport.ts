import type { Delivery } from '../src/notifications/delivery.ts'
import type { SendFailure, Transport } from '../src/notifications/transport.ts'

/** A transport that delivers to a list, and fails as a test says. */
export class RecordingTransport implements Transport {
  readonly batch: number
  readonly pauseMs: number
  /** What arrived, each as often as it arrived. */
  readonly delivered: Delivery[] = []
  attempts = 0
  /** Asked before each delivery. */
  fail: (delivery: Delivery) => SendFailure | undefined = () => undefined

  constructor({ batch = 10, pauseMs = 0 }: { batch?: number; pauseMs?: number } = {}) {
    this.batch = batch
    this.pauseMs = pauseMs
  }

  async send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    return deliveries.map((delivery) => {
      this.attempts++
      const failure = this.fail(delivery)
      if (!failure) this.delivered.push(delivery)
      return failure
    })
  }

  async close(): Promise<void> {}
}
