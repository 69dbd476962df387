import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatConnectionString } from '@twinward/protocol'
import iotDevice from 'azure-iot-device'
import iotMqtt from 'azure-iot-device-mqtt'
import { connectAsync, type MqttClient } from 'mqtt'
import { readPolicies } from '../../src/data-dir.ts'
import { identityToken, startTestServer, type TestServer, until } from '../server.ts'

const mayBind443 = process.getuid?.() === 0
const SCENARIO = fileURLToPath(new URL('twins-sdk-scenario.ts', import.meta.url))

let server: TestServer
let devices = 0

before(async () => {
  server = await startTestServer(mayBind443 ? { httpsPort: 443 } : {})
})

after(() => server[Symbol.asyncDispose]())

/** A new device's twin path. */
async function newTwin(): Promise<string> {
  const deviceId = `pump-${devices++}`
  await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  return `/twins/${deviceId}`
}

test('writers at once, over HTTPS and MQTT: no write is lost, no version left out, etags guard', async () => {
  const path = await newTwin()
  const deviceId = path.slice('/twins/'.length)
  const client = await connect(deviceId)
  const twin = await client.getTwin()
  const report = (n: number) =>
    new Promise<void>((resolve, reject) => {
      const patch = { [`r${n}`]: n, last: n }
      twin.properties.reported.update(patch, (error?: Error) => (error ? reject(error) : resolve()))
    })
  const plain = Array.from({ length: 20 }, (_, n) =>
    server.call('PATCH', path, {
      body: { tags: { [`t${n}`]: n }, properties: { desired: { [`d${n}`]: n } } },
    }),
  )
  const guarded = Array.from({ length: 5 }, () => increment(path))
  const reports = Array.from({ length: 20 }, (_, n) => report(n))
  const answers = await Promise.all(plain)
  const tries = await Promise.all(guarded)
  await Promise.all(reports)

  const { body: after } = await server.call('GET', path)
  const { $version, $metadata, counter, ...desired } = after.properties.desired
  assert.equal(Object.keys(desired).length, 20)
  assert.equal(Object.keys(after.tags).length, 20)
  assert.equal(counter, 5, 'each of the guarded increments counted once')
  assert.equal($version, 1 + 20 + 5)
  assert.equal(after.properties.reported.$version, 1 + 20)
  assert.equal(after.version, 2 + 20 + 5 + 20)
  assert.equal(Buffer.from(after.etag, 'base64').readBigUInt64BE(), BigInt(1 + 20 + 5))
  const versions = [...answers, ...tries].map(({ body }) => body.properties.desired.$version)
  assert.deepEqual(
    versions.sort((a, b) => a - b),
    Array.from({ length: 25 }, (_, n) => n + 2),
  )
  await client.close()
})

test('MQTT: a reported section holds 32 KB; more, and what is no good JSON, is 400004 in the body', async () => {
  const path = await newTwin()
  const deviceId = path.slice('/twins/'.length)
  const client = await connectPlain(deviceId)
  const answers: [topic: string, body: string][] = []
  client.on('message', (topic, body) => void answers.push([topic, body.toString()]))
  await client.subscribeAsync('$iothub/twin/res/#')
  const text = 'x'.repeat(4095)
  const full = JSON.stringify(Object.fromEntries([...'abcdefgh'].map((key) => [key, text])))
  const refusals: [body: string | Buffer, says: RegExp][] = [
    ['{"i":""}', /Properties take 32769 of 32768 bytes/],
    ['{"a.b":1}', /Property "a\.b"/],
    ['{"a":1,"a":1}', /member "a" is there twice/],
    ['{"a":1e400}', /out of range/],
    ['{"a":"\\ud800"}', /surrogate/],
    ['{"a":', /not JSON: expected a value \(line 1, column 6\)/],
    ['['.repeat(100_000), /deeper than 64/],
    ['[]', /not a JSON object/],
    ['', /empty/],
    [Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
  ]
  for (const [at, body] of [full, ...refusals.map(([body]) => body)].entries()) {
    await client.publishAsync(`$iothub/twin/PATCH/properties/reported/?$rid=${at}`, body)
  }
  await until(() => answers.length === 1 + refusals.length)
  const [accepted, ...refused] = answers
  assert.deepEqual(accepted, ['$iothub/twin/res/204/?$rid=0&$version=2', ''])
  for (const [at, [, says]] of refusals.entries()) {
    const [topic, body] = refused[at] ?? ['', '']
    assert.equal(topic, `$iothub/twin/res/400/?$rid=${at + 1}`)
    const { errorCode, message, trackingId, timestampUtc } = JSON.parse(body)
    assert.equal(errorCode, 400004, message)
    assert.match(message, says)
    assert.ok(trackingId.includes('TimeStamp:') && Date.parse(timestampUtc) > 0)
  }
  const { body: twin } = await server.call('GET', path)
  assert.deepEqual([twin.properties.reported.$version, twin.version], [2, 3])
  await client.endAsync()
})

test('MQTT: a device is told a PATCH as written, and of a PUT null for what went, at any depth', async () => {
  const path = await newTwin()
  const client = await connectPlain(path.slice('/twins/'.length))
  const told: [topic: string, body: object][] = []
  client.on('message', (topic, body) => void told.push([topic, JSON.parse(body.toString())]))
  await client.subscribeAsync('$iothub/twin/PATCH/properties/desired/#')
  const writes: [method: string, desired: object, told: object][] = [
    ['PATCH', { a: 1, b: { x: 1, y: 2 }, n: null }, { a: 1, b: { x: 1, y: 2 }, n: null }],
    ['PATCH', { a: 1 }, { a: 1 }],
    ['PUT', { a: 1, b: { x: 1 }, c: [1] }, { a: 1, b: { x: 1, y: null }, c: [1] }],
    ['PUT', { c: { z: null } }, { a: null, b: null, c: {} }],
  ]
  for (const [method, desired] of writes) {
    await server.call('PATCH', path, { body: { tags: { unseen: 1 } } })
    await server.call(method, path, { body: { properties: { desired } } })
  }
  await until(() => told.length === writes.length)
  for (const [at, [, , expected]] of writes.entries()) {
    const $version = at + 2
    const topic = `$iothub/twin/PATCH/properties/desired/?$version=${$version}`
    assert.deepEqual(told[at], [topic, { ...expected, $version }])
  }
  await client.endAsync()
})

// The service SDK speaks HTTPS only on port 443, and takes a private CA when its process starts.
test('azure-iothub and azure-iot-device, unmodified: twins from both ends', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  const deviceId = (await newTwin()).slice('/twins/'.length)
  const [owner] = readPolicies(server.dataDir)
  const service = formatConnectionString({
    hostName: server.host,
    sharedAccessKeyName: owner?.name ?? '',
    sharedAccessKey: owner?.primaryKey ?? '',
  })
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO]
  const strings = [service, await server.connectionString(deviceId), deviceId]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, [...args, ...strings], {
    env,
    timeout: 60_000,
  })
  assert.match(stdout, /all steps passed/)
})

/** Reads, adds one to `counter`, writes if nobody was faster; until it is done. */
async function increment(path: string) {
  return until(async () => {
    const { body: twin } = await server.call('GET', path)
    const counter = (twin.properties.desired.counter ?? 0) + 1
    const answer = await server.call('PATCH', path, {
      body: { properties: { desired: { counter } } },
      headers: { 'if-match': `"${twin.etag}"` },
    })
    assert.ok([200, 412].includes(answer.status))
    return answer.status === 200 && answer
  })
}

async function connect(deviceId: string): Promise<iotDevice.Client> {
  const text = await server.connectionString(deviceId)
  const client = iotDevice.Client.fromConnectionString(text, iotMqtt.Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  return client
}

/** A device without an SDK. */
async function connectPlain(deviceId: string): Promise<MqttClient> {
  const { body: identity } = await server.call('GET', `/devices/${deviceId}`)
  return connectAsync({
    protocol: 'mqtts',
    host: server.host,
    port: server.ready.mqttPort,
    ca: readFileSync(server.caFile),
    clientId: deviceId,
    username: `${server.host}/${deviceId}/?api-version=2021-04-12`,
    password: identityToken(`${server.host}/devices/${deviceId}`, identity),
  })
}
