import { HubError } from '@twinward/protocol'
import { conditionFor } from './conditions.ts'
import type { DeviceClient } from './device-client.ts'
import type { Incoming, IncomingLink } from './incoming-link.ts'
import { readDeviceMessages } from './message-codec.ts'
import { Fault } from './wire/fault.ts'
import { BATCH_FORMAT } from './wire/message.ts'

/**
 * A device or module sends messages: each is accepted once it is durable, or rejected with a condition
 * (04 §4). A batch (format 0x80013700) is stored whole or not at all.
 */
export function serveTelemetry(client: DeviceClient, link: IncomingLink): void {
  link.accept({ received: (delivery) => void receive(client, link, delivery) })
}

async function receive(
  client: DeviceClient,
  link: IncomingLink,
  delivery: Incoming,
): Promise<void> {
  const { hub, ref, credential } = client
  try {
    const isBatch = delivery.format === BATCH_FORMAT
    const messages = readDeviceMessages(ref, delivery.bytes, isBatch)
    hub.permissions.checkMessages(ref, messages)
    const [first] = messages
    if (!isBatch && first) await hub.telemetry.accept(first, credential)
    else if (messages.length > 0) await hub.telemetry.acceptBatch(messages, credential)
    hub.activity.counters.count(ref.deviceId, 'amqpD2C', messages.length)
    delivery.settle({ kind: 'accepted' })
  } catch (thrown) {
    refuse(client, link, delivery, thrown)
  }
}

/** Who settled in advance hears of a refusal only by losing the link. */
export function refuse(
  { hub }: Pick<DeviceClient, 'hub'>,
  link: IncomingLink,
  delivery: Incoming,
  thrown: unknown,
): void {
  const isMalformed = thrown instanceof Fault
  const known = isMalformed ? new HubError('IotHubFormatError', thrown.message) : thrown
  const error = conditionFor(known, hub.log)
  const told = isMalformed ? { ...error, condition: thrown.condition } : error
  delivery.settle({ kind: 'rejected', error: told })
  if (delivery.isSettled) link.detach(told)
}
