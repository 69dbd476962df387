import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestServer, type TestServer } from '../server.ts'

let server: TestServer
let devices = 0

before(async () => {
  server = await startTestServer()
})

after(() => server[Symbol.asyncDispose]())

/** A new device's twin path. */
async function newTwin(): Promise<string> {
  const deviceId = `pump-${devices++}`
  await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  return `/twins/${deviceId}`
}

test('GET: a new twin starts its counters where IoT Hub does, and mirrors its identity', async () => {
  const path = await newTwin()
  const { body: device } = await server.call('GET', path.replace('twins', 'devices'))
  const { body: twin, headers } = await server.call('GET', path)
  assert.equal(headers.etag, '"AAAAAAAAAAE="')
  assert.deepEqual([twin.etag, twin.version, twin.modelId], ['AAAAAAAAAAE=', 2, ''])
  assert.equal(twin.deviceEtag, device.etag)
  assert.deepEqual(
    [twin.status, twin.statusReason, twin.statusUpdateTime, twin.connectionState],
    ['enabled', null, '0001-01-01T00:00:00Z', 'Disconnected'],
  )
  assert.deepEqual(twin.x509Thumbprint, { primaryThumbprint: null, secondaryThumbprint: null })
  for (const absent of ['moduleId', 'deviceScope', 'parentScopes', 'generationId', 'managedBy']) {
    assert.equal(Object.hasOwn(twin, absent), false, absent)
  }
  for (const section of [twin.properties.desired, twin.properties.reported]) {
    assert.deepEqual(Object.keys(section), ['$metadata', '$version'])
    assert.equal(section.$version, 1)
    assert.match(section.$metadata.$lastUpdated, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/)
    assert.equal(section.$metadata.$lastUpdatedVersion, 1)
  }

  const module = path.replace('/twins', '/devices').concat('/modules/app')
  const ids = { deviceId: path.slice('/twins/'.length), moduleId: 'app' }
  const { body: identity } = await server.call('PUT', module, { body: ids })
  const { body: moduleTwin } = await server.call('GET', `${path}/modules/app`)
  assert.equal(moduleTwin.moduleId, 'app')
  assert.equal(moduleTwin.deviceEtag, identity.etag, 'the identity is the module’s own')
  const none = await server.call('GET', `${path}/modules/none`)
  assert.deepEqual([none.status, none.headers['iothub-errorcode']], [404, 'DeviceNotFound'])
})

test('an identity that changes does not move the twin’s etag, but its deviceEtag', async () => {
  const path = await newTwin()
  const { body: before } = await server.call('GET', path)
  await server.call('PUT', path.replace('twins', 'devices'), {
    body: { deviceId: before.deviceId, status: 'disabled', statusReason: 'lost' },
    headers: { 'if-match': '*' },
  })
  const { body: after } = await server.call('GET', path)
  assert.deepEqual([after.etag, after.version], [before.etag, before.version])
  assert.notEqual(after.deviceEtag, before.deviceEtag)
  assert.deepEqual([after.status, after.statusReason], ['disabled', 'lost'])
  assert.match(after.statusUpdateTime, /^20/)
})

test('versions: each section’s own, one step of the twin per write, also of the same values', async () => {
  const path = await newTwin()
  const counters = async (body: object, method = 'PATCH') => {
    const { status, body: twin } = await server.call(method, path, { body })
    assert.equal(status, 200)
    const { desired, reported } = twin.properties
    return [twin.etag, twin.version, desired.$version, reported.$version]
  }
  assert.deepEqual(await counters({ tags: { a: 1 } }), ['AAAAAAAAAAI=', 3, 1, 1])
  assert.deepEqual(await counters({ properties: { desired: { a: 1 } } }), ['AAAAAAAAAAM=', 4, 2, 1])
  const both = { tags: { a: 1 }, properties: { desired: { a: 1 } } }
  assert.deepEqual(await counters(both), ['AAAAAAAAAAQ=', 5, 3, 1])
  assert.deepEqual(await counters({}), ['AAAAAAAAAAQ=', 5, 3, 1])
  const foreign = { deviceId: 'x', version: 99, properties: { reported: { a: 1 } } }
  assert.deepEqual(await counters(foreign), ['AAAAAAAAAAQ=', 5, 3, 1])
  assert.deepEqual(await counters({}, 'PUT'), ['AAAAAAAAAAU=', 6, 4, 1])
})

test('PATCH and PUT: what stays, what goes, what is ignored', async () => {
  const path = await newTwin()
  const write = async (method: string, body: object) => {
    const { body: twin } = await server.call(method, path, { body })
    const { $metadata, $version, ...desired } = twin.properties.desired
    return { tags: twin.tags, desired, metadata: Object.keys($metadata).slice(2) }
  }
  const first = { a: 1, b: { c: [1], d: null }, gone: null }
  assert.deepEqual(await write('PATCH', { tags: first, properties: { desired: first } }), {
    tags: { a: 1, b: { c: [1] } },
    desired: { a: 1, b: { c: [1] } },
    metadata: ['a', 'b'],
  })
  assert.deepEqual(
    await write('PATCH', { tags: null, properties: { desired: { b: { c: null } } } }),
    {
      tags: {},
      desired: { a: 1, b: {} },
      metadata: ['a', 'b'],
    },
  )
  const next = { $version: 4, $metadata: { x: 1 }, e: {}, n: null }
  const put = { tags: { t: { u: null } }, properties: { desired: { ...next, $version: 3 } } }
  assert.deepEqual(await write('PUT', put), {
    tags: { t: {} },
    desired: { e: {} },
    metadata: ['e'],
  })
  assert.deepEqual(await write('PATCH', { properties: { desired: null } }), {
    tags: { t: {} },
    desired: {},
    metadata: [],
  })
  assert.deepEqual(await write('PUT', { tags: null }), { tags: {}, desired: {}, metadata: [] })
})

test('a whole twin may be sent back as it was read; a member that no twin has may not', async () => {
  const path = await newTwin()
  await server.call('PATCH', path, { body: { tags: { a: 1 }, properties: { desired: { b: 2 } } } })
  const { body: twin } = await server.call('GET', path)
  for (const method of ['PATCH', 'PUT']) {
    const { body: current } = await server.call('GET', path)
    const headers = { 'if-match': `"${current.etag}"` }
    const whole = { ...current, configurations: {}, deviceScope: null, parentScopes: [] }
    const { status, body } = await server.call(method, path, { body: whole, headers })
    assert.equal(status, 200)
    assert.deepEqual([body.tags, body.properties.desired.b], [{ a: 1 }, 2])
  }
  for (const stray of [{ desiredProperties: {} }, { properties: { desird: {} } }, { Tags: {} }]) {
    const { status, headers, body } = await server.call('PATCH', path, {
      body: { ...twin, ...stray },
    })
    assert.deepEqual([status, headers['iothub-errorcode']], [400, 'GenericBadRequest'])
    assert.match(body.Message, /no member '(desiredProperties|desird|Tags)'/)
  }
})

test('If-Match: every form of the current etag and of any; a stale one is 412 and nothing moves', async () => {
  const path = await newTwin()
  const write = async (
    ifMatch: string | undefined,
    body: object = { tags: { n: 1 } },
    method = 'PATCH',
  ) => {
    const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch }
    return (await server.call(method, path, { body, headers })).status
  }
  const current = async () => (await server.call('GET', path)).body.etag
  for (const form of [(e: string) => e, (e: string) => `"${e}"`, (e: string) => `W/"${e}"`]) {
    assert.equal(await write(form(await current())), 200)
    assert.equal(await write(form('AAAAAAAAAAE=')), 412)
    assert.equal(await write(form('AAAAAAAAAAE='), {}, 'PUT'), 412)
  }
  for (const any of ['*', '"*"', undefined]) assert.equal(await write(any), 200)
  const versioned = { properties: { desired: { a: 1, $version: 7 } } }
  assert.equal(await write(undefined, versioned), 412, 'a stale $version without If-Match')
  assert.equal(await write('*', versioned), 200, 'not compared beside an If-Match')
})

test('limits: 8 KB of tags and 32 KB of desired, to the byte; a refusal names it and applies nothing', async () => {
  const path = await newTwin()
  const text = 'x'.repeat(4096)
  const fill = (bytes: number) => {
    const values: Record<string, string> = {}
    for (let left = bytes, at = 10; left > 0; at++) {
      const length = Math.min(4096, left - 2)
      values[String(at)] = text.slice(0, length)
      left -= length + 2
    }
    return values
  }
  const put = (tags: object, desired: object) =>
    server.call('PUT', path, { body: { tags, properties: { desired } } })
  assert.equal((await put(fill(8192), fill(32768))).status, 200)
  const { body: before } = await server.call('GET', path)
  const tooMuch: [body: object, says: RegExp][] = [
    [{ tags: { z: '' } }, /Tags take 8193 of 8192/],
    [{ properties: { desired: { z: '' } } }, /Properties take 32769 of 32768/],
    [{ tags: { a: 1, b: { 'c d': 1 } } }, /Property b\."c d"/],
    [{ tags: { 10: null }, properties: { desired: { x: { y: [null] } } } }, /Property x\.y\[0\]/],
  ]
  for (const [body, says] of tooMuch) {
    const refused = await server.call('PATCH', path, { body })
    assert.deepEqual(
      [refused.status, refused.headers['iothub-errorcode']],
      [400, 'ArgumentInvalid'],
    )
    assert.match(refused.body.Message, says)
  }
  assert.deepEqual((await server.call('GET', path)).body, before)
})
