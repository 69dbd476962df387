import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESIRED_CHANGES, TWIN_RESPONSES } from '@twinward/protocol'
import type { IConnectPacket, IDisconnectPacket, Packet } from 'mqtt-packet'
import { MAX_PACKET_BYTES } from '../../src/gateways/mqtt/limits.ts'
import { makeToken, until } from '../hub.ts'
import { connect5 } from '../mqtt-5.ts'
import { bench, EVENTS, pump } from '../mqtt-bench.ts'
import { connectPacket, openRaw, publishPacket, type RawClient } from '../raw-mqtt.ts'

const _C2D = 'devices/pump-1/messages/devicebound/#'

test('mqtt 5 CONNECT: CONNACK says what the hub does not do', async () => {
  await using b = bench()
  const client = await connect5(b, { keepalive: 0, properties: { sessionExpiryInterval: 60 } })
  const [connack] = await client.receive('connack')
  assert.equal(connack?.reasonCode, 0)
  assert.deepEqual(
    { ...connack?.properties },
    {
      sessionExpiryInterval: 0xffff_ffff,
      serverKeepAlive: 1177,
      maximumQoS: 1,
      retainAvailable: false,
      maximumPacketSize: MAX_PACKET_BYTES,
      topicAliasMaximum: 0,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
    },
  )
})

test('mqtt 5 CONNECT: each refusal has its reason, and the socket closes', async () => {
  await using b = bench()
  const will = { topic: EVENTS, payload: Buffer.from('x'), qos: 0 as const, retain: false }
  const expired = makeToken(await b.hub.keyOf(pump), pump, {
    expiresAtMs: b.clock.now() - 301_000,
  })
  const cases: readonly (readonly [number, Partial<IConnectPacket>])[] = [
    [0x85, { clientId: 'pump-2' }],
    [0x85, { clientId: '', clean: true }],
    [0x86, { username: 'localhost' }],
    [0x87, { username: 'other.example.net/pump-1/?api-version=x' }],
    [0x87, { password: Buffer.from(expired) }],
    [0x8c, { properties: { authenticationMethod: 'SAS' } }],
    [0x90, { will: { ...will, topic: 'devices/pump-2/messages/events/' } }],
    [0x9a, { will: { ...will, retain: true } }],
    [0x9b, { will: { ...will, qos: 2 } }],
    [
      0x83,
      {
        will: { ...will, properties: { willDelayInterval: 5 } },
        properties: { sessionExpiryInterval: 60 },
      },
    ],
    [0x95, { properties: { maximumPacketSize: 100 } }],
  ]
  for (const [reason, changes] of cases) {
    const client = openRaw(b, 5)
    client.send(await connectPacket(b.hub, pump, { protocolVersion: 5, ...changes }))
    const [connack] = await client.receive('connack')
    assert.equal(connack?.reasonCode, reason, JSON.stringify(changes))
    assert.ok(connack?.properties?.reasonString)
    await client.closed()
  }
  assert.equal(b.hub.sessions.count, 0)
})

test('mqtt 5 session: kept when it is to outlive the connection, and not otherwise', async () => {
  await using b = bench()
  const present = async (clean: boolean, sessionExpiryInterval?: number) => {
    const properties = sessionExpiryInterval === undefined ? {} : { sessionExpiryInterval }
    const client = await connect5(b, { clean, properties })
    const [connack] = await client.receive('connack')
    return [client, connack?.sessionPresent] as const
  }
  const [first, isPresent] = await present(true, 3600)
  assert.equal(isPresent, false)
  first.subscribe(DESIRED_CHANGES)
  await first.receive('suback')
  first.stream.destroy()
  const [second, isStillPresent] = await present(false, 3600)
  assert.equal(isStillPresent, true)
  await b.hub.twins.patch(pump, { desired: { a: 1 } })
  await second.receive('publish')
  // A DISCONNECT may end what CONNECT wanted to keep.
  second.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } } as Packet)
  await second.closed()
  assert.equal((await present(false))[1], false)
  assert.equal((await present(false, 5))[1], false)
  // Goes on once more, but ends with this connection.
  assert.equal((await present(false, 0))[1], true)
  assert.equal((await present(false))[1], false)
})

test('mqtt 5 session: one that was not to be kept cannot be kept at the end', async () => {
  await using b = bench()
  const client = await connect5(b)
  client.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 5 } } as Packet)
  assert.equal(await goodbye(client), 0x82)
})

test('mqtt 5 DISCONNECT: the hub says why it closes', async () => {
  await using b = bench()
  const cases: readonly (readonly [number, (client: RawClient) => unknown])[] = [
    [0x8e, () => connect5(b)],
    [0x8d, () => b.clock.advance(92_000)],
    [0x82, async (client) => client.send(await connectPacket(b.hub, pump, { protocolVersion: 5 }))],
    [0x82, (client) => client.send(Buffer.from([0xf0, 0]))],
    [0x81, (client) => client.send(Buffer.from([0x32, 5, 0, 1, 0x61, 0, 0]))],
    [0x81, (client) => client.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]))],
    [0x95, (client) => client.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))],
    [0x90, (client) => client.publish('a/b', 'x')],
    [0x94, (client) => client.send(withProperties({ topicAlias: 1 }))],
    [0x9a, (client) => client.send({ ...publishPacket(EVENTS, 'x', 1), retain: true } as Packet)],
    [0x9b, (client) => client.send({ ...publishPacket(EVENTS, 'x', 1), qos: 2 } as Packet)],
    [0xa1, (client) => client.send(subscribeWithId())],
    [0x87, () => b.hub.identities.update(pump, { status: 'disabled' }, '*')],
  ]
  for (const [reason, act] of cases) {
    const client = await connect5(b)
    await act(client)
    assert.equal(await goodbye(client), reason, `${act}`)
  }
  await b.hub.identities.remove(pump, '*')
  for (const end of [() => b.hub.identities.remove(pump, '*'), () => b.gateway.close()]) {
    const client = await connect5(b)
    const code = goodbye(client)
    await end()
    assert.equal(await code, end.toString().includes('close') ? 0x8b : 0x87)
  }
})

test('mqtt 5 DISCONNECT: a token that expires is not authorized any more', async () => {
  await using b = bench()
  const key = await b.hub.keyOf(pump)
  const token = makeToken(key, pump, { expiresAtMs: b.clock.now() + 60_000 })
  const client = await connect5(b, { keepalive: 1000, password: Buffer.from(token) })
  b.clock.advance(362_000)
  assert.equal(await goodbye(client), 0x87)
})

test('mqtt 5 will: with the properties of its own, also after DISCONNECT 4, at once', async () => {
  await using b = bench()
  const will = {
    topic: `${EVENTS}a=b`,
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: false,
    properties: { willDelayInterval: 60, contentType: 'text/plain', userProperties: { c: 'd' } },
  }
  const polite = await connect5(b, { will })
  polite.send({ cmd: 'disconnect', reasonCode: 0 } as Packet)
  await polite.closed()
  assert.equal((await b.hub.messages()).length, 0)
  const client = await connect5(b, { will })
  client.send({ cmd: 'disconnect', reasonCode: 4 } as Packet)
  await until(async () => (await b.hub.messages()).length === 1, 'the will')
  const [message] = await b.hub.messages()
  assert.equal(message?.system.contentType, 'text/plain')
  assert.deepEqual(message?.application, { a: 'b', c: 'd', 'iothub-MessageType': 'Will' })
})

/** The reason that the hub gives for closing. */
async function goodbye(client: RawClient): Promise<number | undefined> {
  const [packet] = await client.receive('disconnect')
  await client.closed()
  return (packet as IDisconnectPacket | undefined)?.reasonCode
}

function withProperties(properties: object): Packet {
  return { ...publishPacket(EVENTS, 'x', 1), properties } as Packet
}

function subscribeWithId(): Packet {
  const subscriptions = [{ topic: TWIN_RESPONSES, qos: 0 }]
  const properties = { subscriptionIdentifier: 1 }
  return { cmd: 'subscribe', messageId: 1, subscriptions, properties } as unknown as Packet
}
