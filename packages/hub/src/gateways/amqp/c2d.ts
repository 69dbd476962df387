import { HubError, refKey } from '@twinward/protocol'
import type { ActivityCounter } from '../../activity/counters.ts'
import { type LockedMessage, MESSAGE_LOCK_MS } from '../../messages/cloud-messages.ts'
import { conditionFor } from './conditions.ts'
import type { DeviceClient } from './device-client.ts'
import { encodeCloudMessage } from './message-codec.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import type { Outcome } from './wire/performatives.ts'

/** Messages of one link that were sent and are not settled. */
export const MAX_UNSETTLED = 16

/** An abandoned message comes again, so it is neither. */
const COUNTERS: ReadonlyMap<Outcome['kind'], ActivityCounter> = new Map([
  ['accepted', 'amqpC2D'],
  ['rejected', 'amqpC2DRejected'],
])

interface Delivery {
  readonly message: LockedMessage
  readonly lockedUntilMs: number
  isSettling: boolean
}

/**
 * Sends the cloud-to-device messages of one identity over one link (04 §5). The tag of a delivery is
 * its lock token. What is not settled when the link ends goes back to the queue, uncounted.
 */
export class CloudDelivery {
  readonly #client: DeviceClient
  readonly #link: OutgoingLink
  readonly #unsettled = new Map<string, Delivery>()
  #isReceiving = false
  /** Something may have come since the last look. */
  #isStale = false

  constructor(client: DeviceClient, link: OutgoingLink) {
    this.#client = client
    this.#link = link
  }

  start(): void {
    this.#client.addDelivery(this)
    const unwatch = this.#client.connection.watch(this)
    this.#link.accept({
      maySend: () => this.pump(),
      closed: () => {
        unwatch()
        this.#client.removeDelivery(this)
        this.#client.connection.parts.background(this.#closed())
      },
    })
  }

  /** Sends what waits, as far as credit, window and peer allow. */
  pump(): void {
    this.#isStale = true
    if (!this.#isReceiving) void this.#receiveAll()
  }

  /** When the first lock ends that nobody has settled. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY
    for (const { lockedUntilMs, isSettling } of this.#unsettled.values()) {
      if (!isSettling) nextMs = Math.min(nextMs, lockedUntilMs)
    }
    return nextMs
  }

  /** A lock that has ended gives its place in the window back. */
  look(nowMs: number): void {
    const isFull = this.#unsettled.size >= MAX_UNSETTLED
    let hasEnded = false
    for (const [token, { lockedUntilMs, isSettling }] of this.#unsettled) {
      if (isSettling || lockedUntilMs > nowMs) continue
      this.#unsettled.delete(token)
      hasEnded = true
    }
    if (isFull && hasEnded) this.pump()
  }

  async #receiveAll(): Promise<void> {
    this.#isReceiving = true
    const { hub, ref, connection } = this.#client
    try {
      while (this.#isStale && connection.takesMore) {
        const limit = Math.min(MAX_UNSETTLED - this.#unsettled.size, this.#link.credit)
        if (limit <= 0) break
        this.#isStale = false
        const messages = await hub.cloudMessages.receive(ref, limit)
        if (messages.length === limit) this.#isStale = true
        await this.#sendAll(messages)
      }
      const isFull = this.#unsettled.size >= MAX_UNSETTLED
      if (!this.#isStale || isFull) this.#link.drained()
    } catch (error) {
      this.#log(error, 'cloud-to-device messages could not be received')
    }
    this.#isReceiving = false
  }

  async #sendAll(messages: readonly LockedMessage[]): Promise<void> {
    const unsent: string[] = []
    for (const message of messages) {
      // The peer may have taken its credit back meanwhile.
      if (this.#link.credit > 0) this.#send(message)
      else unsent.push(message.lockToken)
    }
    if (unsent.length > 0) await this.#release(unsent)
  }

  #send(message: LockedMessage): void {
    const token = message.lockToken
    const lockedUntilMs = this.#client.hub.clock.now() + MESSAGE_LOCK_MS
    this.#unsettled.set(token, { message, lockedUntilMs, isSettling: false })
    this.#client.connection.lookBy(lockedUntilMs)
    const tag = Buffer.from(token.replaceAll('-', ''), 'hex')
    this.#link.send(encodeCloudMessage(message), {
      tag,
      whenSettled: (outcome, settle) => void this.#settle(message, outcome, settle),
    })
    // A receiver that wants everything settled in advance answers nothing (04 §5).
    if (this.#link.attach.isPresettled) void this.#settle(message, { kind: 'accepted' })
  }

  async #settle(
    { lockToken }: LockedMessage,
    outcome: Outcome,
    settle?: (outcome: Outcome) => void,
  ): Promise<void> {
    const { hub, ref } = this.#client
    const delivery = this.#unsettled.get(lockToken)
    if (delivery) delivery.isSettling = true
    try {
      if (outcome.kind === 'accepted') await hub.cloudMessages.complete(ref, lockToken)
      else if (outcome.kind === 'rejected') await hub.cloudMessages.reject(ref, lockToken)
      else await hub.cloudMessages.abandon(ref, lockToken)
      const counter = COUNTERS.get(outcome.kind)
      if (counter) hub.activity.counters.count(ref.deviceId, counter)
      settle?.(outcome)
    } catch (error) {
      this.#log(error, 'a cloud-to-device message could not be settled')
      settle?.({ kind: 'rejected', error: conditionFor(error, hub.log) })
    }
    this.#unsettled.delete(lockToken)
    if (this.#link.isOpen) this.pump()
  }

  /** The link has ended. Never rejects. */
  async #closed(): Promise<void> {
    const tokens = [...this.#unsettled]
      .filter(([, { isSettling }]) => !isSettling)
      .map(([token]) => token)
    this.#unsettled.clear()
    await this.#release(tokens)
  }

  async #release(tokens: readonly string[]): Promise<void> {
    if (tokens.length === 0) return
    try {
      await this.#client.hub.cloudMessages.release(this.#client.ref, tokens)
    } catch (error) {
      this.#log(error, 'cloud-to-device messages could not be released')
    }
  }

  /** Locks that ended and identities that went are no news. */
  #log(error: unknown, what: string): void {
    const { hub, ref } = this.#client
    const fields = { err: error, ref: refKey(ref) }
    if (error instanceof HubError && error.code !== 'ServerError') hub.log.debug(fields, what)
    else hub.log.error(fields, what)
  }
}
