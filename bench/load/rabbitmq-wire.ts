import { type ConfirmChannel, connect } from 'amqplib'
import type { OpenEventWire, Received } from './event-wires.ts'
import type { EventsPlan, EventWire } from './plan.ts'

const PREFETCH = 2_000
/** Messages that one acknowledgement of the reader covers. */
const ACKNOWLEDGE_EVERY = 100

/** Persistent messages to a durable queue with publisher confirms, one connection per sender. */
export async function openRabbitMq(
  { url, queueType }: Extract<EventWire, { kind: 'rabbitmq' }>,
  { senders }: EventsPlan,
  received: Received,
): Promise<OpenEventWire> {
  const queue = `twinward-bench-${queueType}`
  const reader = await connect(url)
  const reading = await reader.createChannel()
  await reading.deleteQueue(queue)
  await reading.assertQueue(queue, {
    durable: true,
    arguments: { 'x-queue-type': queueType },
  })
  await reading.prefetch(PREFETCH)
  let count = 0
  let timer: NodeJS.Timeout | undefined
  await reading.consume(queue, (message) => {
    if (!message) return
    received(message.content)
    count++
    clearTimeout(timer)
    const acknowledge = () => reading.ack(message, true)
    if (count % ACKNOWLEDGE_EVERY === 0) acknowledge()
    else timer = setTimeout(acknowledge, 100)
  })
  const connections = await Promise.all(Array.from({ length: senders }, () => connect(url)))
  const channels: ConfirmChannel[] = await Promise.all(
    connections.map((connection) => connection.createConfirmChannel()),
  )
  return {
    tls: 'no TLS',
    send: (sender, body) =>
      new Promise((resolve, reject) => {
        channels[sender]?.sendToQueue(queue, body, { persistent: true }, (error) =>
          error ? reject(error) : resolve(),
        )
      }),
    close: () => {
      for (const connection of connections) connection.close().catch(() => {})
      reading
        .deleteQueue(queue)
        .then(() => reader.close())
        .catch(() => {})
    },
  }
}
