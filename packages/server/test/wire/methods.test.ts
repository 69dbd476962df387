import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { DeviceRef } from '@twinward/protocol'
import sdk, { type DeviceMethodRequest } from 'azure-iot-device'
import { MqttWs } from 'azure-iot-device-mqtt'
import { TestClock } from '../../../hub/test/clock.ts'
import { makeToken, until } from '../../../hub/test/hub.ts'
import { connectRaw } from '../../../hub/test/raw-mqtt.ts'
import { type HttpsHub, startHttpsHub, WITHOUT_443 } from '../https-hub.ts'

const SCENARIO = fileURLToPath(new URL('methods-sdk-scenario.ts', import.meta.url))
const PUMP: DeviceRef = { deviceId: 'pump-1' }
const APP: DeviceRef = { deviceId: 'pump-1', moduleId: 'app' }
const METHODS = '$iothub/methods/POST/#'

let hub: HttpsHub
before(async () => {
  hub = await startHttpsHub()
  await hub.keyOf(APP)
})
after(() => hub[Symbol.asyncDispose]())

function invoke(body: unknown, path = '/twins/pump-1/methods') {
  return hub.call('POST', path, { body })
}

/** A device or module that answers each call with what `answer` makes of its payload. */
async function connectAnswering(ref: DeviceRef, answer: (payload: Buffer) => string | Buffer) {
  const client = await connectRaw({ hub, gateway: hub.gateway }, ref)
  client.subscribe(METHODS)
  await client.receive('suback')
  let answered = 0
  const timer = setInterval(() => {
    const calls = client.packets.filter((packet) => packet.cmd === 'publish')
    for (; answered < calls.length; answered++) {
      const { topic, payload } = calls[answered] as { topic: string; payload: Buffer }
      const rid = topic.slice(topic.indexOf('$rid='))
      client.publish(`$iothub/methods/res/207/?${rid}`, answer(payload))
    }
  }, 2)
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      client.stream.destroy()
      await until(() => !hub.sessions.isConnected(ref))
    },
  }
}

test('a method’s status and payload come back as the device sent them', async () => {
  await using _ = await connectAnswering(PUMP, (payload) => payload)
  for (const payload of [null, 0, 'text', [1, { a: null }], { __proto__: 1, ü: '😀' }]) {
    const { status, headers, body } = await invoke({ methodName: 'echo', payload })
    assert.deepEqual([status, body], [200, { status: 207, payload }])
    assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  }
  const absent = await invoke({ methodName: 'echo' })
  assert.deepEqual(absent.body, { status: 207, payload: null })
})

test('a payload of 128 KB goes both ways', async () => {
  await using _ = await connectAnswering(APP, (payload) => payload)
  const payload = 'x'.repeat(128 * 1024 - 2)
  const largest = await invoke({ methodName: 'echo', payload }, '/twins/pump-1/modules/app/methods')
  assert.deepEqual(largest.body, { status: 207, payload })
  const larger = await invoke({ methodName: 'echo', payload: `${payload}x` })
  assert.deepEqual([larger.status, larger.headers['iothub-errorcode']], [413, 'MessageTooLarge'])
})

test('no JSON is a string, nothing is null, too much is a bad gateway', async () => {
  const answers = ['plain', '', 'x'.repeat(128 * 1024 + 1)]
  await using _ = await connectAnswering(PUMP, () => answers.shift() ?? '')
  assert.equal((await invoke({ methodName: 'a' })).body.payload, 'plain')
  assert.equal((await invoke({ methodName: 'a' })).body.payload, null)
  const tooLarge = await invoke({ methodName: 'a' })
  assert.deepEqual(
    [tooLarge.status, tooLarge.headers['iothub-errorcode']],
    [502, 'GenericBadGateway'],
  )
})

test('a target that is not online is 404103 with the connect timeout, inside Message', async () => {
  const { status, headers, body } = await invoke({ methodName: 'a' })
  assert.deepEqual([status, headers['iothub-errorcode']], [404, 'DeviceNotOnline'])
  assert.equal(body.ExceptionMessage, '')
  const error = JSON.parse(body.Message)
  assert.deepEqual([error.errorCode, error.info], [404103, { timeout: '00:00:00' }])
  assert.match(error.message, /isn't online/)
  assert.ok(error.trackingId && error.timestampUtc)
})

test('a call waits for the device to connect and subscribe', async () => {
  const call = invoke({ methodName: 'echo', payload: 1, connectTimeoutInSeconds: 10 })
  await until(() => hub.methods.pendingCount === 1)
  await using _ = await connectAnswering(PUMP, (payload) => payload)
  assert.deepEqual((await call).body, { status: 207, payload: 1 })
})

test('a device that disconnects in the middle is 404104', async () => {
  const client = await connectRaw({ hub, gateway: hub.gateway }, PUMP)
  client.subscribe(METHODS)
  await client.receive('suback')
  const call = invoke({ methodName: 'a' })
  await client.receive('publish')
  client.stream.destroy()
  const { status, body } = await call
  assert.deepEqual([status, JSON.parse(body.Message).errorCode], [404, 404104])
})

test('a device that does not answer in time is 504101 with the response timeout', async () => {
  const clock = new TestClock()
  await using slow = await startHttpsHub({ clock })
  const client = await connectRaw({ hub: slow, gateway: slow.gateway }, PUMP)
  client.subscribe(METHODS)
  await client.receive('suback')
  const body = { methodName: 'a', responseTimeoutInSeconds: 60 }
  const call = slow.call('POST', '/twins/pump-1/methods', { body })
  await client.receive('publish')
  clock.advance(60_000)
  const answer = await call
  assert.deepEqual([answer.status, answer.headers['iothub-errorcode']], [504, 'GatewayTimeout'])
  const error = JSON.parse(answer.body.Message)
  assert.deepEqual([error.errorCode, error.info], [504101, { timeout: '00:01:00' }])
  client.stream.destroy()
})

const REFUSED: readonly (readonly [string, unknown, number, string, RegExp])[] = [
  ['no body', undefined, 400, 'ArgumentNull', /body/],
  ['a body that is no object', [1], 400, 'ArgumentInvalid', /body/],
  ['no name', { payload: 1 }, 400, 'ArgumentNull', /methodName/],
  ['a name with a slash', { methodName: 'a/b' }, 400, 'ArgumentInvalid', /methodName/],
  [
    'a response timeout of 4 s',
    { methodName: 'a', responseTimeoutInSeconds: 4 },
    ...([400, 'ArgumentInvalid', /responseTimeoutInSeconds must be 5 to 300/] as const),
  ],
  [
    'a timeout in words',
    { methodName: 'a', responseTimeoutInSeconds: 'long' },
    ...([400, 'ArgumentInvalid', /responseTimeoutInSeconds/] as const),
  ],
  [
    'more time to connect than in all',
    { methodName: 'a', responseTimeoutInSeconds: 5, connectTimeoutInSeconds: 6 },
    ...([400, 'ArgumentInvalid', /longer/] as const),
  ],
]
for (const [what, body, status, code, words] of REFUSED) {
  test(`${what} is ${status} ${code}`, async () => {
    const answer = await invoke(body)
    assert.deepEqual([answer.status, answer.headers['iothub-errorcode']], [status, code])
    assert.match(answer.body.Message, words)
  })
}

test('unknown devices and modules are not found, nor is a disabled device', async () => {
  const call = { methodName: 'a' }
  const device = await invoke(call, '/twins/nobody/methods')
  assert.deepEqual([device.status, device.body.Message], [404, 'ErrorCode:DeviceNotFound;nobody'])
  const module = await invoke(call, '/twins/pump-1/modules/nobody/methods')
  assert.deepEqual([module.status, module.headers['iothub-errorcode']], [404, 'ModuleNotFound'])
  await hub.keyOf({ deviceId: 'off' })
  await hub.identities.update({ deviceId: 'off' }, { status: 'disabled' }, '*')
  const disabled = await invoke(call, '/twins/off/methods')
  assert.equal(disabled.headers['iothub-errorcode'], 'DeviceNotFound')
})

test('only ServiceConnect may call, and no module with its edge header', async () => {
  const path = '/twins/pump-1/methods'
  const body = { methodName: 'a' }
  const wrongPolicy = await hub.call('POST', path, { body, policy: 'registryReadWrite' })
  assert.equal(wrongPolicy.status, 401)
  const token = makeToken(await hub.keyOf(APP), APP)
  const headers = { 'x-ms-edge-moduleId': 'pump-1/app' }
  const edge = await hub.call('POST', path, { body, token, headers })
  assert.equal(edge.status, 401)
  assert.match(edge.body.Message, /edge/)
})

test('azure-iothub, unmodified: methods, and commands of digital twins', {
  skip: WITHOUT_443,
}, async () => {
  const connect = async (ref: DeviceRef) => {
    const text = await hub.connectionString(ref)
    const client = ref.moduleId
      ? sdk.ModuleClient.fromConnectionString(text, MqttWs)
      : sdk.Client.fromConnectionString(text, MqttWs)
    await client.setOptions({ ca: hub.ca })
    return client
  }
  const device = (await connect(PUMP)) as sdk.Client
  const module = (await connect(APP)) as sdk.ModuleClient
  const echo = (request?: DeviceMethodRequest, response?: sdk.DeviceMethodResponse) =>
    void response?.send(202, { name: request?.methodName, payload: request?.payload })
  device.onDeviceMethod('reboot', echo)
  device.onDeviceMethod('pump*start', echo)
  module.onMethod('ping', echo)
  await until(() => [PUMP, APP].every((ref) => hub.sessions.find(ref)?.takesMethods))
  const dir = mkdtempSync(join(tmpdir(), 'twinward-'))
  try {
    const caFile = join(dir, 'ca.pem')
    writeFileSync(caFile, hub.ca)
    const args = ['--conditions=source', '--import', 'tsx', SCENARIO, hub.ownerConnectionString]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: caFile }
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 })
    assert.match(stdout, /all steps passed/)
  } finally {
    await Promise.all([device.close(), module.close()])
    rmSync(dir, { recursive: true })
  }
})
