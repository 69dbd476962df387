import {
  type DeviceRef,
  type MqttSubscription,
  type MqttUserName,
  refKey,
  telemetryBag,
} from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import type { Hub } from '../../hub.ts'
import type { MethodRequest } from '../../methods/methods.ts'
import type { Credential } from '../../registry/authenticator.ts'
import type { CloseReason, LiveSession } from '../../sessions/sessions.ts'
import type { WeakTls } from '../../sessions/weak-tls.ts'
import { TICK_MS } from '../wheel.ts'
import { CloudDelivery } from './cloud-delivery.ts'
import type { Connection } from './connection.ts'
import type { ConnectionSession } from './connection-session.ts'
import { DesiredChanges } from './desired-changes.ts'
import { encodePingResponse, encodeRefusal } from './encode.ts'
import {
  DISCONNECT,
  type FrameReader,
  PINGREQ,
  PUBACK,
  PUBLISH,
  SUBSCRIBE,
  UNSUBSCRIBE,
} from './frames.ts'
import { METHOD_RESPONSES, receiveMethodResponse, sendMethod } from './methods.ts'
import {
  type Connect,
  decodeDisconnect,
  decodePuback,
  decodePublish,
  decodePublish5,
  hasValidFlags,
  isPersistent,
  MQTT_5,
  type Publish,
  type Will,
} from './packets.ts'
import { CLOSE_CODES, REASON } from './reasons.ts'
import { receiveSubscribe, receiveUnsubscribe } from './subscribe.ts'
import { NO_SUBSCRIPTIONS, qosOf, type Subscriptions, subscribed } from './subscriptions.ts'
import { receiveTelemetry, sendWill } from './telemetry.ts'
import { receiveTwinRequest, TWIN_TOPICS } from './twin.ts'

/** IoT Hub's longest silence (03 §2.5); also what keep-alive 0 means. */
export const MAX_SILENCE_MS = 1767_000
/** A connection that ends for one of these may not speak any more: its will is not sent. */
const SILENCING: readonly string[] = [
  'the identity was removed',
  'the identity was disabled',
  'the credential changed',
  'the CA was revoked',
] satisfies readonly CloseReason[]

/** What a client told about itself, and what it has proven. */
export interface Login {
  readonly packet: Connect
  readonly user: MqttUserName
  readonly credential: Credential
  /** Of the CONNECT among all of the gateway: the greater, the newer. */
  readonly order: number
}

/** A device or module that is connected over MQTT: its packets become calls of the services. */
export class Session implements LiveSession, ConnectionSession {
  readonly ref: DeviceRef
  readonly credential: Credential
  readonly order: number
  readonly isMqtt5: boolean
  readonly maxPacketBytes: number
  /** Whether a refusal may carry a text. */
  readonly wantsReasons: boolean
  readonly desired: DesiredChanges
  /** A client without an api-version is from before twins. */
  readonly hasTwins: boolean
  readonly #connection: Connection
  readonly #silenceMs: number
  readonly #will: Will | undefined
  readonly #receiveMaximum: number
  #isStored: boolean
  #cloud: CloudDelivery | undefined
  #subscriptions: Subscriptions = NO_SUBSCRIPTIONS

  constructor(connection: Connection, { packet, user, credential, order }: Login) {
    const { keepAliveSeconds, properties } = packet
    this.ref = user.ref
    this.credential = credential
    this.order = order
    this.isMqtt5 = packet.level === MQTT_5
    this.maxPacketBytes = properties.maxPacketBytes ?? Number.POSITIVE_INFINITY
    this.wantsReasons = this.isMqtt5 && properties.requestProblemInformation !== 0
    this.#receiveMaximum = properties.receiveMaximum ?? Number.POSITIVE_INFINITY
    this.hasTwins = user.apiVersion !== undefined
    this.#connection = connection
    this.desired = new DesiredChanges(connection)
    const silenceMs = keepAliveSeconds === 0 ? MAX_SILENCE_MS : keepAliveSeconds * 1500
    this.#silenceMs = Math.min(silenceMs, MAX_SILENCE_MS)
    this.#will = packet.will
    this.#isStored = isPersistent(packet)
  }

  get hub(): Hub {
    return this.#connection.parts.hub
  }

  get address(): string {
    return this.#connection.remote
  }

  get weakTls(): WeakTls | undefined {
    return this.#connection.weakTls()
  }

  get expiresAtMs(): number {
    return this.credential.expiresAtMs
  }

  get subscriptions(): Subscriptions {
    return this.#subscriptions
  }

  /** Takes them over from the session that this one goes on with. */
  restore(subscriptions: Subscriptions): void {
    this.#subscriptions = subscriptions
  }

  /** @returns what to wait for until they are durable; nothing when they need not be */
  setSubscriptions(subscriptions: Subscriptions): Promise<void> | undefined {
    const isNew = subscriptions !== this.#subscriptions
    this.#subscriptions = subscriptions
    if (!isNew || !this.#isStored) return undefined
    return this.hub.identities.rememberSubscriptions(this.ref, subscriptions)
  }

  subscribed(kind: MqttSubscription): boolean {
    return subscribed(this.#subscriptions, kind)
  }

  get takesMethods(): boolean {
    return this.subscribed('method-requests')
  }

  callMethod(request: MethodRequest): void {
    sendMethod(this.#connection, request)
  }

  /** What is subscribed to may start: what the client waits for has been queued. */
  subscribedSince(before: Subscriptions): void {
    if (this.takesMethods && !subscribed(before, 'method-requests')) {
      this.hub.sessions.subscribedToMethods(this)
    }
    this.cloudMessageWaiting()
  }

  cloudMessageWaiting(): void {
    if (this.#cloudQos() === undefined) return
    this.#cloud ??= new CloudDelivery(this.#connection, {
      ref: this.ref,
      qos: () => this.#cloudQos(),
      isMqtt5: this.isMqtt5,
      receiveMaximum: this.#receiveMaximum,
      maxPacketBytes: this.maxPacketBytes,
    })
    this.#cloud.pump()
  }

  /** Of the filters that a message matches, the highest (03 §5, rows 3, 5 and 7). */
  #cloudQos(): number | undefined {
    const kinds = (['c2d', 'module-messages'] as const).filter((kind) => this.subscribed(kind))
    if (kinds.length === 0) return undefined
    return Math.max(...kinds.map((kind) => qosOf(this.#subscriptions, kind)))
  }

  /** The peer has taken what was written. */
  mayWrite(): void {
    this.#cloud?.mayWrite()
  }

  /** @returns when to look again */
  due(nowMs: number): number {
    return this.#cloud?.due(nowMs) ?? Number.POSITIVE_INFINITY
  }

  /** When to end it if no packet comes any more. The times of packets are up to a tick behind. */
  deadline(lastPacketMs: number): number {
    return Math.min(lastPacketMs + this.#silenceMs + TICK_MS, this.expiresAtMs)
  }

  handle(frame: FrameReader): void {
    const { firstByte } = frame
    const connection = this.#connection
    const type = firstByte >> 4
    if (type === PUBLISH) this.#publish(frame)
    else if (!hasValidFlags(firstByte))
      connection.fail('a packet has invalid flags', REASON.malformedPacket)
    else if (type === PINGREQ) connection.sendPacket(encodePingResponse())
    else if (type === SUBSCRIBE) receiveSubscribe(this, connection, frame)
    else if (type === UNSUBSCRIBE) receiveUnsubscribe(this, connection, frame)
    else if (type === DISCONNECT) this.#disconnect(frame)
    else if (type === PUBACK) this.#acknowledged(frame)
    else connection.fail(`a packet of type ${type} is not expected`, REASON.protocolError)
  }

  close(reason: CloseReason): void {
    this.#connection.fail(reason, CLOSE_CODES[reason])
  }

  /** The connection has ended. `reason` is absent after a DISCONNECT, which discards the will. */
  ended(reason: string | undefined): void {
    this.hub.sessions.closed(this)
    if (this.#cloud) this.#connection.parts.background(this.#cloud.ended())
    const will = this.#will
    if (!will || reason === undefined || SILENCING.includes(reason)) return
    this.#connection.parts.background(sendWill(this, will))
  }

  desiredChanged(notice: Extract<Notice, { kind: 'desired-changed' }>): void {
    this.desired.changed(notice, this.subscribed('desired-changes'))
  }

  #publish(frame: FrameReader): void {
    const publish = this.isMqtt5 ? decodePublish5(frame) : decodePublish(frame)
    const connection = this.#connection
    if (!publish) connection.fail('a malformed PUBLISH', REASON.malformedPacket)
    else if (publish.qos > 1) connection.fail('a PUBLISH with QoS 2', REASON.qosNotSupported)
    else if (this.isMqtt5 && this.#isRefused5(publish)) return
    else if (publish.topic.startsWith(TWIN_TOPICS)) receiveTwinRequest(this, connection, publish)
    else this.#receiveMessage(publish)
  }

  /** What CONNACK has told the client not to send. */
  #isRefused5({ retain, properties }: Publish): boolean {
    const connection = this.#connection
    if (properties.topicAlias !== undefined) {
      connection.fail('a PUBLISH with a topic alias', REASON.topicAliasInvalid)
    } else if (retain) connection.fail('a PUBLISH with RETAIN', REASON.retainNotSupported)
    return !connection.isOpen
  }

  #receiveMessage(publish: Publish): void {
    const { topic } = publish
    const connection = this.#connection
    const bag = telemetryBag(topic, this.ref)
    if (bag !== undefined) void receiveTelemetry(this, connection, publish, bag)
    else if (topic.startsWith(METHOD_RESPONSES)) receiveMethodResponse(this, connection, publish)
    else this.refusePublish(publish, `a PUBLISH to ${JSON.stringify(topic.slice(0, 64))}`)
  }

  /** A PUBLISH that is not for this session. Only MQTT 5 and QoS 1 can say so and go on. */
  refusePublish(
    { packetId }: Publish,
    reason: string,
    code: number = REASON.topicNameInvalid,
  ): void {
    const connection = this.#connection
    if (!this.isMqtt5 || packetId === 0) connection.fail(reason, code)
    else {
      const text = this.wantsReasons ? reason : undefined
      connection.sendPacket(encodeRefusal(packetId, code, text))
    }
  }

  /** A client of MQTT 5 takes no packets of that size: it has to ask for less. */
  logSkipped(count: number): void {
    const { ref, maxPacketBytes } = this
    const fields = { ref: refKey(ref), count, maxPacketBytes }
    this.hub.log.warn(fields, 'packets were too large for an mqtt client')
  }

  #acknowledged(frame: FrameReader): void {
    const puback = decodePuback(frame, this.isMqtt5)
    if (puback) this.#cloud?.acknowledge(puback.packetId, puback.reason)
    else this.#connection.fail('a malformed PUBACK', REASON.malformedPacket)
  }

  #disconnect(frame: FrameReader): void {
    const packet = decodeDisconnect(frame, this.isMqtt5)
    const connection = this.#connection
    if (!packet) {
      connection.fail('a malformed DISCONNECT', REASON.malformedPacket)
      return
    }
    const { sessionExpirySeconds = 0 } = packet.properties
    if (!this.#isStored && sessionExpirySeconds > 0) {
      connection.fail('a session that was not to be kept', REASON.protocolError)
      return
    }
    if (packet.properties.sessionExpirySeconds === 0 && this.#isStored) this.#forget()
    connection.disconnect(packet.reason === REASON.disconnectWithWill)
  }

  /** Nobody waits for it: the client has said goodbye. */
  #forget(): void {
    this.#isStored = false
    const { identities, log } = this.hub
    const forgotten = identities.rememberSubscriptions(this.ref, undefined).catch((error) => {
      log.warn({ err: error, ref: refKey(this.ref) }, 'the session was not forgotten')
    })
    this.#connection.parts.background(forgotten)
  }
}
