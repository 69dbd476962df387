import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'

const TEXT = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isPlain)
const BYTES = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes))
const UINT16 = fc.integer({ min: 1, max: 0xffff })
const UINT32 = fc.integer({ min: 1, max: 0xffff_ffff })
/** mqtt-packet keeps these in an object, so names that objects treat specially are left out. */
const NAME = TEXT.filter((name) => !(name in {}))
const USER = fc.dictionary(NAME, fc.oneof(TEXT, fc.array(TEXT, { minLength: 2, maxLength: 3 })), {
  minKeys: 1,
  maxKeys: 3,
})

function isPlain(text: string): boolean {
  return !text.includes('\0') && Buffer.from(text).toString() === text
}

const MESSAGE = {
  payloadFormatIndicator: fc.boolean(),
  messageExpiryInterval: UINT32,
  contentType: TEXT,
  responseTopic: TEXT,
  correlationData: BYTES,
  userProperties: USER,
}

const messageProperties = fc.record(MESSAGE, { requiredKeys: [] })

const willProperties = fc.record({ ...MESSAGE, willDelayInterval: UINT32 }, { requiredKeys: [] })

const connectProperties = fc.record(
  {
    sessionExpiryInterval: UINT32,
    receiveMaximum: UINT16,
    maximumPacketSize: UINT32,
    topicAliasMaximum: UINT16,
    requestResponseInformation: fc.boolean(),
    requestProblemInformation: fc.boolean(),
    userProperties: USER,
  },
  { requiredKeys: [] },
)

const topic = fc.oneof(
  fc.constant('devices/pump-1/messages/events/'),
  TEXT.map((bag) => `devices/pump-1/messages/events/${bag}`),
  fc.constant('$iothub/twin/GET/?$rid=1'),
  fc.constant('$iothub/twin/PATCH/properties/reported/?$rid=1'),
  fc.constant('$iothub/methods/res/200/?$rid=1'),
)

const filter = fc.oneof(
  fc.constantFrom(
    '$iothub/twin/res/#',
    '$iothub/twin/PATCH/properties/desired/#',
    '$iothub/methods/POST/#',
    'devices/pump-1/messages/devicebound/#',
    '$share/g/$iothub/twin/res/#',
  ),
  TEXT,
)

const payload = fc.oneof(
  fc.json({ maxDepth: 3 }).map((json) => Buffer.from(json)),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
)

/** Packets of MQTT 5 that a connected device may send: whatever they mean, they are answered. */
export const goodPacket5: fc.Arbitrary<Packet> = fc.oneof(
  fc
    .record({
      topic,
      payload,
      messageId: UINT16,
      qos: fc.constantFrom(0, 1),
      properties: messageProperties,
    })
    .map((fields) => ({ cmd: 'publish', dup: false, retain: false, ...fields }) as Packet),
  fc
    .record({
      messageId: UINT16,
      subscriptions: fc.array(
        fc.record({
          topic: filter,
          qos: fc.constantFrom(0, 1, 2),
          nl: fc.boolean(),
          rap: fc.boolean(),
          rh: fc.constantFrom(0, 1, 2),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      properties: fc.record({ userProperties: USER }, { requiredKeys: [] }),
    })
    .map((fields) => ({ cmd: 'subscribe', ...fields }) as unknown as Packet),
  fc
    .record({
      messageId: UINT16,
      unsubscriptions: fc.array(filter, { minLength: 1, maxLength: 4 }),
    })
    .map((fields) => ({ cmd: 'unsubscribe', ...fields }) as unknown as Packet),
  fc
    .record({ messageId: UINT16, reasonCode: fc.constantFrom(0, 0x10, 0x80, 0x97) })
    .map((fields) => ({ cmd: 'puback', ...fields }) as Packet),
  fc.constant<Packet>({ cmd: 'pingreq' }),
)

const connect: fc.Arbitrary<Packet> = fc
  .record(
    {
      clientId: TEXT,
      keepalive: fc.integer({ min: 0, max: 65535 }),
      clean: fc.boolean(),
      username: TEXT,
      properties: connectProperties,
      will: fc.record({
        topic: TEXT,
        payload: payload.filter(({ length }) => length > 0),
        qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
        retain: fc.boolean(),
        properties: willProperties,
      }),
    },
    { requiredKeys: ['clientId', 'keepalive', 'clean', 'username', 'properties'] },
  )
  .map((fields) => {
    const packet = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, ...fields }
    return { ...packet, password: Buffer.from('SharedAccessSignature x') } as unknown as Packet
  })

const disconnect: fc.Arbitrary<Packet> = fc
  .record({
    reasonCode: fc.constantFrom(0, 4, 0x80),
    properties: fc.record({ sessionExpiryInterval: UINT32 }, { requiredKeys: [] }),
  })
  .map((fields) => ({ cmd: 'disconnect', ...fields }) as Packet)

export const anyPacket5: fc.Arbitrary<Packet> = fc.oneof(connect, goodPacket5, disconnect)
