import { readFileSync } from 'node:fs'
import rhea, { type Connection as AmqpConnection, type Sender } from 'rhea'
import { closeAll, connectAll, describeTls } from './connection.ts'
import type { OpenEventWire, Received } from './event-wires.ts'
import type { EventsPlan, EventWire } from './plan.ts'

type HubWire = Extract<EventWire, { kind: 'mqtt-hub' | 'amqp-hub' }>

const PARTITIONS = 4
const READER_CREDIT = 2_000
/** A PUBACK: header, length, packet id. */
const PUBACK_BYTES = 4
const MAX_PACKET_ID = 0xffff

/** Devices over MQTT at QoS 1, a reader over AMQP. */
export async function openMqttHub(
  wire: HubWire,
  { senders }: EventsPlan,
  received: Received,
): Promise<OpenEventWire> {
  const devices = wire.devices.slice(0, senders)
  const reader = await openReader(wire, received)
  const connections = await connectAll(
    devices.map((device) => ({ target: wire.target, device, filters: [] })),
  )
  // The server acknowledges what a device sends in its order.
  const waiting = connections.map((): (() => void)[] => [])
  const lengths = connections.map(() => 0)
  const packetIds = connections.map(() => 0)
  for (const [index, connection] of connections.entries()) {
    connection.receive = (_bytes, length) => {
      const bytes = (lengths[index] ?? 0) + length
      for (let n = Math.floor(bytes / PUBACK_BYTES); n > 0; n--) waiting[index]?.shift()?.()
      lengths[index] = bytes % PUBACK_BYTES
    }
  }
  const [first] = connections
  if (!first) throw new Error('The plan names no device.')
  return {
    tls: describeTls(first.socket),
    send: (sender, body) =>
      new Promise((resolve) => {
        waiting[sender]?.push(resolve)
        const packetId = ((packetIds[sender] ?? 0) % MAX_PACKET_ID) + 1
        packetIds[sender] = packetId
        const topic = `devices/${devices[sender]?.deviceId}/messages/events/`
        connections[sender]?.socket.write(publish(topic, packetId, body))
      }),
    close: () => {
      closeAll(connections)
      reader.close()
    },
  }
}

/** Devices over AMQP, settled when the hub has stored it, a reader over AMQP. */
export async function openAmqpHub(
  wire: HubWire,
  { senders }: EventsPlan,
  received: Received,
): Promise<OpenEventWire> {
  const reader = await openReader(wire, received)
  const devices = wire.devices.slice(0, senders)
  const opened = await Promise.all(
    devices.map(async ({ deviceId, password }) => {
      const userName = `${deviceId}@sas.${wire.target.serverName}`
      const connection = connect(wire, { userName, password })
      const sender = connection.open_sender(`/devices/${deviceId}/messages/events`)
      await new Promise((resolve, reject) => {
        sender.once('sendable', resolve)
        sender.once('sender_error', () => reject(sender.error))
      })
      return { connection, sender, waiting: trackOutcomes(sender) }
    }),
  )
  return {
    tls: 'as over MQTT',
    send: (index, body) =>
      new Promise((resolve, reject) => {
        const { sender, waiting } = opened[index] ?? {}
        if (!sender || !waiting) return reject(new Error('no such sender'))
        const delivery = sender.send({ body: rhea.message.data_section(body) })
        waiting.set(delivery, { resolve, reject })
      }),
    close: () => {
      for (const { connection } of opened) connection.close()
      reader.close()
    },
  }
}

interface Outcome {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

function trackOutcomes(sender: Sender): Map<unknown, Outcome> {
  const waiting = new Map<unknown, Outcome>()
  sender.on('settled', ({ delivery }) => {
    const outcome = waiting.get(delivery)
    waiting.delete(delivery)
    const { error } = (delivery?.remote_state ?? {}) as { error?: { condition: string } }
    if (error) outcome?.reject(new Error(error.condition))
    else outcome?.resolve()
  })
  return waiting
}

/** Reads what comes from now on. */
async function openReader(wire: HubWire, received: Received): Promise<AmqpConnection> {
  const connection = connect(wire, wire.amqp)
  const expression = "amqp.annotation.x-opt-offset > '@latest'"
  const selector = rhea.types.wrap_described(expression, 0x468c00000004)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const address = `${wire.amqp.entity}/ConsumerGroups/$Default/Partitions/${partition}`
    const receiver = connection.open_receiver({
      source: { address, filter: { 'apache.org:selector-filter:string': selector } },
      credit_window: READER_CREDIT,
      autoaccept: true,
    })
    receiver.on('message', ({ message }) => received(message?.body.content))
    await new Promise((resolve, reject) => {
      receiver.once('receiver_open', resolve)
      receiver.once('receiver_error', () => reject(receiver.error))
    })
  }
  return connection
}

function connect(
  { target, amqp }: HubWire,
  { userName, password }: { readonly userName: string; readonly password: string },
): AmqpConnection {
  const connection = rhea.create_container().connect({
    ...{ transport: 'tls', host: target.host, port: amqp.port, reconnect: false },
    ...{ servername: target.serverName, ca: readFileSync(target.caFile) },
    ...{ username: userName, password },
  } as never)
  for (const event of ['connection_error', 'disconnected', 'error']) {
    connection.on(event as 'disconnected', () => {})
  }
  return connection
}

function publish(topic: string, packetId: number, body: Buffer): Buffer {
  const name = Buffer.from(topic)
  const length = 2 + name.length + 2 + body.length
  const header = [0x32]
  for (let rest = length; rest > 0; rest = Math.floor(rest / 128)) {
    header.push(rest >= 128 ? (rest % 128) | 128 : rest)
  }
  const ids = Buffer.from([packetId >> 8, packetId & 255])
  const size = Buffer.from([name.length >> 8, name.length & 255])
  return Buffer.concat([Buffer.from(header), size, name, ids, body])
}
