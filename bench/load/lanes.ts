import { Histogram } from './histogram.ts'
import type { EventsPlan } from './plan.ts'

/** Every body begins with its slot and the time it was sent, as doubles. */
const HEAD_BYTES = 16

/** The messages under way: `inFlight` slots of each sender. */
export class Lanes {
  readonly latency = new Histogram()
  done = 0
  isSending = false
  send: (sender: number, body: Buffer) => Promise<void> = () => Promise.resolve()
  readonly #plan: EventsPlan
  /** Of each slot: what has happened of two, confirmed and read. */
  readonly #happened: Uint8Array
  #open = 0

  constructor(plan: EventsPlan) {
    this.#plan = plan
    this.#happened = new Uint8Array(plan.senders * plan.inFlight)
  }

  get open(): number {
    return this.#open
  }

  start(): void {
    const { senders, inFlight } = this.#plan
    this.isSending = true
    for (let slot = 0; slot < senders * inFlight; slot++) this.#sendOn(slot)
  }

  received(body: Uint8Array): void {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    this.latency.record(performance.now() - view.getFloat64(8))
    this.done++
    this.#happen(view.getFloat64(0))
  }

  #sendOn(slot: number): void {
    const { inFlight, bytes } = this.#plan
    const sender = Math.floor(slot / inFlight)
    const body = Buffer.alloc(Math.max(bytes, HEAD_BYTES), 'x')
    body.writeDoubleBE(slot, 0)
    body.writeDoubleBE(performance.now(), 8)
    this.#happened[slot] = 0
    this.#open++
    this.send(sender, body).then(
      () => this.#happen(slot),
      (error: unknown) => {
        process.stderr.write(`A message was refused: ${String(error)}\n`)
        process.exit(1)
      },
    )
  }

  #happen(slot: number): void {
    const happened = (this.#happened[slot] ?? 0) + 1
    this.#happened[slot] = happened
    if (happened < 2) return
    this.#open--
    if (this.isSending) this.#sendOn(slot)
  }
}
