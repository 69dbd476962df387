import {
  type DeviceMessage,
  HubError,
  type HubErrorCode,
  refKey,
  telemetryBag,
} from '@twinward/protocol'
import type { Connection } from './connection.ts'
import { encodeRefusal } from './encode.ts'
import { readMessageProperties } from './message-properties.ts'
import type { Publish, Will } from './packets.ts'
import { REASON } from './reasons.ts'
import type { Session } from './session.ts'

const WILL = { 'iothub-MessageType': 'Will' }
const RETAINED = { 'mqtt-retain': 'true' }
const DUPLICATE = { 'mqtt-dup': 'true' }

/**
 * A device or module sends a message:
 *
 *     → PUBLISH devices/pump-1/messages/events/%24.ct=application%2Fjson&colour=red
 *     ← PUBACK, once the message is durable (QoS 1)
 *
 * MQTT 3.1.1 cannot refuse a message, so what cannot be stored costs the connection; in MQTT 5 the
 * PUBACK says why.
 */
export async function receiveTelemetry(
  session: Session,
  connection: Connection,
  publish: Publish,
  bag: string,
): Promise<void> {
  const answer = connection.reserve(publish.sizeBytes)
  answer.pubackId = publish.packetId
  try {
    const { hub, ref, credential } = session
    const message = messageOf(session, publish, bag)
    hub.permissions.checkMessages(ref, [message])
    await hub.telemetry.accept(message, credential)
    hub.activity.counters.count(ref.deviceId, 'mqttD2C')
  } catch (thrown) {
    answer.pubackId = 0
    answer.packet = refuseMessage(session, connection, publish, thrown)
  }
  connection.settle(answer)
}

function messageOf({ ref, hub }: Session, publish: Publish, bag: string): DeviceMessage {
  const { properties, retain, isDuplicate, body } = publish
  const { system, application } = readMessageProperties(bag, properties, hub.clock)
  if (!retain && !isDuplicate) return { ref, system, application, body }
  const marks = { ...(retain && RETAINED), ...(isDuplicate && DUPLICATE) }
  return { ref, system, application: { ...application, ...marks }, body }
}

const REASONS: Readonly<Partial<Record<HubErrorCode, number>>> = {
  MessageTooLarge: REASON.quotaExceeded,
  IotHubUnauthorizedAccess: REASON.notAuthorized,
}

/** @returns the refusal to send; `undefined` when the connection has ended instead */
function refuseMessage(
  session: Session,
  connection: Connection,
  { qos, packetId }: Publish,
  thrown: unknown,
): Buffer | undefined {
  const isKnown = thrown instanceof HubError
  const text = isKnown
    ? `a message was refused: ${thrown.message}`
    : 'a message could not be stored'
  const reason = (isKnown && REASONS[thrown.code]) || REASON.unspecified
  const cause = isKnown ? undefined : thrown
  if (!session.isMqtt5 || qos === 0) {
    connection.fail(text, reason, cause)
    return undefined
  }
  session.hub.log.info(
    { ref: refKey(session.ref), reason: text, ...(cause !== undefined && { cause }) },
    'an mqtt message was refused',
  )
  return encodeRefusal(packetId, reason, session.wantsReasons ? text : undefined)
}

/** The message that a client left for the case that it vanishes. Never rejects. */
export async function sendWill({ ref, credential, hub }: Session, will: Will): Promise<void> {
  const bag = telemetryBag(will.topic, ref) ?? ''
  const { system, application } = readMessageProperties(bag, will.properties, hub.clock)
  const message: DeviceMessage = {
    ref,
    system,
    application: { ...application, ...(will.retain && RETAINED), ...WILL },
    body: will.payload,
  }
  try {
    hub.permissions.checkMessages(ref, [message])
    await hub.telemetry.accept(message, credential)
    hub.activity.counters.count(ref.deviceId, 'mqttD2C')
  } catch (error) {
    hub.log.error({ err: error, ref: refKey(ref) }, 'a will could not be stored')
  }
}
