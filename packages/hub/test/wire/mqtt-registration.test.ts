import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import { deriveKey } from '../../src/provisioning/attestation.ts'
import { anyPacket, mutated } from '../fuzz/mqtt-arbitraries.ts'
import { type Bench, bench, settled } from '../mqtt-bench.ts'
import { enrol, GROUP_KEY, ID_SCOPE, OTHER_KEY, registrationToken } from '../provisioning.ts'
import { connectPacket, openRaw, type RawClient } from '../raw-mqtt.ts'

// Registration over MQTT (11 §3.3), packet by packet; the SDKs' own way is in server/test/wire.

const RESPONSES = '$dps/registrations/res/#'
const REGISTER = '$dps/registrations/PUT/iotdps-register/?$rid=1'

function hello(changes: Partial<IConnectPacket> = {}): Packet {
  return {
    cmd: 'connect',
    ...{ protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
    clientId: 'pump-1',
    username: `${ID_SCOPE}/registrations/pump-1/api-version=2019-03-31&ClientVersion=a%2F1`,
    password: Buffer.from(registrationToken('pump-1', deriveKey(GROUP_KEY, 'pump-1'))),
    ...changes,
  }
}

async function connected(b: Bench): Promise<RawClient> {
  const client = openRaw(b)
  client.send(hello())
  const [connack] = await client.receive('connack')
  assert.equal(connack?.returnCode, 0)
  client.subscribe(RESPONSES)
  await client.receive('suback')
  return client
}

async function answers(client: RawClient, count = 1) {
  const packets = await client.receive('publish', count)
  return packets.map(({ topic, payload }) => ({ topic, body: JSON.parse(String(payload)) }))
}

test('register, then ask for the operation: the answers on their topics, two fields and no other', async () => {
  await using b = bench()
  await enrol(b.hub, 'group', 'plant')
  const client = await connected(b)
  client.publish(REGISTER, '{"registrationId":"pump-1"}\0', 7)
  const [first] = await answers(client)
  assert.equal((await client.receive('puback'))[0]?.messageId, 7)
  assert.equal(first?.topic, '$dps/registrations/res/200/?$rid=1&retry-after=3')
  assert.equal(first.body.status, 'assigned')
  assert.equal(first.body.registrationState.deviceId, 'pump-1')
  const { operationId } = first.body
  const status = '$dps/registrations/GET/iotdps-get-operationstatus/?$rid=a-b&operationId='
  client.publish(status + operationId, '')
  client.publish(`${status}nothing`, ' ')
  const [, second, third] = await answers(client, 3)
  assert.equal(second?.topic, '$dps/registrations/res/200/?$rid=a-b&retry-after=3')
  assert.deepEqual(second.body, first.body)
  assert.equal(third?.topic.slice(0, 27), '$dps/registrations/res/400/')
  assert.equal(typeof third.body.errorCode, 'number')
  client.publish(`${status}nothing`)
  const [, , , fourth] = await answers(client, 4)
  assert.deepEqual(fourth?.body.errorCode, 404202)
  assert.equal((await b.hub.identities.get({ deviceId: 'pump-1' })).ref.deviceId, 'pump-1')
  assert.equal(b.hub.sessions.count, 0, 'it is no session of the device')
})

test('CONNECT: who does not prove to be enrolled gets one answer', async () => {
  await using b = bench()
  await enrol(b.hub, 'group', 'plant')
  const user = (idScope: string, id: string) => ({
    username: `${idScope}/registrations/${id}/api-version=2019-03-31`,
    clientId: id,
  })
  const cases: readonly (readonly [number, Partial<IConnectPacket>])[] = [
    [5, { password: Buffer.from(registrationToken('pump-1', OTHER_KEY)) }],
    [5, { password: Buffer.alloc(0) }],
    [5, user(ID_SCOPE, 'pump-2')],
    [5, user('0ne00000009', 'pump-1')],
    [2, { clientId: 'pump-2' }],
    [5, { will: { topic: 'a', payload: Buffer.from('b'), qos: 0, retain: false } }],
    [1, { protocolVersion: 5 }],
  ]
  for (const [code, changes] of cases) {
    const client = openRaw(b, changes.protocolVersion === 5 ? 5 : 4)
    client.send(hello(changes))
    const [connack] = await client.receive('connack')
    const isMqtt5 = changes.protocolVersion === 5
    assert.equal(isMqtt5 ? connack?.reasonCode : connack?.returnCode, isMqtt5 ? 0x84 : code)
    await client.closed()
  }
})

test('a device called `registrations` is still a device', async () => {
  await using b = bench()
  const ref = { deviceId: 'registrations', moduleId: 'pump-1' }
  const client = openRaw(b)
  const username = 'localhost/registrations/pump-1/api-version=2019-03-31'
  client.send(await connectPacket(b.hub, ref, { username }))
  assert.equal((await client.receive('connack'))[0]?.returnCode, 0)
  assert.equal(b.hub.sessions.count, 1)
})

test('nothing else is served: other filters and topics, no subscription, QoS 2, too much', async () => {
  await using b = bench()
  await enrol(b.hub, 'group', 'plant')
  const client = await connected(b)
  client.subscribe('$iothub/twin/res/#', '#', RESPONSES)
  const [, suback] = await client.receive('suback', 2)
  assert.deepEqual(suback?.granted, [128, 128, 0])
  await settled(client)
  const large = 'x'.repeat(65 * 1024)
  for (const [topic, payload, messageId] of [
    ['devices/pump-1/messages/events/', '', 0],
    ['$iothub/twin/GET/?$rid=1', '', 0],
    ['$dps/registrations/PUT/iotdps-register/?$rid=$', '', 0],
    [REGISTER, large, 0],
  ] as const) {
    const one = await connected(b)
    one.publish(topic, payload, messageId)
    await one.closed()
  }
  const quiet = openRaw(b)
  quiet.send(hello())
  await quiet.receive('connack')
  quiet.publish(REGISTER, '{}')
  await quiet.closed()
  assert.match(String(b.ended.at(-1)?.reason), /without a subscription/)
  assert.equal((await b.hub.messages()).length, 0)
})

test('a connection that stays silent, or stays too long, ends', async () => {
  await using b = bench()
  await enrol(b.hub, 'group', 'plant')
  const silent = await connected(b)
  b.clock.advance(95_000)
  await silent.closed()
  const busy = await connected(b)
  for (let seconds = 0; seconds < 660 && !busy.isClosed; seconds += 30) {
    busy.send({ cmd: 'pingreq' })
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    b.clock.advance(30_000)
  }
  await busy.closed()
})

test('an enrolment that is disabled while the device is connected: it is told', async () => {
  await using b = bench()
  const { etag, settings } = await enrol(b.hub, 'group', 'plant')
  const client = await connected(b)
  const { attestation } = settings
  assert.ok(attestation.type === 'symmetricKey')
  await b.hub.provisioning.enrollments.put(
    { kind: 'group', id: 'plant' },
    { attestation: { type: 'symmetricKey' }, provisioningStatus: 'disabled' },
    etag,
  )
  client.publish(REGISTER, '{}')
  const [answer] = await answers(client)
  assert.equal(answer?.body.status, 'disabled')
})

test('registration: whatever bytes come after the CONNECT, the gateway lives and others are served', async () => {
  await using b = bench()
  await enrol(b.hub, 'group', 'plant')
  const bytes = fc.array(fc.oneof(mutated(anyPacket), fc.uint8Array({ maxLength: 64 })), {
    ...{ minLength: 1, maxLength: 8 },
  })
  await fc.assert(
    fc.asyncProperty(bytes, async (chunks) => {
      // The limit on requests of one id is not what is looked for here.
      b.clock.advance(30_000)
      const client = openRaw(b)
      client.send(hello())
      await client.receive('connack')
      for (const chunk of chunks) if (!client.isClosed) client.send(Buffer.from(chunk))
      client.stream.destroy()
    }),
    { numRuns: 60, seed: 20_261_121 },
  )
  b.clock.advance(60_000)
  const client = await connected(b)
  client.publish(REGISTER, '{}')
  assert.equal((await answers(client))[0]?.body.status, 'assigned')
})
