import { randomUUID } from 'node:crypto'
import { hubErrors, toHubError } from '@twinward/protocol'
import type { Registrant } from '../../provisioning/registrations.ts'
import {
  MAX_REGISTRATION_BODY_BYTES,
  provisioningErrorBody,
  RETRY_AFTER_SECONDS,
  registrationResult,
} from '../provisioning-views.ts'
import { checkRegistrationBody } from '../registration-body.ts'
import { TICK_MS } from '../wheel.ts'
import { encodeAcceptedConnack, encodeRefusedConnack } from './connack.ts'
import type { Connection } from './connection.ts'
import type { ConnectionSession } from './connection-session.ts'
import { encodePingResponse, encodeSuback, encodeUnsuback } from './encode.ts'
import { DISCONNECT, type FrameReader, PINGREQ, PUBLISH, SUBSCRIBE, UNSUBSCRIBE } from './frames.ts'
import {
  type Connect,
  decodeDisconnect,
  decodePublish,
  decodeSubscribe,
  hasValidFlags,
  MQTT_3_1_1,
  MQTT_5,
  type Publish,
} from './packets.ts'
import { REASON } from './reasons.ts'
import {
  parseRegistrationTopic,
  REGISTRATION_RESPONSES,
  type RegistrationRequest,
  type RegistrationUser,
  registrationResponseTopic,
} from './registration-topics.ts'

/** Nobody registers for longer; a device that has to wait comes back. */
const MAX_REGISTRATION_MS = 10 * 60_000
/** Requests of one connection that are under way at once. */
const MAX_REQUESTS = 4
const REFUSED_FILTER = 0x80

/**
 * A device presents itself to the provisioning service (11 §3.3):
 *
 *     → CONNECT client id `pump-1`, user name `0ne0012ab34/registrations/pump-1/api-version=…`
 *     ← CONNACK 0
 */
export function connectRegistration(
  connection: Connection,
  packet: Connect,
  user: RegistrationUser,
): void {
  const refusal = refuseRegistration(packet, user)
  if (refusal) {
    refuse(connection, packet, refusal)
    return
  }
  connection.hold()
  const registrant: Registrant = {
    ...user,
    proof: { token: packet.password ?? '', certificate: connection.certificate() },
    address: connection.remote,
  }
  const { registrations } = connection.parts.hub.provisioning
  registrations.attest(registrant).then(
    () => {
      if (!connection.isOpen) return
      connection.sendPacket(encodeAcceptedConnack(packet, false))
      connection.open(new RegistrationSession(connection, registrant, packet.keepAliveSeconds))
      connection.release()
    },
    (thrown) => refuse(connection, packet, refusalOf(connection, thrown)),
  )
}

interface Refusal {
  readonly code: number
  readonly text: string
  readonly cause?: unknown
}

function refuseRegistration(packet: Connect, user: RegistrationUser): Refusal | undefined {
  if (packet.level !== MQTT_3_1_1) {
    return { code: REASON.unsupportedVersion, text: 'registration is served over MQTT 3.1.1' }
  }
  if (packet.clientId.toLowerCase() !== user.registrationId.toLowerCase()) {
    return { code: REASON.badClientId, text: 'client id and user name differ' }
  }
  if (packet.will) return { code: REASON.notAuthorized, text: 'a registration has no will' }
  return undefined
}

function refusalOf({ parts }: Connection, thrown: unknown): Refusal {
  const { code, cause } = toHubError(thrown)
  const { status } = hubErrors[code]
  if (status === 401) return { code: REASON.notAuthorized, text: 'unauthorized', cause }
  if (status >= 500) parts.hub.log.error({ err: thrown }, 'a registration could not be checked')
  return { code: REASON.serverUnavailable, text: 'it could not be checked now', cause }
}

function refuse(connection: Connection, { level }: Connect, { code, text, cause }: Refusal): void {
  connection.refuse(encodeRefusedConnack(level === MQTT_5, code, text), undefined, text, cause)
}

/** A device that registers over MQTT: it has no identity yet, and gets nothing but answers. */
class RegistrationSession implements ConnectionSession {
  readonly isMqtt5 = false
  readonly maxPacketBytes = Number.POSITIVE_INFINITY
  readonly #connection: Connection
  readonly #registrant: Registrant
  readonly expiresAtMs = Number.POSITIVE_INFINITY
  readonly #endsAtMs: number
  readonly #silenceMs: number
  #isSubscribed = false
  #requests = 0

  constructor(connection: Connection, registrant: Registrant, keepAliveSeconds: number) {
    this.#connection = connection
    this.#registrant = registrant
    this.#silenceMs = keepAliveSeconds === 0 ? MAX_REGISTRATION_MS : keepAliveSeconds * 1500
    this.#endsAtMs = connection.parts.hub.clock.now() + MAX_REGISTRATION_MS
  }

  deadline(lastPacketMs: number): number {
    return Math.min(lastPacketMs + this.#silenceMs + TICK_MS, this.#endsAtMs)
  }

  due(): number {
    return Number.POSITIVE_INFINITY
  }

  mayWrite(): void {}

  ended(): void {}

  logSkipped(): void {}

  handle(frame: FrameReader): void {
    const connection = this.#connection
    const type = frame.firstByte >> 4
    if (type === PUBLISH) this.#publish(decodePublish(frame))
    else if (!hasValidFlags(frame.firstByte)) connection.fail('a packet has invalid flags')
    else if (type === PINGREQ) connection.sendPacket(encodePingResponse())
    else if (type === SUBSCRIBE || type === UNSUBSCRIBE) this.#subscribe(frame, type)
    else if (type === DISCONNECT && decodeDisconnect(frame, false)) connection.disconnect(false)
    else connection.fail(`a packet of type ${type} is not expected`)
  }

  #subscribe(frame: FrameReader, type: number): void {
    const packet = decodeSubscribe(frame, false)
    const connection = this.#connection
    if (!packet) {
      connection.fail('a malformed SUBSCRIBE or UNSUBSCRIBE')
      return
    }
    const isResponses = packet.entries.map(({ filter }) => filter === REGISTRATION_RESPONSES)
    if (type === UNSUBSCRIBE) {
      if (isResponses.includes(true)) this.#isSubscribed = false
      connection.sendPacket(encodeUnsuback(packet.packetId))
      return
    }
    if (isResponses.includes(true)) this.#isSubscribed = true
    const codes = packet.entries.map(({ qos }, index) =>
      isResponses[index] ? Math.min(qos, 1) : REFUSED_FILTER,
    )
    connection.sendPacket(encodeSuback(packet.packetId, codes))
  }

  #publish(publish: Publish | undefined): void {
    const connection = this.#connection
    const flaw = this.#flawOf(publish)
    const request = publish && parseRegistrationTopic(publish.topic)
    if (!publish || flaw !== undefined) connection.fail(flaw ?? 'a malformed PUBLISH')
    else if (!request) connection.fail(`a PUBLISH to ${JSON.stringify(publish.topic.slice(0, 64))}`)
    else void this.#answer(publish, request)
  }

  #flawOf(publish: Publish | undefined): string | undefined {
    if (!publish) return 'a malformed PUBLISH'
    if (publish.qos > 1) return 'a PUBLISH with QoS 2'
    if (publish.sizeBytes > MAX_REGISTRATION_BODY_BYTES) return 'a request is too large'
    if (!this.#isSubscribed) return `a request without a subscription to ${REGISTRATION_RESPONSES}`
    return this.#requests >= MAX_REQUESTS ? 'too many requests at once' : undefined
  }

  /** Never rejects: what went wrong is the answer. */
  async #answer(publish: Publish, request: RegistrationRequest): Promise<void> {
    const connection = this.#connection
    const answer = connection.reserve(publish.sizeBytes)
    answer.pubackId = publish.packetId
    this.#requests++
    let status = 200
    let body: object
    try {
      checkRegistrationBody(publish.body, this.#registrant.registrationId)
      body = registrationResult(await this.#ask(request))
    } catch (thrown) {
      const error = toHubError(thrown)
      status = hubErrors[error.code].status
      const { log, clock } = connection.parts.hub
      if (status === 500) log.error({ err: thrown }, 'a registration failed')
      body = provisioningErrorBody(error, { requestId: randomUUID(), nowMs: clock.now() })
    }
    this.#requests--
    answer.topic = registrationResponseTopic(status, request.rid, RETRY_AFTER_SECONDS)
    answer.payload = JSON.stringify(body)
    connection.settle(answer)
  }

  #ask({ operationId }: RegistrationRequest) {
    const { registrations } = this.#connection.parts.hub.provisioning
    return operationId === undefined
      ? registrations.register(this.#registrant)
      : registrations.lookUp(this.#registrant, operationId)
  }
}
