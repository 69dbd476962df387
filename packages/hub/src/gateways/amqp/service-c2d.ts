import { HubError } from '@twinward/protocol'
import { parseRecipient } from './addresses.ts'
import type { Connection } from './connection.ts'
import type { Incoming, IncomingLink } from './incoming-link.ts'
import { readCloudMessage } from './message-codec.ts'
import { refuse } from './telemetry.ts'
import { decodeMessage } from './wire/message.ts'

/**
 * A service sends cloud-to-device messages, to any device over one link (04 §9):
 *
 *     → to /devices/pump-1/messages/devicebound, iothub-ack full
 *     ← accepted, once it is queued; rejected with amqp:not-found, amqp:resource-limit-exceeded, …
 */
export function serveServiceCloudMessages(connection: Connection, link: IncomingLink): void {
  link.accept({ received: (delivery) => void receive(connection, link, delivery) })
}

async function receive(
  { parts }: Connection,
  link: IncomingLink,
  delivery: Incoming,
): Promise<void> {
  try {
    const message = decodeMessage(delivery.bytes)
    const { to } = message.properties
    const ref = typeof to === 'string' ? parseRecipient(to) : undefined
    if (!ref) {
      throw new HubError('ArgumentInvalid', "'to' must be /devices/{id}/messages/devicebound.")
    }
    await parts.hub.cloudMessages.send(ref, readCloudMessage(message))
    delivery.settle({ kind: 'accepted' })
  } catch (thrown) {
    refuse(parts, link, delivery, thrown)
  }
}
