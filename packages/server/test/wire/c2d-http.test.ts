import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connectAsync } from 'mqtt'
import { FEEDBACK, lockOf, newDevice, statuses, takeFeedback, VERSION } from '../c2d.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

const SCENARIO = fileURLToPath(new URL('c2d-http-sdk-scenario.ts', import.meta.url))
const mayBind443 = process.getuid?.() === 0

let server: TestServer

before(async () => {
  server = await startTestServer(mayBind443 ? { httpsPort: 443 } : {})
})
after(() => server[Symbol.asyncDispose]())

test('receive: one message with all headers of IoT Hub, its body as it is; else 204', async () => {
  const { bound, device, send } = await newDevice(server)
  const empty = await device('GET')
  assert.deepEqual([empty.status, empty.body], [204, ''])
  const ids = { messageId: 'm-1', correlationId: 'c-1', userId: 'u-1' }
  const sent = await send({
    ...ids,
    body: 'héllo',
    contentType: 'text/plain',
    contentEncoding: 'utf-8',
    ack: 'Full',
    properties: { Colour: 'deep red', none: null, 'a(b) c': '100%' },
  })
  assert.equal(sent.status, 201)
  const got = await device('GET')
  assert.equal(got.status, 200)
  const { headers } = got
  assert.match(String(headers.etag), /^"[0-9a-f-]{36}"$/)
  assert.deepEqual(
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => /^iothub-|^content-type$/.test(name)),
    ),
    {
      'content-type': 'text/plain',
      'iothub-messageid': 'm-1',
      'iothub-correlationid': 'c-1',
      'iothub-userid': 'u-1',
      'iothub-to': bound,
      'iothub-sequencenumber': String(sent.body.sequenceNumber),
      'iothub-enqueuedtime': sent.body.enqueuedTimeUtc,
      'iothub-expiry': sent.body.expiryTimeUtc,
      'iothub-deliverycount': '0',
      'iothub-ack': 'full',
      'iothub-contenttype': 'text/plain',
      'iothub-contentencoding': 'utf-8',
      'iothub-app-colour': 'deep red',
      'iothub-app-none': '',
      'iothub-app-a%28b%29%20c': '100%',
    },
  )
  assert.equal(got.body, 'héllo')
  assert.equal((await device('GET')).status, 204, 'nobody else gets it while it is locked')
})

test('settle: the token in the path as clients write it; a lost lock is 412002', async () => {
  const { device, send } = await newDevice(server)
  const forms: readonly [method: string, path: (lock: string) => string, ends: string][] = [
    ['DELETE', (lock) => `/${lock}`, 'Success'],
    ['DELETE', (lock) => `/%22${lock}%22`, 'Success'],
    ['DELETE', (lock) => `/"${lock}"`, 'Success'],
    ['DELETE', (lock) => `/${lock}?reject`, 'Rejected'],
    ['DELETE', (lock) => `/${lock}?reject=`, 'Rejected'],
    ['DELETE', (lock) => `/%22${lock}%22?reject=true`, 'Rejected'],
  ]
  await takeFeedback(server)
  for (const [at, [method, path]] of forms.entries()) {
    await send({ messageId: `m-${at}`, ack: 'full' })
    const lock = lockOf(await device('GET'))
    const settled = await device(method, path(lock))
    assert.deepEqual([settled.status, settled.body], [204, ''])
    const lost = await device(method, path(lock))
    assert.equal(lost.status, 412)
    assert.equal(lost.headers['iothub-errorcode'], 'DeviceMessageLockLost')
  }
  assert.deepEqual(
    await statuses(server),
    forms.map(([, , ends], at) => `m-${at} ${ends}`),
  )

  await send({ messageId: 'again' })
  const lock = lockOf(await device('GET'))
  assert.equal((await device('POST', `/%22${lock}%22/abandon`)).status, 204)
  assert.equal((await device('POST', `/${lock}/abandon`)).status, 412)
  assert.equal((await device('GET')).headers['iothub-deliverycount'], '1')
})

test('deviceBound: one device never receives or settles for another; modules get 404', async () => {
  const one = await newDevice(server)
  const other = await newDevice(server)
  await one.send({})
  const got = await one.device('GET')
  const foreign = { policy: null, headers: { authorization: other.authorization } }
  assert.equal((await server.call('GET', one.bound, foreign)).status, 401)
  assert.equal((await server.call('DELETE', `${one.bound}/${lockOf(got)}`, foreign)).status, 401)
  const lost = await other.device('DELETE', `/${lockOf(got)}`)
  assert.equal(lost.headers['iothub-errorcode'], 'DeviceMessageLockLost')
  const byPolicy = await server.call('GET', one.bound, { policy: 'device' })
  assert.equal(byPolicy.status, 204, 'a policy with DeviceConnect may')
  assert.equal((await server.call('GET', one.bound, { policy: 'service' })).status, 401)
  const head = await one.device('HEAD')
  assert.ok(head.status >= 400, 'a HEAD locks nothing')

  const module = `/devices/${one.deviceId}/modules/azureiotsecurity/messages/deviceBound`
  assert.equal((await server.call('GET', module)).status, 404)
  assert.equal((await server.call('DELETE', `${module}/x`)).status, 404)
  assert.equal((await server.call('POST', `${module}/x/abandon`)).status, 404)
})

test('send: our own route says what is wrong, and who may', async () => {
  const { bound, identity, send } = await newDevice(server)
  const refused: readonly [body: object, code: string][] = [
    [{ body: 'a', bodyBase64: 'YQ==' }, 'ArgumentInvalid'],
    [{ bodyBase64: 'a b' }, 'ArgumentInvalid'],
    [{ data: 'x' }, 'ArgumentInvalid'],
    [{ ack: 'maybe' }, 'ArgumentInvalid'],
    [{ messageId: 'a b' }, 'ArgumentInvalid'],
    [{ properties: { n: 1 } }, 'ArgumentInvalid'],
    [{ properties: { n: 'a\r\nb: c' } }, 'ArgumentInvalid'],
    [{ ttlSeconds: 60, expiryTimeUtc: '2099-01-01T00:00:00Z' }, 'ArgumentInvalid'],
    [{ ttlSeconds: 0 }, 'ArgumentInvalid'],
    [{ ttlSeconds: 172_801 }, 'InvalidMessageExpiryTime'],
    [{ expiryTimeUtc: '2020-01-01T00:00:00Z' }, 'InvalidMessageExpiryTime'],
    [{ body: 'x'.repeat(64 * 1024) }, 'MessageTooLarge'],
  ]
  for (const [body, code] of refused) {
    const answer = await send(body)
    assert.equal(answer.headers['iothub-errorcode'], code, JSON.stringify(body).slice(0, 80))
  }
  const body = { body: 'x' }
  const unknown = await server.call('POST', '/api/devices/none/messages/deviceBound', { body })
  assert.deepEqual([unknown.status, unknown.headers['iothub-errorcode']], [404, 'DeviceNotFound'])
  for (const policy of ['device', 'registryReadWrite', null]) {
    assert.equal((await send(body, { policy })).status, 401, String(policy))
  }
  assert.equal((await send(body, { policy: 'service' })).status, 201)
  const disable = { body: { ...identity, status: 'disabled' }, headers: { 'if-match': '*' } }
  await server.call('PUT', `/devices/${identity.deviceId}`, disable)
  const disabled = await server.call('POST', `/api${bound}`, { body })
  assert.deepEqual([disabled.status, disabled.headers['iothub-errorcode']], [404, 'DeviceNotFound'])
})

test('depth: message 51 is 403004; views count; commands purges and gives feedback', async () => {
  const { deviceId, send } = await newDevice(server)
  await takeFeedback(server)
  const sent = Array.from({ length: 51 }, (_, n) => send({ messageId: `m-${n}`, ack: 'negative' }))
  const answers = await Promise.all(sent)
  const [full, ...others] = answers.filter(({ status }) => status !== 201)
  assert.deepEqual([full?.status, others.length], [403, 0])
  assert.equal(full?.headers['iothub-errorcode'], 'DeviceMaximumQueueDepthExceeded')
  for (const path of [`/devices/${deviceId}`, `/twins/${deviceId}`]) {
    assert.equal((await server.call('GET', path)).body.cloudToDeviceMessageCount, 50, path)
  }
  const commands = `/devices/${deviceId}/commands`
  assert.equal((await server.call('DELETE', commands, { policy: 'device' })).status, 401)
  const purged = await server.call('DELETE', commands, { policy: 'service' })
  assert.deepEqual([purged.status, purged.body], [200, { deviceId, totalMessagesPurged: 50 }])
  assert.equal((await server.call('GET', `/twins/${deviceId}`)).body.cloudToDeviceMessageCount, 0)
  const records = await takeFeedback(server)
  assert.equal(records.length, 50)
  assert.ok(records.every(({ statusCode }: { statusCode: string }) => statusCode === 'Purged'))
  assert.equal((await server.call('DELETE', '/devices/none/commands')).status, 404)
})

test('feedback: records as IoT Hub shows them; locked, abandoned, completed', async () => {
  const { deviceId, identity, device, send } = await newDevice(server)
  await takeFeedback(server)
  await send({ messageId: 'm-1', ack: 'positive' })
  await device('DELETE', `/${lockOf(await device('GET'))}`)
  const path = `${FEEDBACK}?${VERSION}`
  assert.equal((await server.call('GET', path, { policy: 'registryRead' })).status, 401)
  const batch = await server.call('GET', path, { policy: 'service' })
  assert.match(String(batch.headers['content-type']), /^application\/json/)
  const [{ enqueuedTimeUtc, ...record }, ...others] = batch.body
  assert.match(enqueuedTimeUtc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
  assert.deepEqual(others, [])
  assert.deepEqual(record, {
    originalMessageId: 'm-1',
    statusCode: 'Success',
    description: 'Success',
    deviceId,
    deviceGenerationId: identity.generationId,
  })
  assert.equal((await server.call('GET', path)).status, 204, 'it is locked')
  const abandon = `${FEEDBACK}/%22${lockOf(batch)}%22/abandon?${VERSION}`
  assert.equal((await server.call('POST', abandon)).status, 204)
  const lost = await server.call('DELETE', `${FEEDBACK}/${lockOf(batch)}?${VERSION}`)
  assert.equal(lost.headers['iothub-errorcode'], 'DeviceMessageLockLost')
  assert.deepEqual(await statuses(server), ['m-1 Success'])
  assert.deepEqual(await takeFeedback(server), [])
})

test('modules: have a queue of their own, which our own routes fill and purge', async () => {
  const { deviceId } = await newDevice(server)
  const path = `/api/devices/${deviceId}/modules/azureiotsecurity/messages/deviceBound`
  assert.equal((await server.call('POST', path, { body: { ack: 'full' } })).status, 201)
  const twin = await server.call('GET', `/twins/${deviceId}/modules/azureiotsecurity`)
  assert.equal(twin.body.cloudToDeviceMessageCount, 1)
  assert.equal((await server.call('GET', `/twins/${deviceId}`)).body.cloudToDeviceMessageCount, 0)
  const purged = await server.call('DELETE', path)
  assert.deepEqual(purged.body, { deviceId, moduleId: 'azureiotsecurity', totalMessagesPurged: 1 })
  const missing = path.replace('azureiotsecurity', 'none')
  const answer = await server.call('POST', missing, { body: {} })
  assert.deepEqual([answer.status, answer.headers['iothub-errorcode']], [404, 'ModuleNotFound'])
})

test('receive: a body of any bytes arrives byte by byte', async () => {
  const { bound, send, authorization } = await newDevice(server)
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, at) => at & 255))
  await send({ bodyBase64: bytes.toString('base64') })
  const body = await new Promise<Buffer>((resolve, reject) => {
    const { host, ready, caFile } = server
    const options = { host, port: ready.httpsPort, ca: readFileSync(caFile) }
    const path = `${bound}?${VERSION}`
    const call = request({ ...options, path, headers: { authorization } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks)))
    })
    call.on('error', reject).end()
  })
  assert.deepEqual(body, bytes)
})

test('receive: what an MQTT session holds comes over HTTPS only when it has gone', async (t) => {
  const { deviceId, device, send, authorization } = await newDevice(server)
  await send({ messageId: 'm-1' })
  const { host, ready, caFile } = server
  const client = await connectAsync(`mqtts://${host}:${ready.mqttPort}`, {
    clientId: deviceId,
    username: `${host}/${deviceId}/?${VERSION}`,
    password: authorization,
    ca: readFileSync(caFile),
    reconnectPeriod: 0,
  })
  t.after(() => client.end(true))
  // MQTT.js acknowledges when its handler is done; this one never is.
  const arrived = new Promise<void>((resolve) => {
    client.handleMessage = () => resolve()
  })
  await client.subscribeAsync(`devices/${deviceId}/messages/devicebound/#`, { qos: 1 })
  await arrived
  assert.equal((await device('GET')).status, 204)
  const { body: held } = await server.call('GET', `/devices/${deviceId}`)
  assert.equal(held.cloudToDeviceMessageCount, 1)
  client.end(true)
  const got = await until(async () => {
    const answer = await device('GET')
    return answer.status === 200 && answer
  })
  assert.equal(got.headers['iothub-messageid'], 'm-1')
  assert.equal(got.headers['iothub-deliverycount'], '0')
})

test('azure-iot-device-http, unmodified: receives, completes, rejects and abandons', {
  skip: !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows',
}, async () => {
  const { deviceId, key, bound, send } = await newDevice(server)
  await takeFeedback(server)
  for (const messageId of ['a', 'b', 'c']) {
    const properties = { colour: `red ${messageId}` }
    await send({ messageId, correlationId: 'c-1', body: 'hello', ack: 'full', properties })
  }
  const login = `HostName=${server.host};DeviceId=${deviceId};SharedAccessKey=${key}`
  const args = ['--conditions=source', '--import', 'tsx', SCENARIO, login]
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 })
  const seen = JSON.parse(stdout)
  assert.deepEqual(
    seen.map(({ messageId }: { messageId: string }) => messageId),
    ['a', 'b', 'c', 'c'],
  )
  const { expiry, properties, ...first } = seen[0]
  assert.ok(Date.parse(expiry) > Date.now())
  assert.deepEqual(first, {
    messageId: 'a',
    correlationId: 'c-1',
    to: bound,
    body: 'hello',
  })
  // This SDK leaves the prefix on.
  assert.deepEqual(properties, [{ key: 'iothub-app-colour', value: 'red a' }])
  assert.deepEqual(await statuses(server), ['a Success', 'b Rejected', 'c Success'])
})
