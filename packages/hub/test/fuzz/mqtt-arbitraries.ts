import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'

const RID = fc.string({ minLength: 1, maxLength: 5 }).map(encodeURIComponent)
const NO_NUL = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isPlain)

const topic = fc.oneof(
  fc.constant('devices/pump-1/messages/events/'),
  NO_NUL.map((bag) => `devices/pump-1/messages/events/${bag}`),
  RID.map((rid) => `$iothub/twin/GET/?$rid=${rid}`),
  RID.map((rid) => `$iothub/twin/PATCH/properties/reported/?$rid=${rid}`),
  RID.map((rid) => `$iothub/twin/PATCH/properties/reported/?$rid=${rid}&$version=1`),
  fc.constant('$iothub/methods/res/200/?$rid=1'),
)

const filter = fc.oneof(
  fc.constantFrom(
    '$iothub/twin/res/#',
    '$iothub/twin/PATCH/properties/desired/#',
    '$iothub/methods/POST/#',
    'devices/pump-1/messages/devicebound/#',
  ),
  NO_NUL,
)

const payload = fc.oneof(
  fc.json({ maxDepth: 3 }).map((json) => Buffer.from(json)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)

const messageId = fc.integer({ min: 1, max: 65535 })

function isPlain(text: string): boolean {
  return !text.includes('\0') && Buffer.from(text).toString() === text
}

/** Packets of a connected device that a hub has to accept; foreign topics are left out. */
export const goodPacket: fc.Arbitrary<Packet> = fc.oneof(
  fc
    .record({ topic, payload, messageId, qos: fc.constantFrom(0, 1), retain: fc.boolean() })
    .map((fields) => ({ cmd: 'publish', dup: false, ...fields }) as Packet),
  fc
    .record({
      messageId,
      subscriptions: fc.array(fc.record({ topic: filter, qos: fc.constantFrom(0, 1, 2) }), {
        minLength: 1,
        maxLength: 4,
      }),
    })
    .map((fields) => ({ cmd: 'subscribe', ...fields }) as unknown as Packet),
  fc
    .record({ messageId, unsubscriptions: fc.array(filter, { minLength: 1, maxLength: 4 }) })
    .map((fields) => ({ cmd: 'unsubscribe', ...fields }) as unknown as Packet),
  messageId.map((id) => ({ cmd: 'puback', messageId: id }) as Packet),
  fc.constant<Packet>({ cmd: 'pingreq' }),
)

const connect: fc.Arbitrary<Packet> = fc
  .record(
    {
      clientId: NO_NUL,
      keepalive: fc.integer({ min: 0, max: 65535 }),
      clean: fc.boolean(),
      username: NO_NUL,
      will: fc.record({
        topic: NO_NUL,
        payload,
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        retain: fc.boolean(),
      }),
    },
    { requiredKeys: ['clientId', 'keepalive', 'clean', 'username'] },
  )
  .map((fields) => {
    const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, ...fields }
    return { ...packet, password: Buffer.from('SharedAccessSignature x') } as unknown as Packet
  })

/** Packets of clients, the first among them. */
export const anyPacket: fc.Arbitrary<Packet> = fc.oneof(connect, goodPacket)

/** The bytes of packets with some of them changed, cut off or put in; often still whole. */
export function mutated(
  packet: fc.Arbitrary<Packet>,
  options?: { readonly protocolVersion: 5 },
): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
    kind: fc.constantFrom('replace' as const, 'remove' as const, 'insert' as const),
  })
  return fc.tuple(packet, fc.array(change, { maxLength: 3 })).map(([whole, changes]) => {
    const bytes = [...mqttPacket.generate(whole, options)]
    for (const { at, byte, kind } of changes) {
      const index = at % (bytes.length + 1)
      if (kind === 'replace' && index < bytes.length) bytes[index] = byte
      else if (kind === 'remove') bytes.splice(index, 1)
      else bytes.splice(index, 0, byte)
    }
    return Buffer.from(bytes)
  })
}
