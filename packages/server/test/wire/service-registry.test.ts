import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import mqtt from 'mqtt'
import { type Answer, identityToken, startTestServer, type TestServer, until } from '../server.ts'

// File 01 of the wire's rules: identities over REST, one server for all.

const NEVER = '0001-01-01T00:00:00Z'
const ANY = { 'if-match': '*' }
let server: TestServer
let devices = 0

before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())

function newId(): string {
  return `device-${devices++}`
}

async function put(path: string, body: object, headers: Record<string, string> = {}) {
  const [, deviceId = '', , moduleId] = path.slice(1).split('/').map(decodeURIComponent)
  const ids = { deviceId, ...(moduleId !== undefined && { moduleId }) }
  return server.call('PUT', path, { body: { ...ids, ...body }, headers })
}

async function create(body: object = {}): Promise<Answer['body']> {
  const answer = await put(`/devices/${newId()}`, body)
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body
}

function refused({ status, headers, body }: Answer): [number, unknown, string] {
  return [status, headers['iothub-errorcode'], body.Message ?? body.message]
}

test('a new device: every member of 01 §1 with its default', async () => {
  const { generationId, etag, authentication, ...rest } = await create()
  assert.match(generationId, /^\d{15,20}$/)
  assert.match(Buffer.from(etag, 'base64').toString(), /^\d+$/)
  assert.deepEqual(rest, {
    deviceId: rest.deviceId,
    connectionState: 'Disconnected',
    status: 'enabled',
    statusReason: null,
    connectionStateUpdatedTime: NEVER,
    statusUpdatedTime: NEVER,
    lastActivityTime: NEVER,
    cloudToDeviceMessageCount: 0,
    capabilities: { iotEdge: false },
  })
  const { symmetricKey, x509Thumbprint, type } = authentication
  assert.equal(type, 'sas')
  assert.deepEqual(x509Thumbprint, { primaryThumbprint: null, secondaryThumbprint: null })
  for (const key of [symmetricKey.primaryKey, symmetricKey.secondaryKey]) {
    assert.equal(Buffer.from(key, 'base64').length, 32)
  }
  assert.notEqual(symmetricKey.primaryKey, symmetricKey.secondaryKey)
})

test('a module: what a device has and a module has not is missing, managedBy is there', async () => {
  const { deviceId } = await create({ status: 'disabled' })
  const { body } = await put(`/devices/${deviceId}/modules/m`, {
    managedBy: 'me',
    status: 'disabled',
  })
  assert.deepEqual(Object.keys(body).sort(), [
    'authentication',
    'cloudToDeviceMessageCount',
    'connectionState',
    'connectionStateUpdatedTime',
    'deviceId',
    'etag',
    'generationId',
    'lastActivityTime',
    'managedBy',
    'moduleId',
  ])
  const cleared = await put(`/devices/${deviceId}/modules/m`, {}, ANY)
  assert.equal(cleared.body.managedBy, '')
  assert.equal(cleared.body.generationId, body.generationId)
})

test('server fields and unknown members of a body are ignored', async () => {
  const device = await create()
  const { body } = await put(
    `/devices/${device.deviceId}`,
    {
      ...device,
      etag: 'bm9uc2Vuc2U=',
      generationId: '1',
      connectionState: 'Connected',
      connectionStateUpdatedTime: '2020-01-01T00:00:00Z',
      lastActivityTime: '2020-01-01T00:00:00Z',
      statusUpdatedTime: '2020-01-01T00:00:00Z',
      cloudToDeviceMessageCount: 7,
      favouriteColour: 'blue',
    },
    ANY,
  )
  const { etag: _, ...before } = device
  const { etag, ...after } = body
  assert.deepEqual(after, before)
  assert.notEqual(etag, device.etag)
})

test('etags move with identity writes, and with nothing else', async () => {
  const device = await create()
  const path = `/devices/${device.deviceId}`
  await server.call('PATCH', `/twins/${device.deviceId}`, { body: { tags: { a: 1 } } })
  assert.equal((await server.call('GET', path)).body.etag, device.etag)
  const { body } = await put(path, device, { 'if-match': device.etag })
  assert.notEqual(body.etag, device.etag)
  const twin = await server.call('GET', `/twins/${device.deviceId}`)
  assert.equal(twin.body.deviceEtag, body.etag)
})

test('If-Match: every form of an etag and of "any" is understood, a foreign one is 412', async () => {
  let device = await create()
  const path = `/devices/${device.deviceId}`
  for (const form of ['ETAG', '"ETAG"', 'W/"ETAG"', '*', '"*"']) {
    const answer = await put(path, device, { 'if-match': form.replace('ETAG', device.etag) })
    assert.equal(answer.status, 200, form)
    assert.equal(answer.headers.etag, `"${answer.body.etag}"`)
    device = answer.body
  }
  for (const form of ['bm8=', '"bm8="', 'W/"bm8="']) {
    const expected = [
      412,
      'PreconditionFailed',
      'ErrorCode:PreconditionFailed;PreconditionFailed, ETag may be invalid.',
    ]
    assert.deepEqual(refused(await put(path, device, { 'if-match': form })), expected)
    const deletion = await server.call('DELETE', path, { headers: { 'if-match': form } })
    assert.deepEqual(refused(deletion), expected)
  }
  const [status, code, text] = refused(await server.call('DELETE', path))
  assert.deepEqual([status, code], [412, 'PreconditionFailed'])
  assert.match(text, /missing ETag/)
  const gone = await server.call('DELETE', path, { headers: { 'if-match': `"${device.etag}"` } })
  assert.deepEqual([gone.status, gone.body], [204, ''])
})

test('PUT without If-Match only creates, with it only replaces', async () => {
  const device = await create()
  const { deviceId } = device
  assert.deepEqual(refused(await put(`/devices/${deviceId}`, device)), [
    409,
    'DeviceAlreadyExists',
    `ErrorCode:DeviceAlreadyExists;A device with ID '${deviceId}' is already registered.`,
  ])
  assert.deepEqual(refused(await put('/devices/nobody', {}, ANY)), [
    404,
    'DeviceNotFound',
    'ErrorCode:DeviceNotFound;nobody',
  ])
  const module = `/devices/${deviceId}/modules/m`
  assert.deepEqual(refused(await put(module, {}, ANY)).slice(0, 2), [404, 'ModuleNotFound'])
  await put(module, {})
  const again = await put(module, {})
  assert.equal(again.status, 409)
  assert.equal(again.body.errorCode, 409301)
  assert.match(
    again.body.message,
    new RegExp(`^Device ${deviceId} in IotHub .* already contains Module m\\.$`),
  )
})

test('404: what is missing is told apart, a module from its device', async () => {
  const { deviceId } = await create()
  const code = async (method: string, path: string, options = {}) => {
    const { status, headers } = await server.call(method, path, options)
    assert.equal(status, 404, path)
    return headers['iothub-errorcode']
  }
  assert.equal(await code('GET', '/devices/nobody'), 'DeviceNotFound')
  assert.equal(await code('DELETE', '/devices/nobody', { headers: ANY }), 'DeviceNotFound')
  assert.equal(await code('GET', '/devices/nobody/modules'), 'DeviceNotFound')
  assert.equal(await code('GET', '/devices/nobody/modules/m'), 'DeviceNotFound')
  assert.equal(await code('GET', `/devices/${deviceId}/modules/m`), 'ModuleNotFound')
  const deletion = { headers: ANY }
  assert.equal(await code('DELETE', `/devices/${deviceId}/modules/m`, deletion), 'ModuleNotFound')
  assert.equal(await code('GET', `/twins/${deviceId}/modules/m`), 'DeviceNotFound')
  const orphan = { body: { deviceId: 'nobody', moduleId: 'm' } }
  assert.equal(await code('PUT', '/devices/nobody/modules/m', orphan), 'DeviceNotFound')
})

test('a body that names another identity than the path is refused', async () => {
  const { deviceId } = await create()
  for (const [path, body] of [
    ['/devices/a', { deviceId: 'b' }],
    ['/devices/a', {}],
    [`/devices/${deviceId}/modules/m`, { deviceId, moduleId: 'n' }],
    [`/devices/${deviceId}/modules/m`, { deviceId: 'b', moduleId: 'm' }],
    [`/devices/${deviceId}/modules/m`, { deviceId }],
  ] as const) {
    const [status, code] = refused(await server.call('PUT', path, { body }))
    assert.deepEqual([status, code], [400, 'ArgumentInvalid'], path)
  }
})

test('statusUpdatedTime moves with the status only', async () => {
  const device = await create()
  const path = `/devices/${device.deviceId}`
  const reason = await put(path, { ...device, statusReason: 'checked' }, ANY)
  assert.equal(reason.body.statusUpdatedTime, NEVER)
  const disabled = await put(path, { ...device, status: 'Disabled' }, ANY)
  assert.equal(disabled.body.status, 'disabled')
  assert.match(disabled.body.statusUpdatedTime, /^20\d\d-.*Z$/)
  const later = await put(path, { ...disabled.body, statusReason: 'lost' }, ANY)
  assert.equal(later.body.statusUpdatedTime, disabled.body.statusUpdatedTime)
  const { body: twin } = await server.call('GET', `/twins/${device.deviceId}`)
  assert.equal(twin.statusUpdateTime, disabled.body.statusUpdatedTime)
  assert.equal(twin.statusReason, 'lost')
})

test('texts have 128 characters at most', async () => {
  const device = await create({ statusReason: 'x'.repeat(128) })
  const path = `/devices/${device.deviceId}`
  const long = 'x'.repeat(129)
  assert.equal((await put(path, { ...device, statusReason: long }, ANY)).status, 400)
  assert.equal((await put(`${path}/modules/m`, { managedBy: long })).status, 400)
})

test('ids: all of the alphabet, at full length, through every route and MQTT', async () => {
  const alphabet = "AZaz09-:.+%_#*?!(),=@;$'"
  const ids = [...alphabet.slice(6)].map((character) => `x${character}`)
  ids.push(
    alphabet,
    alphabet.padEnd(128, '%'),
    '%2F',
    '..',
    '.',
    '100%',
    '$x',
    '%41',
    'query',
    'A',
    'a',
  )
  for (const id of ids) {
    const path = `/devices/${encodeURIComponent(id)}`
    const created = await put(path, {})
    assert.equal(created.status, 200, id)
    assert.deepEqual((await server.call('GET', path)).body, created.body)
    const moduleId = id.startsWith('$') ? 'm' : id
    const module = `${path}/modules/${encodeURIComponent(moduleId)}`
    const moduleBody = (await put(module, {})).body
    assert.equal(moduleBody.moduleId, moduleId)
    const twin = (await server.call('GET', `/twins/${module.slice('/devices/'.length)}`)).body
    assert.deepEqual([twin.deviceId, twin.moduleId], [id, moduleId])
    const { body: modules } = await server.call('GET', `${path}/modules`)
    assert.ok(
      modules.some((entry: { moduleId: string }) => entry.moduleId === moduleId),
      id,
    )
  }
  const { body: list } = await server.call('GET', '/devices?top=1000')
  const listed = new Set(list.map(({ deviceId }: { deviceId: string }) => deviceId))
  for (const id of ids) assert.ok(listed.has(id), id)
  await connectOverMqtt(alphabet)
  for (const id of ids) {
    const path = `/devices/${encodeURIComponent(id)}`
    assert.equal((await server.call('DELETE', path, { headers: ANY })).status, 204, id)
  }
  for (const id of ['a b', 'ä', 'a/b', 'a\\b', 'x'.repeat(129), 'a"b', 'a<b', '[', '~', '&', '^']) {
    const answer = await put(`/devices/${encodeURIComponent(id)}`, {})
    assert.ok(answer.status === 400 || answer.status === 404, `${id}: ${answer.status}`)
  }
})

/** A plain MQTT client connects with the id, and its connection shows. */
async function connectOverMqtt(deviceId: string): Promise<void> {
  const path = `/devices/${encodeURIComponent(deviceId)}`
  const { body: identity } = await server.call('GET', path)
  const client = await mqtt.connectAsync(`mqtts://${server.host}:${server.ready.mqttPort}`, {
    ca: readFileSync(server.caFile),
    clientId: deviceId,
    username: `${server.host}/${deviceId}/?api-version=2021-04-12`,
    password: identityToken(`${server.host}/devices/${encodeURIComponent(deviceId)}`, identity),
    reconnectPeriod: 0,
  })
  try {
    const connected = (await server.call('GET', path)).body
    assert.equal(connected.connectionState, 'Connected')
    const { body: statistics } = await server.call('GET', '/statistics/service')
    assert.equal(statistics.connectedDeviceCount, 1)
    const times = await until(async () => {
      const { body } = await server.call('GET', path)
      return body.connectionStateUpdatedTime !== NEVER && body
    })
    assert.notEqual(times.lastActivityTime, NEVER)
    assert.equal(times.etag, identity.etag)
  } finally {
    await client.endAsync()
  }
}
