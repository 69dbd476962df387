import {
  type DeviceRef,
  HubError,
  hubErrors,
  isSecurityMessage,
  isValidId,
  type MqttUserName,
  parseMqttUserName,
  refKey,
  telemetryBag,
} from '@twinward/protocol'
import type { Hub } from '../../hub.ts'
import { encodeAcceptedConnack, encodeRefusedConnack } from './connack.ts'
import { Connecting } from './connecting.ts'
import type { Connection } from './connection.ts'
import type { FrameReader } from './frames.ts'
import { MIN_CLIENT_PACKET_BYTES } from './limits.ts'
import { readMessageProperties } from './message-properties.ts'
import { type Connect, decodeConnect, isPersistent, MQTT_3_1_1, MQTT_5 } from './packets.ts'
import { REASON } from './reasons.ts'
import { connectRegistration } from './registration.ts'
import { parseRegistrationUser } from './registration-topics.ts'
import { type Login, Session } from './session.ts'
import { NO_SUBSCRIPTIONS, type Subscriptions, withTwinOnly } from './subscriptions.ts'

/** Why a CONNECT is refused. */
interface Refusal {
  /** Of MQTT 5; `connack.ts` knows what MQTT 3.1.1 says instead. */
  readonly code: number
  readonly text: string
  readonly ref?: DeviceRef
  readonly cause?: unknown
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
  if (!packet) {
    connection.fail('a malformed CONNECT')
    return
  }
  const registrant = parseRegistrationUser(packet.userName ?? '')
  if (registrant && !connection.parts.hub.hostNames.matches(registrant.idScope)) {
    connectRegistration(connection, packet, registrant)
    return
  }
  const user = parseMqttUserName(packet.userName ?? '')
  const refusal = refuseVersion(packet) ?? refuseUser(connection, packet, user)
  if (refusal) refuse(connection, packet, refusal)
  else if (user) {
    const refused = packet.will && refuseWill(connection.parts.hub, packet, user.ref)
    if (!refused) {
      connection.hold()
      void authenticate(connection, packet, user)
    } else if (packet.level === MQTT_5) refuse(connection, packet, refused)
    else connection.fail(refused.text, refused.code, refKey(user.ref))
  }
}

function refuseVersion({ protocolName, level, properties }: Connect): Refusal | undefined {
  const isKnown = protocolName === 'MQTT' && (level === MQTT_3_1_1 || level === MQTT_5)
  if (!isKnown) {
    const text = `MQTT level ${level} is not supported`
    return { code: REASON.unsupportedVersion, text }
  }
  if (properties.authenticationMethod !== undefined) {
    const text = 'enhanced authentication is not supported'
    return { code: REASON.badAuthenticationMethod, text }
  }
  if ((properties.maxPacketBytes ?? MIN_CLIENT_PACKET_BYTES) < MIN_CLIENT_PACKET_BYTES) {
    const text = `packets of ${MIN_CLIENT_PACKET_BYTES} bytes must be accepted`
    return { code: REASON.packetTooLarge, text }
  }
  return undefined
}

function refuseUser(
  { parts }: Connection,
  { clientId }: Connect,
  user: MqttUserName | undefined,
): Refusal | undefined {
  if (!user) return { code: REASON.badUserName, text: 'the user name is malformed' }
  const { ref } = user
  if (clientId !== refKey(ref) || !hasValidIds(ref)) {
    return { code: REASON.badClientId, text: 'client id and user name differ' }
  }
  if (parts.hub.hostNames.matches(user.hostName)) return undefined
  return { code: REASON.notAuthorized, text: 'the user name is for another host', ref }
}

/** A will is telemetry of its own (03 §9). What MQTT 5 adds is refused rather than done halfway. */
function refuseWill(hub: Hub, packet: Connect, ref: DeviceRef): Refusal | undefined {
  const { will, level } = packet
  if (!will) return undefined
  const { topic, qos, retain, properties } = will
  if (qos > 1) {
    return { code: REASON.qosNotSupported, text: 'the will is not telemetry of its own', ref }
  }
  const bag = telemetryBag(topic, ref)
  if (bag === undefined) {
    return { code: REASON.topicNameInvalid, text: 'the will is not telemetry of its own', ref }
  }
  const isSecurity = isSecurityMessage(readMessageProperties(bag, properties, hub.clock))
  if (!isSecurity && hub.permissions.isRestricted(ref)) {
    return { code: REASON.notAuthorized, text: 'the will is no security message', ref }
  }
  if (level === MQTT_5 && retain) {
    return { code: REASON.retainNotSupported, text: 'the will is to be retained', ref }
  }
  // A session that ends with its connection ends the delay too.
  if ((properties.willDelaySeconds ?? 0) > 0 && isPersistent(packet)) {
    return { code: REASON.implementationSpecific, text: 'the will is to be delayed', ref }
  }
  return undefined
}

async function authenticate(
  connection: Connection,
  packet: Connect,
  user: MqttUserName,
): Promise<void> {
  const { hub, connecting } = connection.parts
  const { ref } = user
  const attempt = new Connecting(ref)
  const order = connection.parts.nextOrder()
  connecting.add(attempt)
  try {
    const credential = await hub.authenticator.connect(ref, {
      token: packet.password ?? '',
      certificate: connection.certificate(),
    })
    const subscriptions = await resume(hub, ref, packet)
    if (attempt.isStale(credential)) {
      const text = 'the identity has changed'
      refuse(connection, packet, { code: REASON.notAuthorized, text, ref })
    } else if (connection.isOpen) {
      open(connection, { packet, user, credential, order }, subscriptions)
    }
  } catch (thrown) {
    void hub.activity.refusals.refused(ref, thrown, connection.remote)
    refuse(connection, packet, { ...refusalOf(hub, ref, thrown), ref })
  } finally {
    connecting.delete(attempt)
  }
}

function refusalOf(hub: Hub, ref: DeviceRef, thrown: unknown): Refusal {
  const status = thrown instanceof HubError ? hubErrors[thrown.code].status : 500
  // 404: it was removed after its credential was checked.
  if (status === 401 || status === 404) {
    const { cause } = thrown as HubError
    return { code: REASON.notAuthorized, text: 'unauthorized', cause }
  }
  hub.log.error({ err: thrown, ref: refKey(ref) }, 'an mqtt client could not be checked')
  return { code: REASON.serverUnavailable, text: 'it could not be checked' }
}

/** @returns what the session goes on with; `undefined` when it is a new one */
async function resume(
  hub: Hub,
  ref: DeviceRef,
  packet: Connect,
): Promise<Subscriptions | undefined> {
  const { mqttSession } = (await hub.identities.get(ref)).identity
  // A session that was to be forgotten must not come back after a crash.
  const isForgotten = packet.cleanSession || !isPersistent(packet)
  if (mqttSession !== undefined && isForgotten) {
    await hub.identities.rememberSubscriptions(ref, undefined)
  }
  return packet.cleanSession ? undefined : mqttSession
}

function open(
  connection: Connection,
  login: Login,
  subscriptions: Subscriptions | undefined,
): void {
  const { hub } = connection.parts
  const { packet, user } = login
  const live = hub.sessions.find(user.ref)
  if (live instanceof Session && live.order > login.order) {
    connection.fail('taken over by a newer connection')
    return
  }
  const session = new Session(connection, login)
  connection.sendPacket(encodeAcceptedConnack(packet, subscriptions !== undefined))
  connection.open(session)
  session.restore(allowed(hub, user.ref, subscriptions ?? NO_SUBSCRIPTIONS))
  hub.sessions.open(session)
  session.subscribedSince(NO_SUBSCRIPTIONS)
  connection.release()
  const isNew = packet.cleanSession || subscriptions === undefined
  if (isNew && isPersistent(packet)) rememberNew(connection, user.ref)
  if (user.modelId !== undefined) announceModel(connection, user.ref, user.modelId)
}

/** What it was subscribed to may be more than it may have by now. */
function allowed(hub: Hub, ref: DeviceRef, subscriptions: Subscriptions): Subscriptions {
  return hub.permissions.isRestricted(ref) ? withTwinOnly(subscriptions) : subscriptions
}

function refuse(connection: Connection, { level }: Connect, refusal: Refusal): void {
  const { code, text, ref, cause } = refusal
  connection.refuse(encodeRefusedConnack(level === MQTT_5, code, text), ref, text, cause)
}

function hasValidIds({ deviceId, moduleId }: DeviceRef): boolean {
  return isValidId(deviceId) && (moduleId === undefined || isValidId(moduleId))
}

/** Nobody waits for it: what a crash loses is a session without subscriptions. */
function rememberNew({ parts }: Connection, ref: DeviceRef): void {
  const { identities, log } = parts.hub
  identities.rememberSubscriptions(ref, NO_SUBSCRIPTIONS).catch((error) => {
    log.warn({ err: error, ref: refKey(ref) }, 'the session was not recorded')
  })
}

/** Nobody waits for it: what a device is called does not decide whether it may speak. */
function announceModel({ parts }: Connection, ref: DeviceRef, modelId: string): void {
  const { identities, log } = parts.hub
  identities.announceModel(ref, modelId).catch((error) => {
    log.warn({ err: error, ref: refKey(ref) }, 'the model id was not recorded')
  })
}
