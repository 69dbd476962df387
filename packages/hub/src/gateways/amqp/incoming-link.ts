import { LINK_CREDIT, MAX_ANNOUNCED_MESSAGE_BYTES, MAX_ENCODED_MESSAGE_BYTES } from './limits.ts'
import { LinkEnd } from './link-end.ts'
import { Fault } from './wire/fault.ts'
import type { Fields, Outcome } from './wire/performatives.ts'
import { uint } from './wire/values.ts'

/** A message that a peer sent. It is settled once, by `settle`. */
export interface Incoming {
  readonly bytes: Buffer
  readonly format: number
  /** The peer does not hear what becomes of it. */
  readonly isSettled: boolean
  settle(outcome: Outcome): void
}

/** What is done on a link that the peer sends on. */
export interface IncomingUse {
  received(delivery: Incoming): void
  closed?(): void
}

/** A link that the peer sends on. */
export class IncomingLink extends LinkEnd {
  #use: IncomingUse | undefined
  #credit = 0
  #deliveryCount = 0
  #unsettled = 0
  #partial: Partial | undefined

  /** Answers the attach and grants credit. */
  accept(use: IncomingUse): void {
    if (this.state !== 'waiting') return
    this.state = 'open'
    this.#use = use
    this.answer(true)
    this.grant()
  }

  attached(initialDeliveryCount: number): void {
    this.#deliveryCount = initialDeliveryCount
  }

  /** Grants what is missing of the window, unless the connection has too much in hand. */
  grant(): void {
    if (this.state !== 'open') return
    const wanted = LINK_CREDIT - this.#unsettled
    if (wanted - this.#credit < LINK_CREDIT / 2 && this.#credit > 0) return
    if (this.session.connection.intake.isOverloaded) {
      this.session.connection.intake.grantLater(this)
      return
    }
    if (wanted <= this.#credit) return
    this.#credit = wanted
    this.writeFlow()
  }

  writeFlow(): void {
    const { handle } = this.attach
    const state = [uint(handle), uint(this.#deliveryCount), uint(this.#credit)]
    this.session.writeFlow(state)
  }

  /** Of the peer's: a sender may spend its credit unused. */
  flow(fields: Fields): void {
    const deliveryCount = fields.uint(5)
    if (deliveryCount === undefined) return
    const spent = (deliveryCount - this.#deliveryCount) >>> 0
    if (spent === 0 || spent > this.#credit) return
    this.#deliveryCount = deliveryCount
    this.#credit -= spent
    this.grant()
  }

  /** @throws {Fault} for what the peer may not send */
  transfer(fields: Fields, payload: Buffer): void {
    // What was on its way when we detached.
    if (this.state === 'detached') return
    const delivery = this.#partial ?? this.#begin(fields)
    const isAborted = fields.flag(9)
    delivery.isSettled ||= fields.flag(4)
    this.session.connection.intake.partialChanged(delivery.add(isAborted ? undefined : payload))
    if (fields.flag(5) && !isAborted) {
      this.#partial = delivery
      return
    }
    this.#partial = undefined
    this.session.connection.intake.partialChanged(-delivery.length)
    this.#credit--
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0
    if (isAborted) this.grant()
    else this.#complete(delivery)
  }

  #begin(fields: Fields): Partial {
    if (this.state !== 'open' || this.#credit <= 0) {
      throw new Fault('amqp:link:transfer-limit-exceeded', 'a transfer came without credit')
    }
    return new Partial(fields.mustUint(1), fields.uint(3) ?? 0)
  }

  #complete(partial: Partial): void {
    const { id, format, isSettled } = partial
    const bytes = partial.take()
    const { connection } = this.session
    if (!bytes) {
      this.#refuseTooLarge(partial)
      return
    }
    const sizeBytes = bytes.length
    let isDone = false
    const settle = (outcome: Outcome) => {
      if (isDone) return
      isDone = true
      this.#unsettled--
      connection.intake.inFlightChanged(-sizeBytes)
      if (!isSettled && this.state === 'open') this.session.settleIncoming(id, outcome)
      this.grant()
    }
    this.#unsettled++
    connection.intake.inFlightChanged(sizeBytes)
    this.#use?.received({ bytes, format, isSettled, settle })
  }

  #refuseTooLarge({ id, isSettled }: Partial): void {
    const error = {
      condition: 'amqp:link:message-size-exceeded',
      description: `A message may take ${MAX_ANNOUNCED_MESSAGE_BYTES} bytes.`,
    }
    if (isSettled) this.detach(error)
    else {
      this.session.settleIncoming(id, { kind: 'rejected', error })
      this.grant()
    }
  }

  protected onEnd(): void {
    this.session.connection.linkEnded(this)
    if (this.#partial) this.session.connection.intake.partialChanged(-this.#partial.length)
    this.#partial = undefined
    this.#use?.closed?.()
  }
}

/** A message that comes in several transfers. What is too large is counted, not kept. */
class Partial {
  readonly id: number
  readonly format: number
  isSettled = false
  #chunks: Buffer[] = []
  #length = 0
  #isTooLarge = false

  constructor(id: number, format: number) {
    this.id = id
    this.format = format
  }

  /** Bytes that are kept. */
  get length(): number {
    return this.#length
  }

  /** @param chunk  `undefined` = the message is given up @returns how `length` has changed */
  add(chunk: Buffer | undefined): number {
    const before = this.#length
    if (!chunk || this.#length + chunk.length > MAX_ENCODED_MESSAGE_BYTES) {
      this.#isTooLarge = true
      this.#chunks = []
      this.#length = 0
    } else if (!this.#isTooLarge) {
      this.#chunks.push(chunk)
      this.#length += chunk.length
    }
    return this.#length - before
  }

  /** The whole; `undefined` when it was too large. */
  take(): Buffer | undefined {
    if (this.#isTooLarge) return undefined
    const [first] = this.#chunks
    return first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
  }
}
