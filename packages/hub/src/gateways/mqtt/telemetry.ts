import {
  type DeviceMessage,
  HubError,
  parsePropertyBag,
  refKey,
  telemetryBag,
} from '@twinward/protocol'
import type { Connection } from './connection.ts'
import type { Publish, Will } from './packets.ts'
import type { Session } from './session.ts'

const WILL = { 'iothub-MessageType': 'Will' }
const RETAINED = { 'mqtt-retain': 'true' }

/**
 * A device or module sends a message:
 *
 *     → PUBLISH devices/pump-1/messages/events/%24.ct=application%2Fjson&colour=red
 *     ← PUBACK, once the message is durable (QoS 1)
 *
 * MQTT 3.1.1 cannot refuse a message, so what cannot be stored costs the connection.
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
    const { system, application } = parsePropertyBag(bag)
    const message: DeviceMessage = {
      ref: session.ref,
      system,
      application: publish.retain ? { ...application, ...RETAINED } : application,
      body: publish.body,
    }
    await session.hub.telemetry.accept(message, session.credential)
  } catch (thrown) {
    if (thrown instanceof HubError) connection.fail(`a message was refused: ${thrown.message}`)
    else connection.fail('a message could not be stored', thrown)
  }
  connection.settle(answer)
}

/** The message that a client left for the case that it vanishes. Never rejects. */
export async function sendWill(session: Session, will: Will): Promise<void> {
  const { system, application } = parsePropertyBag(telemetryBag(will.topic, session.ref) ?? '')
  const message: DeviceMessage = {
    ref: session.ref,
    system,
    application: { ...application, ...(will.retain && RETAINED), ...WILL },
    body: will.payload,
  }
  try {
    await session.hub.telemetry.accept(message, session.credential)
  } catch (error) {
    session.hub.log.error({ err: error, ref: refKey(session.ref) }, 'a will could not be stored')
  }
}
