import {
  type DeviceRef,
  desiredChangeTopic,
  isMethodResponse,
  type JsonObject,
  type MqttSubscription,
  type MqttUserName,
  telemetryBag,
} from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import type { Hub } from '../../hub.ts'
import type { Credential } from '../../registry/authenticator.ts'
import type { CloseReason, LiveSession } from '../../sessions/sessions.ts'
import { Answer } from './answers.ts'
import type { Connection } from './connection.ts'
import { DesiredSequence, GAP_MS } from './desired.ts'
import {
  DISCONNECT,
  type FrameReader,
  PINGREQ,
  PUBACK,
  PUBLISH,
  SUBSCRIBE,
  UNSUBSCRIBE,
} from './frames.ts'
import { type Connect, decodePublish, hasValidFlags, type Publish, type Will } from './packets.ts'
import { receiveSubscribe, receiveUnsubscribe } from './subscribe.ts'
import { NO_SUBSCRIPTIONS, type Subscriptions, subscribed } from './subscriptions.ts'
import { receiveTelemetry, sendWill } from './telemetry.ts'
import { receiveTwinRequest, TWIN_TOPICS } from './twin.ts'
import { TICK_MS } from './wheel.ts'
import { encodePingResponse } from './writer.ts'

/** IoT Hub's longest silence (03 §2.5); also what keep-alive 0 means. */
export const MAX_SILENCE_MS = 1767_000
/** A connection that ends for one of these may not speak any more: its will is not sent. */
const SILENCING: readonly string[] = [
  'the identity was removed',
  'the identity was disabled',
  'the credential changed',
] satisfies readonly CloseReason[]

/** What a client told about itself, and what it has proven. */
export interface Login {
  readonly packet: Connect
  readonly user: MqttUserName
  readonly credential: Credential
}

/** A device or module that is connected over MQTT: its packets become calls of the services. */
export class Session implements LiveSession {
  readonly ref: DeviceRef
  readonly credential: Credential
  /** A client without an api-version is from before twins. */
  readonly hasTwins: boolean
  readonly #connection: Connection
  readonly #silenceMs: number
  readonly #will: Will | undefined
  readonly #isStored: boolean
  readonly #desired = new DesiredSequence()
  #subscriptions: Subscriptions = NO_SUBSCRIPTIONS
  #isWaiting = false

  constructor(connection: Connection, { packet, user, credential }: Login) {
    const { keepAliveSeconds } = packet
    this.ref = user.ref
    this.credential = credential
    this.hasTwins = user.apiVersion !== undefined
    this.#connection = connection
    const silenceMs = keepAliveSeconds === 0 ? MAX_SILENCE_MS : keepAliveSeconds * 1500
    this.#silenceMs = Math.min(silenceMs, MAX_SILENCE_MS)
    this.#will = packet.will
    this.#isStored = !packet.cleanSession
  }

  get hub(): Hub {
    return this.#connection.parts.hub
  }

  get expiresAtMs(): number {
    return this.credential.expiresAtMs
  }

  get subscriptions(): Subscriptions {
    return this.#subscriptions
  }

  setSubscriptions(subscriptions: Subscriptions): void {
    this.#subscriptions = subscriptions
    if (this.#isStored) this.#connection.parts.stored.store(this.ref, subscriptions)
  }

  subscribed(kind: MqttSubscription): boolean {
    return subscribed(this.#subscriptions, kind)
  }

  /** When to end it if no packet comes any more. The times of packets are up to a tick behind. */
  deadline(lastPacketMs: number): number {
    return Math.min(lastPacketMs + this.#silenceMs + TICK_MS, this.expiresAtMs)
  }

  /** @returns false when the packet has to wait until those before it are done */
  handle(frame: FrameReader): boolean {
    const { firstByte } = frame
    const connection = this.#connection
    const type = firstByte >> 4
    if (type === PUBLISH) return this.#publish(frame)
    if (!hasValidFlags(firstByte)) connection.fail('a packet has invalid flags')
    else if (type === PINGREQ) connection.sendPacket(encodePingResponse())
    else if (type === SUBSCRIBE) receiveSubscribe(this, connection, frame)
    else if (type === UNSUBSCRIBE) receiveUnsubscribe(this, connection, frame)
    else if (type === DISCONNECT) connection.disconnect()
    // All that is sent has QoS 0, so an acknowledgement of something older says nothing.
    else if (type !== PUBACK) connection.fail(`a packet of type ${type} is not expected`)
    return true
  }

  close(reason: CloseReason): void {
    this.#connection.fail(reason)
  }

  /** The connection has ended. `reason` is absent after a DISCONNECT, which discards the will. */
  ended(reason: string | undefined): void {
    this.hub.sessions.closed(this)
    const will = this.#will
    if (!will || reason === undefined || SILENCING.includes(reason)) return
    this.#connection.parts.background(sendWill(this, will))
  }

  desiredChanged({ patch, version }: Extract<Notice, { kind: 'desired-changed' }>): void {
    if (!this.subscribed('desired-changes')) {
      this.#desired.skip(version)
      return
    }
    const answer = new Answer()
    answer.topic = desiredChangeTopic(version)
    answer.payload = JSON.stringify({ ...withoutMetadata(patch), $version: version })
    answer.desiredVersion = version
    answer.isDesiredChange = true
    this.#connection.send(answer)
  }

  /** Lets an answer with desired properties out when its version's turn has come. */
  passDesired(answer: Answer, writer: Parameters<DesiredSequence['pass']>[1]): void {
    this.#desired.pass(answer, writer)
  }

  /** A gap that stays means that a notice was lost: the device connects and reads again. */
  checkGap(): void {
    if (this.#desired.isOverfull) this.#failForGap()
    else if (this.#desired.hasGap && !this.#isWaiting) void this.#waitForMissing()
  }

  async #waitForMissing(): Promise<void> {
    this.#isWaiting = true
    while (this.#connection.isOpen && this.#desired.hasGap) {
      const { missing } = this.#desired
      await this.hub.clock.sleep(GAP_MS)
      if (this.#desired.hasGap && this.#desired.missing === missing) this.#failForGap()
    }
    this.#isWaiting = false
  }

  #failForGap(): void {
    this.#connection.fail(`version ${this.#desired.missing} of its desired properties is missing`)
  }

  #publish(frame: FrameReader): boolean {
    const publish = decodePublish(frame)
    const connection = this.#connection
    if (!publish) connection.fail('a malformed PUBLISH')
    else if (publish.qos > 1) connection.fail('a PUBLISH with QoS 2')
    else if (publish.topic.startsWith(TWIN_TOPICS)) {
      return receiveTwinRequest(this, connection, publish)
    } else this.#receiveMessage(publish)
    return true
  }

  #receiveMessage(publish: Publish): void {
    const { topic, packetId } = publish
    const connection = this.#connection
    const bag = telemetryBag(topic, this.ref)
    if (bag !== undefined) void receiveTelemetry(this, connection, publish, bag)
    else if (isMethodResponse(topic)) {
      // No method was called, so this is late or a duplicate.
      const answer = new Answer()
      answer.pubackId = packetId
      connection.send(answer)
    } else connection.fail(`a PUBLISH to ${JSON.stringify(topic.slice(0, 64))}`)
  }
}

/** SDKs of services send whole twins back, but a device is not told metadata (02 §4.2). */
function withoutMetadata(patch: JsonObject): JsonObject {
  if (!Object.hasOwn(patch, '$metadata')) return patch
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$metadata'))
}
