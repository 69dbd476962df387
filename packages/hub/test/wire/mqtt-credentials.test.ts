import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { CLOCK_SKEW_MS, type DeviceRef, formatSas } from '@twinward/protocol'
import type { IConnackPacket } from 'mqtt-packet'
import { type MqttTestHub, makeToken, startMqttHub } from '../hub.ts'
import { connectPacket, openRaw, type RawClient } from '../raw-mqtt.ts'

// Tokens at CONNECT (06 §8), and what a change of keys does to who is connected.

const UNAUTHORIZED = 5
let hub: MqttTestHub
before(async () => {
  hub = await startMqttHub()
})
after(() => hub[Symbol.asyncDispose]())

const keyOf = (seed: number) => Buffer.alloc(32, seed).toString('base64')

async function createDevice(deviceId: string, first: number): Promise<DeviceRef> {
  await hub.identities.createDevice(deviceId, keys(first, first + 1))
  return { deviceId }
}

function keys(primary: number, secondary: number) {
  const symmetricKey = { primaryKey: keyOf(primary), secondaryKey: keyOf(secondary) }
  return { authentication: { symmetricKey } }
}

async function connect(
  ref: DeviceRef,
  token: string,
): Promise<{ code: number; client: RawClient }> {
  const client = openRaw({ gateway: hub.gateway })
  const packet = await connectPacket(hub, { deviceId: 'template' })
  client.send({
    ...packet,
    clientId: ref.deviceId,
    username: `localhost/${ref.deviceId}/?api-version=2021-04-12`,
    password: Buffer.from(token),
  } as typeof packet)
  const [connack] = (await client.receive('connack')) as readonly IConnackPacket[]
  return { code: connack?.returnCode ?? -1, client }
}

function policyToken(name: string, resource = 'localhost'): string {
  const key = hub.policies.find((policy) => policy.name === name)?.primaryKey ?? ''
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  return formatSas(resource, Math.floor(Date.now() / 1000) + 600, sign, name)
}

async function isAlive(client: RawClient): Promise<void> {
  const answered = client.packets.filter(({ cmd }) => cmd === 'pingresp').length
  client.send({ cmd: 'pingreq' })
  await client.receive('pingresp', answered + 1)
}

test('refused with 5: unknown, disabled, bad key, expired, wrong policy, wrong host or resource', async () => {
  const ref = await createDevice('pump-1', 10)
  await createDevice('pump-2', 12)
  const key = keyOf(10)
  const expiresAtMs = Date.now() - CLOCK_SKEW_MS - 1000
  const refusals: readonly (readonly [string, DeviceRef, string])[] = [
    ['unknown device', { deviceId: 'nobody' }, makeToken(key, { deviceId: 'nobody' })],
    ['bad key', ref, makeToken(keyOf(99), ref)],
    ['another device', { deviceId: 'pump-2' }, makeToken(key, { deviceId: 'pump-2' })],
    ['expired', ref, makeToken(key, ref, { expiresAtMs })],
    ['wrong host', ref, makeToken(key, ref, { resource: 'other/devices/pump-1' })],
    ['wrong resource', ref, makeToken(key, ref, { resource: 'localhost/devices/pump-2' })],
    ['bare host', ref, makeToken(key, ref, { resource: 'localhost' })],
    ['policy without DeviceConnect', ref, policyToken('service')],
    ['policy for another device', ref, policyToken('device', 'localhost/devices/pump-2')],
    ['no token', ref, ''],
    ['no token at all', ref, 'secret'],
  ]
  for (const [what, who, token] of refusals) {
    assert.equal((await connect(who, token)).code, UNAUTHORIZED, what)
  }
  assert.equal((await connect(ref, makeToken(key, ref))).code, 0)
  await hub.identities.update(ref, { ...keys(10, 11), status: 'disabled' }, '*')
  assert.equal((await connect(ref, makeToken(key, ref))).code, UNAUTHORIZED, 'disabled')
  assert.equal((await connect(ref, policyToken('device'))).code, UNAUTHORIZED, 'disabled')
})

test('keys change one at a time: who came with the other key stays, who came with the old one goes', async () => {
  const ref = await createDevice('pump-3', 20)
  for (const [mine, other, next] of [
    [20, 21, 22],
    [21, 20, 23],
  ] as const) {
    const pair = (own: number, others: number) =>
      mine === 20 ? keys(own, others) : keys(others, own)
    await hub.identities.update(ref, pair(mine, other), '*')
    const { code, client } = await connect(ref, makeToken(keyOf(mine), ref))
    assert.equal(code, 0)
    await hub.identities.update(ref, pair(mine, next), '*')
    await isAlive(client)
    assert.equal((await connect(ref, makeToken(keyOf(other), ref))).code, UNAUTHORIZED)
    await hub.identities.update(ref, pair(next, mine), '*')
    await isAlive(client)
    await hub.identities.update(ref, pair(next, other), '*')
    await client.closed()
    assert.equal((await connect(ref, makeToken(keyOf(mine), ref))).code, UNAUTHORIZED)
  }
})

test('a session by policy outlives its device’s keys, but not the device', async () => {
  const ref = await createDevice('pump-4', 30)
  const { code, client } = await connect(ref, policyToken('device'))
  assert.equal(code, 0)
  await hub.identities.update(ref, keys(32, 33), '*')
  await isAlive(client)
  await hub.identities.update(ref, { ...keys(32, 33), status: 'disabled' }, '*')
  await client.closed()
})
