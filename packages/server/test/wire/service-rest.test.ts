import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../server.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')

test('devices: created, read, listed, replaced and deleted over the service API', async () => {
  await using server = await startTestServer()
  const created = await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  assert.equal(created.status, 200)
  assert.match(created.headers['content-type'] as string, /^application\/json; charset=utf-8$/)
  assert.match(created.headers['x-ms-request-id'] as string, /^[0-9a-f-]{36}$/)
  const device = created.body
  assert.equal(device.status, 'enabled')
  assert.equal(device.connectionState, 'Disconnected')
  assert.equal(Buffer.from(device.authentication.symmetricKey.primaryKey, 'base64').length, 32)
  assert.equal(created.headers.etag, `"${device.etag}"`)

  assert.deepEqual((await server.call('GET', '/devices/pump-1')).body, device)
  assert.deepEqual((await server.call('GET', '/devices/')).body, [device])

  const again = await server.call('PUT', '/devices/pump-1', { body: device })
  assert.equal(again.status, 409)
  assert.equal(again.headers['iothub-errorcode'], 'DeviceAlreadyExists')
  assert.match(again.body.Message, /^ErrorCode:DeviceAlreadyExists;A device with ID 'pump-1'/)

  const stale = { body: device, headers: { 'if-match': '"bm8="' } }
  assert.equal((await server.call('PUT', '/devices/pump-1', stale)).status, 412)
  const disabled = await server.call('PUT', '/devices/pump-1', {
    body: { ...device, status: 'disabled', statusReason: 'lost' },
    headers: { 'if-match': '"*"' },
  })
  assert.equal(disabled.status, 200)
  assert.equal(disabled.body.statusReason, 'lost')
  assert.equal(disabled.body.generationId, device.generationId)
  assert.deepEqual(disabled.body.authentication, device.authentication)
  assert.notEqual(disabled.body.etag, device.etag)

  assert.equal((await server.call('DELETE', '/devices/pump-1')).status, 412)
  const gone = await server.call('DELETE', '/devices/pump-1', { headers: { 'if-match': '*' } })
  assert.equal(gone.status, 204)
  const missing = await server.call('GET', '/devices/pump-1')
  assert.equal(missing.status, 404)
  assert.equal(missing.body.Message, 'ErrorCode:DeviceNotFound;pump-1')
})

test('modules: own keys, own twin, gone with their device', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const body = { deviceId: 'pump-1', moduleId: 'app', managedBy: 'me' }
  const created = await server.call('PUT', '/devices/pump-1/modules/app', { body })
  assert.equal(created.status, 200)
  assert.equal(created.body.managedBy, 'me')
  const again = await server.call('PUT', '/devices/pump-1/modules/app', { body })
  assert.equal(again.status, 409)
  assert.equal(again.body.errorCode, 409301)
  const { body: modules } = await server.call('GET', '/devices/pump-1/modules')
  assert.deepEqual(
    modules.map(({ moduleId }: { moduleId: string }) => moduleId),
    ['app', 'azureiotsecurity'],
  )
  await server.call('DELETE', '/devices/pump-1', { headers: { 'if-match': '*' } })
  assert.equal((await server.call('GET', '/twins/pump-1/modules/app')).status, 404)
  const orphan = await server.call('PUT', '/devices/pump-1/modules/app', { body })
  assert.equal(orphan.status, 404)
  assert.equal(orphan.headers['iothub-errorcode'], 'DeviceNotFound')
})

test('twins: merged by PATCH, replaced by PUT, guarded by If-Match', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const { body: fresh } = await server.call('GET', '/twins/pump-1')
  assert.equal(fresh.etag, 'AAAAAAAAAAE=')
  assert.equal(fresh.version, 2)
  assert.equal(fresh.properties.desired.$version, 1)

  const patched = await server.call('PATCH', '/twins/pump-1', {
    body: { tags: { site: 'b43' }, properties: { desired: { fan: { rpm: 900, on: true } } } },
    headers: { 'if-match': `"${fresh.etag}"` },
  })
  assert.equal(patched.status, 200)
  assert.equal(patched.body.version, 3)
  assert.equal(patched.body.properties.desired.$version, 2)
  assert.equal(patched.body.properties.desired.$metadata.fan.rpm.$lastUpdatedVersion, 2)
  assert.deepEqual(patched.body.tags, { site: 'b43' })

  const stale = { body: { tags: {} }, headers: { 'if-match': fresh.etag } }
  assert.equal((await server.call('PATCH', '/twins/pump-1', stale)).status, 412)
  const stray = await server.call('PATCH', '/twins/pump-1', { body: { desiredProperties: {} } })
  assert.equal(stray.headers['iothub-errorcode'], 'GenericBadRequest')
  const bad = await server.call('PATCH', '/twins/pump-1', {
    body: { properties: { desired: { 'a.b': 1 } } },
  })
  assert.equal(bad.status, 400)
  assert.match(bad.body.Message, /^ErrorCode:ArgumentInvalid;Property "a\.b"/)

  const whole = { ...patched.body, properties: { desired: { fan: { rpm: 1 } } } }
  const replaced = await server.call('PUT', '/twins/pump-1', { body: whole })
  assert.equal(replaced.status, 200)
  assert.deepEqual(replaced.body.properties.desired.fan, { rpm: 1 })
  assert.equal(replaced.body.properties.desired.$version, 3)
})

test('rights: each policy may do what its name says and no more', async () => {
  await using server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const status = async (method: string, path: string, policy: string | null) => {
    const options = method === 'GET' ? { policy } : { policy, body: { deviceId: 'pump-2' } }
    return (await server.call(method, path, options)).status
  }
  assert.equal(await status('GET', '/devices/pump-1', 'registryRead'), 200)
  assert.equal(await status('PUT', '/devices/pump-2', 'registryRead'), 401)
  assert.equal(await status('GET', '/devices/pump-1', 'service'), 401)
  assert.equal(await status('GET', '/twins/pump-1', 'service'), 200)
  assert.equal(await status('GET', '/twins/pump-1', 'registryReadWrite'), 401)
  assert.equal(await status('GET', '/twins/pump-1', 'device'), 401)
  assert.equal(await status('GET', '/api/security/alerts', 'service'), 200)
  assert.equal(await status('GET', '/api/security/alerts', 'device'), 401)
  assert.equal(await status('GET', '/api/security/alerts', null), 401)
  assert.equal(await status('GET', '/metrics', null), 401)
  assert.equal(await status('GET', '/health', null), 200)
})

test('bad input: says what is wrong, in the hub’s envelope', async () => {
  await using server = await startTestServer()
  const refused = async (method: string, path: string, body: unknown) => {
    const { status, headers, body: answer } = await server.call(method, path, { body })
    return [status, headers['iothub-errorcode'], answer.Message ?? answer.message]
  }
  assert.deepEqual(await refused('PUT', '/devices/a', '{"deviceId":'), [
    400,
    'GenericBadRequest',
    'ErrorCode:GenericBadRequest;The body is not JSON: expected a value (line 1, column 13).',
  ])
  const checks: [string, string, unknown, RegExp][] = [
    ['PUT', '/devices/a', { deviceId: 'b' }, /deviceId must be the one of the path/],
    ['PUT', '/devices/a%20b', { deviceId: 'a b' }, /id 'a b' is not valid/],
    ['PUT', '/devices/a', { deviceId: 'a', status: 'asleep' }, /enabled/],
    [
      'PUT',
      '/devices/a',
      { deviceId: 'a', authentication: { type: 'none' } },
      /AuthenticationType/,
    ],
    [
      'PUT',
      '/devices/a',
      { deviceId: 'a', authentication: { symmetricKey: { primaryKey: KEY } } },
      /Either no keys or both/,
    ],
    ['PUT', '/devices/a', { deviceId: 7 }, /body\/deviceId/],
    ['GET', '/devices?top=0', undefined, /top must be/],
  ]
  for (const [method, path, body, words] of checks) {
    const [status, , message] = await refused(method, path, body)
    assert.equal(status, 400, path)
    assert.match(message, words)
  }
  const unknown = await server.call('GET', '/nowhere')
  assert.deepEqual([unknown.status, unknown.headers['iothub-errorcode']], [404, 'GenericNotFound'])
})

test('GET /openapi.json: names every route', async () => {
  await using server = await startTestServer()
  const { body } = await server.call('GET', '/openapi.json', { policy: null })
  assert.equal(body.openapi, '3.1.0')
  for (const path of [
    '/devices/{deviceId}',
    '/twins/{deviceId}/modules/{moduleId}',
    '/api/devices/{deviceId}/security/config',
    '/api/security/alerts/{id}',
    '/health',
  ]) {
    assert.ok(body.paths[path], path)
  }
})

test('the landing page: served with everything it loads, under a strict policy', async () => {
  await using server = await startTestServer()
  const page = await server.call('GET', '/', { policy: null })
  assert.equal(page.status, 200)
  assert.match(String(page.headers['content-security-policy']), /default-src 'self'/)
  const loaded = [...String(page.body).matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(
    ([, path]) => path,
  )
  assert.ok(loaded.includes('/console.js'))
  for (const path of loaded) {
    assert.equal((await server.call('GET', path ?? '', { policy: null })).status, 200, path)
  }
})
