import type { FeedbackRequest } from '@twinward/protocol'

const LOCK_MS = 60_000
const TTL_MS = 3600_000
const MAX_DEPTH = 50
const MAX_DELIVERIES = 10

interface ModelMessage {
  readonly id: string
  readonly ack: FeedbackRequest
  readonly expiresAtMs: number
  deliveries: number
  /** The number of the receive that holds it, and until when. */
  lock: { readonly hold: number; readonly untilMs: number } | undefined
}

/** The queue of one identity, written as naively as the rules read (10 §2). */
export class ModelQueue {
  messages: ModelMessage[] = []
  readonly feedback: string[]
  #holds = 0

  constructor(feedback: string[]) {
    this.feedback = feedback
  }

  /** @returns whether there was room */
  send(id: string, ack: FeedbackRequest, nowMs: number, ttlMs: number): boolean {
    if (this.messages.length >= MAX_DEPTH) this.expire(nowMs)
    if (this.messages.length >= MAX_DEPTH) return false
    const expiresAtMs = nowMs + Math.min(ttlMs, TTL_MS)
    this.messages.push({ id, ack, expiresAtMs, deliveries: 0, lock: undefined })
    return true
  }

  receive(limit: number, nowMs: number) {
    const free = this.messages.filter((message) => {
      return !isHeld(message, nowMs) && message.expiresAtMs > nowMs
    })
    return free.slice(0, limit).map((message) => {
      message.lock = { hold: ++this.#holds, untilMs: nowMs + LOCK_MS }
      return { id: message.id, deliveries: message.deliveries, hold: message.lock.hold }
    })
  }

  /** @returns whether the lock was still good */
  settle(how: 'complete' | 'reject' | 'abandon', hold: number, nowMs: number): boolean {
    const message = this.messages.find((one) => one.lock?.hold === hold && isHeld(one, nowMs))
    if (!message) return false
    if (how === 'complete') this.#end(message, 'Success')
    else if (how === 'reject') this.#end(message, 'Rejected')
    else if (++message.deliveries >= MAX_DELIVERIES) this.#end(message, 'DeliveryCountExceeded')
    else message.lock = undefined
    return true
  }

  release(hold: number): void {
    const message = this.messages.find(({ lock }) => lock?.hold === hold)
    if (message) message.lock = undefined
  }

  expire(nowMs: number): void {
    for (const message of [...this.messages]) {
      if (message.expiresAtMs <= nowMs && !isHeld(message, nowMs)) this.#end(message, 'Expired')
    }
  }

  /** @returns how many went */
  purge(): number {
    const { length } = this.messages
    for (const message of [...this.messages]) this.#end(message, 'Purged')
    return length
  }

  /** The hub starts again. */
  releaseAll(): void {
    for (const message of this.messages) message.lock = undefined
  }

  #end(message: ModelMessage, status: string): void {
    this.messages = this.messages.filter((other) => other !== message)
    const wanted = status === 'Success' ? ['positive', 'full'] : ['negative', 'full']
    if (wanted.includes(message.ack)) this.feedback.push(`${message.id} ${status}`)
  }
}

function isHeld({ lock }: ModelMessage, nowMs: number): boolean {
  return lock !== undefined && lock.untilMs > nowMs
}
