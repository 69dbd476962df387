import {
  type DeviceRef,
  HubError,
  isSameRef,
  isValidId,
  type MqttUserName,
  parseMqttUserName,
  refKey,
  telemetryBag,
} from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import type { Credential } from '../../registry/authenticator.ts'
import type { Connection } from './connection.ts'
import type { FrameReader } from './frames.ts'
import { type Connect, decodeConnect, type Will } from './packets.ts'
import { Session } from './session.ts'
import { NO_SUBSCRIPTIONS } from './subscriptions.ts'
import { encodeConnack, MQTT5_REFUSAL } from './writer.ts'

/** CONNACK codes (03 §2.4). */
const WRONG_LEVEL = 1
const BAD_CLIENT_ID = 2
const NOT_READY = 3
const BAD_USER_NAME = 4
const UNAUTHORIZED = 5

const MQTT_3_1_1 = 4
const MQTT_5 = 5

/** A CONNECT whose token is being checked, and whether its identity has changed meanwhile. */
export class Connecting {
  isStale = false
  readonly ref: DeviceRef

  constructor(ref: DeviceRef) {
    this.ref = ref
  }

  /** Until there is a session, notices about its identity have nowhere else to go. */
  notice(notice: Notice): void {
    if (notice.kind === 'identity-removed') {
      if (isSameRef(notice.ref, this.ref)) this.isStale = true
    } else if (notice.kind === 'identity-changed') {
      const isDisabled = notice.disabled && notice.ref.deviceId === this.ref.deviceId
      const hasNewKeys = notice.credentialChanged && isSameRef(notice.ref, this.ref)
      if (isDisabled || hasNewKeys) this.isStale = true
    }
  }
}

/**
 * A client presents itself:
 *
 *     → CONNECT client id `pump-1/agent`, user name `hub.example.net/pump-1/agent/?api-version=…`,
 *               password `SharedAccessSignature …`
 *     ← CONNACK 0
 */
export function receiveConnect(connection: Connection, frame: FrameReader): void {
  const packet = decodeConnect(frame)
  const user = parseMqttUserName(packet?.userName ?? '')
  if (!packet) connection.fail('a malformed CONNECT')
  else if (packet.protocolName === 'MQTT' && packet.level === MQTT_5) {
    connection.refuse(MQTT5_REFUSAL, undefined, 'MQTT 5 is not supported')
  } else if (packet.protocolName !== 'MQTT' || packet.level !== MQTT_3_1_1) {
    refuse(connection, WRONG_LEVEL, undefined, `MQTT level ${packet.level} is not supported`)
  } else if (!user) refuse(connection, BAD_USER_NAME, undefined, 'the user name is malformed')
  else if (packet.clientId !== refKey(user.ref) || !hasValidIds(user.ref)) {
    refuse(connection, BAD_CLIENT_ID, undefined, 'client id and user name differ')
  } else if (!connection.parts.hub.hostNames.matches(user.hostName)) {
    refuse(connection, UNAUTHORIZED, user.ref, 'the user name is for another host')
  } else if (packet.will && !isOwnTelemetry(packet.will, user.ref)) {
    connection.fail('the will is not telemetry of its own', refKey(user.ref))
  } else {
    connection.hold()
    void authenticate(connection, packet, user)
  }
}

function isOwnTelemetry({ topic, qos }: Will, ref: DeviceRef): boolean {
  return qos <= 1 && telemetryBag(topic, ref) !== undefined
}

async function authenticate(
  connection: Connection,
  packet: Connect,
  user: MqttUserName,
): Promise<void> {
  const { hub, connecting } = connection.parts
  const attempt = new Connecting(user.ref)
  connecting.add(attempt)
  try {
    const credential = await hub.authenticator.connect(user.ref, {
      token: packet.password ?? '',
      certificate: connection.certificate(),
    })
    if (attempt.isStale) refuse(connection, UNAUTHORIZED, user.ref, 'the identity has changed')
    else if (connection.isOpen) open(connection, packet, user, credential)
  } catch (thrown) {
    if (thrown instanceof HubError && thrown.code === 'IotHubUnauthorized') {
      refuse(connection, UNAUTHORIZED, user.ref, 'unauthorized', thrown.cause)
    } else {
      hub.log.error({ err: thrown, ref: refKey(user.ref) }, 'an mqtt client could not be checked')
      refuse(connection, NOT_READY, user.ref, 'it could not be checked')
    }
  } finally {
    connecting.delete(attempt)
  }
}

function open(
  connection: Connection,
  packet: Connect,
  user: MqttUserName,
  credential: Credential,
): void {
  const { hub, stored } = connection.parts
  const { cleanSession } = packet
  if (cleanSession) stored.forget(user.ref)
  const subscriptions = stored.find(user.ref)
  const session = new Session(connection, { packet, user, credential })
  connection.sendPacket(encodeConnack(0, subscriptions !== undefined))
  connection.open(session)
  session.setSubscriptions(subscriptions ?? NO_SUBSCRIPTIONS)
  hub.sessions.open(session)
  connection.release()
  if (user.modelId !== undefined) announceModel(connection, user.ref, user.modelId)
}

function hasValidIds({ deviceId, moduleId }: DeviceRef): boolean {
  return isValidId(deviceId) && (moduleId === undefined || isValidId(moduleId))
}

function refuse(
  connection: Connection,
  code: number,
  ref: DeviceRef | undefined,
  reason: string,
  ...cause: readonly unknown[]
): void {
  connection.refuse(encodeConnack(code), ref, reason, cause[0])
}

/** Nobody waits for it: what a device is called does not decide whether it may speak. */
function announceModel({ parts }: Connection, ref: DeviceRef, modelId: string): void {
  const { identities, log } = parts.hub
  identities.announceModel(ref, modelId).catch((error) => {
    log.warn({ err: error, ref: refKey(ref) }, 'the model id was not recorded')
  })
}
