import type { Duplex } from 'node:stream'
import { type DeviceRef, refKey } from '@twinward/protocol'
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'
import type { MqttGateway } from '../src/gateways/mqtt/server.ts'
import { duplexPair } from './duplex-pair.ts'
import { makeToken, type TestHub, until } from './hub.ts'

/** A client without a client library: sends what no library would and sees every packet. */
export class RawClient {
  readonly stream: Duplex
  readonly packets: Packet[] = []
  isClosed = false
  readonly #protocolVersion: number

  /** @param protocolVersion  4 or 5 */
  constructor(stream: Duplex, protocolVersion = 4) {
    this.stream = stream
    this.#protocolVersion = protocolVersion
    const parser = mqttPacket.parser({ protocolVersion })
    parser.on('packet', (packet) => this.packets.push(packet))
    stream.on('data', (chunk: Buffer) => parser.parse(chunk))
    stream.on('error', () => {})
    for (const event of ['end', 'close']) {
      stream.on(event, () => {
        this.isClosed = true
      })
    }
  }

  send(...packets: readonly (Packet | Buffer)[]): void {
    const bytes = packets.map((packet) =>
      Buffer.isBuffer(packet)
        ? packet
        : mqttPacket.generate(packet, { protocolVersion: this.#protocolVersion }),
    )
    this.stream.write(Buffer.concat(bytes))
  }

  /** The packets of one kind, once there are `count` of them. */
  async receive<C extends Packet['cmd']>(
    cmd: C,
    count = 1,
  ): Promise<readonly Extract<Packet, { cmd: C }>[]> {
    const found = () =>
      this.packets.filter((packet): packet is Extract<Packet, { cmd: C }> => packet.cmd === cmd)
    await until(() => found().length >= count || this.isClosed, `${count} times ${cmd}`)
    if (found().length < count) throw new Error(`closed before ${count} times ${cmd}`)
    return found()
  }

  async closed(): Promise<void> {
    await until(() => this.isClosed, 'the close')
  }

  subscribe(...filters: readonly string[]): void {
    this.subscribeAt(0, ...filters)
  }

  subscribeAt(qos: 0 | 1, ...filters: readonly string[]): void {
    const subscriptions = filters.map((topic) => ({ topic, qos }))
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions } as unknown as Packet)
  }

  publish(topic: string, payload: string | Buffer = '', messageId = 0): void {
    this.send(publishPacket(topic, payload, messageId))
  }
}

/** QoS 0 without a packet id, otherwise 1. */
export function publishPacket(topic: string, payload: string | Buffer, messageId = 0): Packet {
  const qos = messageId === 0 ? 0 : 1
  const packet = { cmd: 'publish', topic, payload, qos, dup: false, retain: false }
  return { ...packet, ...(messageId > 0 && { messageId }) } as Packet
}

export interface RawTarget {
  readonly hub: TestHub
  readonly gateway: MqttGateway
}

/** A connection that has said nothing yet. */
export function openRaw({ gateway }: Pick<RawTarget, 'gateway'>, protocolVersion = 4): RawClient {
  const [ours, theirs] = duplexPair()
  gateway.accept(theirs, { address: 'test', certificate: () => undefined })
  return new RawClient(ours, protocolVersion)
}

/** The CONNECT of a device or module that exists or is created now. */
export async function connectPacket(
  hub: TestHub,
  ref: DeviceRef,
  changes: Partial<IConnectPacket> = {},
): Promise<Packet> {
  const expiresAtMs = hub.clock.now() + 3600_000
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: refKey(ref),
    username: `localhost/${refKey(ref)}/?api-version=2021-04-12`,
    password: Buffer.from(makeToken(await hub.keyOf(ref), ref, { expiresAtMs })),
    ...changes,
  }
}

/** A device or module that is connected. */
export async function connectRaw(
  target: RawTarget,
  ref: DeviceRef,
  changes: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  const client = openRaw(target, changes.protocolVersion)
  client.send(await connectPacket(target.hub, ref, changes))
  await client.receive('connack')
  return client
}
