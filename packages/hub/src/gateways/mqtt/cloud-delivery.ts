import { cloudMessageTopic, type DeviceRef, HubError, refKey } from '@twinward/protocol'
import { type LockedMessage, MESSAGE_LOCK_MS } from '../../messages/cloud-messages.ts'
import { Answer } from './answers.ts'
import type { Connection } from './connection.ts'
import { encodePublish } from './encode.ts'
import { cloudMessageProperties } from './message-properties.ts'
import { REASON } from './reasons.ts'

/** Messages of one session that were sent and are not settled (03 §7). */
export const MAX_UNSETTLED = 16
const MAX_PACKET_ID = 0xffff
const MAX_TOPIC_BYTES = 0xffff

interface Delivery {
  message: LockedMessage
  lockedUntilMs: number
  /** Its acknowledgement has come and is being stored. */
  isSettling: boolean
}

/** How a session wants its messages. */
export interface DeliveryTerms {
  readonly ref: DeviceRef
  /** Of the subscription; `undefined` while there is none. */
  readonly qos: () => number | undefined
  readonly isMqtt5: boolean
  /** How many may be unacknowledged; at most `MAX_UNSETTLED` are anyway. */
  readonly receiveMaximum: number
  /** Of a packet; a larger message is refused. */
  readonly maxPacketBytes: number
}

/**
 * Sends the cloud-to-device messages of one session:
 *
 *     ← PUBLISH devices/pump-1/messages/devicebound/%24.mid=7&%24.to=…    (QoS 1, id 1)
 *     → PUBACK 1
 *
 * A message whose lock ran out is sent again as a duplicate. With QoS 0 it is complete when the
 * socket has taken it. What is open when the connection ends goes back to the queue.
 */
export class CloudDelivery {
  readonly #connection: Connection
  readonly #terms: DeliveryTerms
  /** By packet id, the oldest first; messages of QoS 0 get one too, for the time being. */
  readonly #unsettled = new Map<number, Delivery>()
  #lastPacketId = 0
  #isReceiving = false
  /** Something may have come since the last look. */
  #isStale = false

  constructor(connection: Connection, terms: DeliveryTerms) {
    this.#connection = connection
    this.#terms = terms
  }

  /** Sends what waits, as far as the window and the peer allow. */
  pump(): void {
    this.#isStale = true
    if (!this.#isReceiving) void this.#receiveAll()
  }

  /** The peer has taken what was written: goes on where it had stopped. */
  mayWrite(): void {
    if (this.#isStale && !this.#isReceiving) void this.#receiveAll()
  }

  /** @param reason  of MQTT 5: from 0x80 on the client refuses the message */
  acknowledge(packetId: number, reason: number = REASON.none): void {
    const delivery = this.#unsettled.get(packetId)
    if (delivery && !delivery.isSettling) void this.#settle(packetId, delivery, reason)
  }

  /** Sends again what was not acknowledged in time. @returns when to look again */
  due(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const { lockedUntilMs } of this.#unsettled.values()) {
      if (lockedUntilMs > nowMs) next = Math.min(next, lockedUntilMs)
    }
    if (this.#lostLocks(nowMs).length > 0) this.pump()
    return next
  }

  /** The connection has ended. Never rejects. */
  async ended(): Promise<void> {
    const tokens = [...this.#unsettled.values()]
      .filter(({ isSettling }) => !isSettling)
      .map(({ message }) => message.lockToken)
    this.#unsettled.clear()
    await this.#release(tokens)
  }

  get #hub() {
    return this.#connection.parts.hub
  }

  get #window(): number {
    return Math.min(MAX_UNSETTLED, this.#terms.receiveMaximum)
  }

  /** Ids of messages that others may have by now. */
  #lostLocks(nowMs: number): readonly number[] {
    return [...this.#unsettled]
      .filter(([, { lockedUntilMs, isSettling }]) => !isSettling && lockedUntilMs <= nowMs)
      .map(([packetId]) => packetId)
  }

  async #receiveAll(): Promise<void> {
    this.#isReceiving = true
    try {
      while (this.#isStale && this.#connection.takesMore) {
        const lost = this.#lostLocks(this.#hub.clock.now())
        const limit = this.#window - this.#unsettled.size + lost.length
        if (limit <= 0 || this.#terms.qos() === undefined) break
        this.#isStale = false
        const messages = await this.#hub.cloudMessages.receive(this.#terms.ref, limit)
        if (messages.length === limit) this.#isStale = true
        await this.#take(messages, lost)
      }
    } catch (error) {
      this.#log(error, 'cloud-to-device messages could not be received')
    }
    this.#isReceiving = false
  }

  async #take(messages: readonly LockedMessage[], lost: readonly number[]): Promise<void> {
    const qos = this.#terms.qos()
    if (!this.#connection.isOpen || qos === undefined) {
      await this.#release(messages.map(({ lockToken }) => lockToken))
      return
    }
    const again = new Map(lost.map((packetId) => [this.#sequenceOf(packetId), packetId]))
    for (const packetId of lost) {
      // What did not come back was settled by others or has expired; a late PUBACK says nothing.
      const sequence = this.#sequenceOf(packetId)
      if (!messages.some((message) => message.sequence === sequence)) {
        this.#unsettled.delete(packetId)
      }
    }
    for (const message of messages) this.#send(message, qos, again.get(message.sequence))
    this.#connection.wakeAt(this.#hub.clock.now() + MESSAGE_LOCK_MS)
  }

  #sequenceOf(packetId: number): number | undefined {
    return this.#unsettled.get(packetId)?.message.sequence
  }

  #send(message: LockedMessage, qos: number, formerId: number | undefined): void {
    const { ref, isMqtt5, maxPacketBytes } = this.#terms
    const nowMs = this.#hub.clock.now()
    const topic = cloudMessageTopic(ref, message)
    const id = formerId ?? this.#nextPacketId()
    const packet = encodePublish({
      topic,
      body: message.body,
      packetId: qos === 0 ? 0 : id,
      isDuplicate: qos > 0 && formerId !== undefined,
      ...(isMqtt5 && { properties: cloudMessageProperties(message, nowMs) }),
    })
    if (Buffer.byteLength(topic) > MAX_TOPIC_BYTES || packet.length > maxPacketBytes) {
      void this.#refuse(message)
      return
    }
    const lockedUntilMs = nowMs + MESSAGE_LOCK_MS
    this.#unsettled.set(id, { message, lockedUntilMs, isSettling: false })
    const answer = new Answer()
    answer.packet = packet
    if (qos === 0) answer.whenWritten = () => this.acknowledge(id)
    this.#connection.send(answer)
  }

  #nextPacketId(): number {
    // In a circle, so that a late PUBACK does not hit the next message.
    do this.#lastPacketId = (this.#lastPacketId % MAX_PACKET_ID) + 1
    while (this.#unsettled.has(this.#lastPacketId))
    return this.#lastPacketId
  }

  async #settle(packetId: number, delivery: Delivery, reason: number): Promise<void> {
    const { cloudMessages, activity } = this.#hub
    const { lockToken } = delivery.message
    const isAccepted = reason < REASON.unspecified
    delivery.isSettling = true
    try {
      if (isAccepted) await cloudMessages.complete(this.#terms.ref, lockToken)
      else await cloudMessages.reject(this.#terms.ref, lockToken)
      const { deviceId } = this.#terms.ref
      activity.counters.count(deviceId, isAccepted ? 'mqttC2D' : 'mqttC2DRejected')
    } catch (error) {
      this.#log(error, 'a cloud-to-device message could not be settled')
    }
    if (this.#unsettled.get(packetId) === delivery) this.#unsettled.delete(packetId)
    if (this.#connection.isOpen) this.pump()
  }

  /** This client could never get it: its properties fit into no topic, or it is too large for it. */
  async #refuse({ ref, lockToken }: LockedMessage): Promise<void> {
    try {
      await this.#hub.cloudMessages.reject(ref, lockToken)
      this.#hub.activity.counters.count(ref.deviceId, 'mqttC2DRejected')
    } catch (error) {
      this.#log(error, 'a cloud-to-device message could not be rejected')
    }
  }

  async #release(tokens: readonly string[]): Promise<void> {
    if (tokens.length === 0) return
    try {
      await this.#hub.cloudMessages.release(this.#terms.ref, tokens)
    } catch (error) {
      this.#log(error, 'cloud-to-device messages could not be released')
    }
  }

  /** Locks that ended and identities that went are no news. */
  #log(error: unknown, what: string): void {
    const fields = { err: error, ref: refKey(this.#terms.ref) }
    if (error instanceof HubError && error.code !== 'ServerError') this.#hub.log.debug(fields, what)
    else this.#hub.log.error(fields, what)
  }
}
