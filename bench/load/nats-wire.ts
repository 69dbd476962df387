import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { OpenEventWire, Received } from './event-wires.ts'
import type { EventsPlan, EventWire } from './plan.ts'

const STREAM = 'twinward-bench'
const SUBJECT = 'twinward.bench'
const CONSUMER = 'reader'
const MAX_MESSAGES = 2_000

/** Messages to a stream in files, each acknowledged by JetStream, one connection per sender. */
export async function openNats(
  { url }: Extract<EventWire, { kind: 'nats' }>,
  { senders }: EventsPlan,
  received: Received,
): Promise<OpenEventWire> {
  const reader = await connect({ servers: url })
  const manager = await jetstreamManager(reader)
  await manager.streams.delete(STREAM).catch(() => false)
  await manager.streams.add({
    name: STREAM,
    subjects: [`${SUBJECT}.>`],
    storage: StorageType.File,
  })
  await manager.consumers.add(STREAM, { durable_name: CONSUMER, ack_policy: AckPolicy.All })
  const consumer = await jetstream(reader).consumers.get(STREAM, CONSUMER)
  const messages = await consumer.consume({ max_messages: MAX_MESSAGES })
  void (async () => {
    let count = 0
    for await (const message of messages) {
      received(message.data)
      if (++count % 100 === 0) message.ack()
    }
  })()
  const connections = await Promise.all(
    Array.from({ length: senders }, () => connect({ servers: url })),
  )
  const streams = connections.map((connection) => jetstream(connection))
  return {
    tls: 'no TLS',
    async send(sender, body) {
      await streams[sender]?.publish(`${SUBJECT}.${sender}`, body)
    },
    close: () => {
      for (const connection of connections) connection.close().catch(() => {})
      manager.streams
        .delete(STREAM)
        .then(() => reader.close())
        .catch(() => {})
    },
  }
}
