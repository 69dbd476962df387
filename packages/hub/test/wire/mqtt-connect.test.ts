import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DESIRED_CHANGES } from '@twinward/protocol'
import { makeToken, until } from '../hub.ts'
import { bench, EVENTS, pump } from '../mqtt-bench.ts'
import { connectPacket, connectRaw, openRaw } from '../raw-mqtt.ts'

test('CONNECT: every user name form that clients send is accepted', async () => {
  await using b = bench()
  for (const username of [
    'localhost/pump-1/?api-version=2021-04-12&DeviceClientType=node%2F1',
    'localhost/pump-1/api-version=2016-11-14',
    'LOCALHOST:18883/pump-1/?api-version=2021-04-12&model-id=dtmi:com:x;1',
    'localhost/pump-1',
    'localhost/pump-1/',
  ]) {
    const client = await connectRaw(b, pump, { username })
    assert.deepEqual((await client.receive('connack')).map(codeOf), [0], username)
  }
})

test('CONNECT: what is wrong is told by the code, and the socket closes', async () => {
  await using b = bench()
  const key = await b.hub.keyOf(pump)
  const expired = makeToken(key, pump, { expiresAtMs: b.clock.now() - 301_000 })
  const foreign = makeToken(key, pump, { resource: 'localhost/devices/pump-10' })
  const cases: readonly (readonly [number, object])[] = [
    [1, { protocolVersion: 3, protocolId: 'MQIsdp' }],
    [2, { clientId: 'pump-2' }],
    [2, { clientId: 'a b', username: 'localhost/a b/?api-version=x' }],
    [4, { username: 'localhost' }],
    [4, { username: undefined, password: undefined }],
    [5, { username: 'other.example.net/pump-1/?api-version=x' }],
    [5, { password: Buffer.from('secret') }],
    [5, { password: Buffer.from(expired) }],
    [5, { password: Buffer.from(foreign) }],
    [5, { clientId: 'nobody', username: 'localhost/nobody/?api-version=x' }],
  ]
  for (const [code, changes] of cases) {
    const client = openRaw(b)
    client.send(await connectPacket(b.hub, pump, changes))
    assert.deepEqual((await client.receive('connack')).map(codeOf), [code], JSON.stringify(changes))
    await client.closed()
  }
  assert.equal(b.hub.sessions.count, 0)
})

test('CONNECT: an identity that changes while its token is checked is not let in', async () => {
  const b = bench()
  await using _ = b
  const client = openRaw(b)
  const { connect } = b.hub.authenticator
  b.hub.authenticator.connect = async (...args) => {
    const credential = await connect.apply(b.hub.authenticator, args)
    await b.hub.identities.update(pump, { status: 'disabled' }, '*')
    return credential
  }
  client.send(await connectPacket(b.hub, pump))
  assert.deepEqual((await client.receive('connack')).map(codeOf), [5])
  assert.equal(b.hub.sessions.count, 0)
})

test('session: with clean session 0 subscriptions survive the connection, with 1 they do not', async () => {
  await using b = bench()
  const present = async (clean: boolean) => {
    const client = await connectRaw(b, pump, { clean })
    const [connack] = await client.receive('connack')
    return [client, connack?.sessionPresent] as const
  }
  const [first, isPresent] = await present(false)
  assert.equal(isPresent, false)
  first.subscribe(DESIRED_CHANGES)
  await first.receive('suback')
  first.send({ cmd: 'disconnect' })
  await first.closed()
  const [second, isStillPresent] = await present(false)
  assert.equal(isStillPresent, true)
  await b.hub.twins.patch(pump, { desired: { a: 1 } })
  await second.receive('publish')
  assert.deepEqual((await present(true))[1], false)
  assert.deepEqual((await present(false))[1], false)
})

test('will: sent when the connection is lost, not after DISCONNECT', async () => {
  await using b = bench()
  const will = {
    topic: `${EVENTS}a=b`,
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: false,
  }
  const polite = await connectRaw(b, pump, { will })
  polite.send({ cmd: 'disconnect' })
  await polite.closed()
  await until(() => b.hub.sessions.count === 0)
  assert.deepEqual(await b.hub.messages(), [])
  const lost = await connectRaw(b, pump, { will })
  lost.stream.destroy()
  await until(async () => (await b.hub.messages()).length === 1, 'the will')
  const [message] = await b.hub.messages()
  assert.deepEqual(message?.application, { a: 'b', 'iothub-MessageType': 'Will' })
  assert.equal(String(message?.body), 'gone')
})

test('will: one to a foreign topic costs the connection', async () => {
  await using b = bench()
  const will = { topic: 'devices/pump-2/messages/events/', payload: Buffer.from('x') }
  const client = openRaw(b)
  const full = { ...will, qos: 0 as const, retain: false }
  client.send(await connectPacket(b.hub, pump, { will: full }))
  await client.closed()
  assert.deepEqual(client.packets, [])
})

function codeOf({ returnCode }: { returnCode?: number | undefined }): number | undefined {
  return returnCode
}

test('CONNECT: the model id that a device announces shows in its identity, and moves no etag', async () => {
  await using b = bench()
  await b.hub.keyOf(pump)
  const before = await b.hub.identities.get(pump)
  await connectRaw(b, pump, {
    username: 'localhost/pump-1/?api-version=2021-04-12&model-id=dtmi:com:example:Pump;1',
  })
  await until(async () => (await b.hub.identities.get(pump)).identity.modelId !== '')
  const { identity } = await b.hub.identities.get(pump)
  assert.equal(identity.modelId, 'dtmi:com:example:Pump;1')
  assert.equal(identity.etag, before.identity.etag)
})
