import { MAX_WAITING_MESSAGES } from './limits.ts'
import { type AnswerTerms, LinkEnd } from './link-end.ts'
import type { Fields, Outcome } from './wire/performatives.ts'
import { uint } from './wire/values.ts'

/** What is done on a link that the peer receives on. */
export interface OutgoingUse {
  /** There is credit, or the peer can take more again. */
  maySend?(): void
  closed?(): void
}

/** What became of a message that was sent; `settle` is missing when the peer has settled already. */
export type WhenSettled = (outcome: Outcome, settle?: (outcome: Outcome) => void) => void

export interface SendOptions {
  readonly tag: Buffer
  /** Absent: nobody asks what becomes of it, it is sent settled. */
  readonly whenSettled?: WhenSettled | undefined
}

/** A link that the peer receives on. */
export class OutgoingLink extends LinkEnd {
  #use: OutgoingUse = {}
  #credit = 0
  #deliveryCount = 0
  #isDraining = false
  #nextTag = 0
  /** Messages for which there was no credit. */
  readonly #waiting: Buffer[] = []

  accept(use: OutgoingUse, terms: AnswerTerms = {}): void {
    if (this.state !== 'waiting') return
    this.state = 'open'
    this.#use = use
    this.answer(true, terms)
    this.maySend()
  }

  /** What may be sent at once. */
  get credit(): number {
    return this.state === 'open' ? this.#credit : 0
  }

  /** The peer asks to send what there is and to take the rest of its credit back. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  flow(fields: Fields): void {
    const peersCount = fields.uint(5) ?? 0
    const linkCredit = fields.uint(6) ?? 0
    const credit = (peersCount + linkCredit - this.#deliveryCount) >>> 0
    // Credit that was taken back while messages were on their way would be below zero.
    this.#credit = credit > 0x7fffffff ? 0 : credit
    this.#isDraining = fields.flag(8)
    this.maySend()
    if (fields.flag(9) && this.isOpen) this.#writeFlow()
  }

  /** Goes on with what waits, as far as there is credit. */
  maySend(): void {
    if (this.state !== 'open') return
    while (this.#credit > 0) {
      const message = this.#waiting.shift()
      if (!message) break
      this.send(message, { tag: this.#makeTag() })
    }
    if (this.#use.maySend) this.#use.maySend()
    else this.drained()
  }

  /** Nothing more is there for now: unused credit goes back to a peer that drains. */
  drained(): void {
    if (!this.#isDraining || this.state !== 'open') return
    this.#deliveryCount = (this.#deliveryCount + this.#credit) >>> 0
    this.#credit = 0
    this.#writeFlow()
    this.#isDraining = false
  }

  /** Sends one message that is settled at once; there must be credit. */
  sendSettled(message: Buffer): void {
    this.send(message, { tag: this.#makeTag() })
  }

  /** Sends one message; there must be credit. */
  send(message: Buffer, { tag, whenSettled }: SendOptions): void {
    this.#credit--
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0
    const isSettled = whenSettled === undefined || this.attach.isPresettled
    this.session.sendTransfer(this, message, {
      tag,
      ...(!isSettled && { whenSettled }),
    })
  }

  /** Sends a settled message as soon as there is credit. A peer that grants none loses the link. */
  sendLater(message: Buffer): void {
    if (this.state !== 'open') return
    if (this.#credit > 0 && this.#waiting.length === 0) {
      this.send(message, { tag: this.#makeTag() })
    } else if (this.#waiting.push(message) > MAX_WAITING_MESSAGES) {
      this.detach({
        condition: 'amqp:resource-limit-exceeded',
        description: 'The receiver grants no credit.',
      })
    }
  }

  #makeTag(): Buffer {
    const tag = Buffer.alloc(4)
    this.#nextTag = (this.#nextTag + 1) >>> 0
    tag.writeUInt32BE(this.#nextTag)
    return tag
  }

  #writeFlow(): void {
    const { handle } = this.attach
    const state = [uint(handle), uint(this.#deliveryCount), uint(this.#credit)]
    this.session.writeFlow([...state, uint(0), this.#isDraining])
  }

  protected onEnd(): void {
    this.session.connection.linkEnded(this)
    this.#waiting.length = 0
    this.session.forget(this)
    this.#use.closed?.()
  }
}
