import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { LEGACY_CONFIGURATION_KEY } from '@twinward/protocol'
import { startTestServer, type TestServer } from '../server.ts'

// 01 §5: many identities in one call.

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())

const bulk = (entries: unknown) => server.call('POST', '/devices', { body: entries })
const get = async (path: string) => (await server.call('GET', path)).body
const DONE = { isSuccessful: true, errors: [], warnings: [] }

async function done(entries: readonly object[]): Promise<void> {
  const { status, body } = await bulk(entries)
  assert.deepEqual([status, body], [200, DONE])
}

/** The codes of the errors, which are all that a call answered, in order. */
async function errorsOf(entries: readonly object[]): Promise<[string, string, string][]> {
  const { status, body } = await bulk(entries)
  assert.equal(status, 400)
  assert.equal(body.isSuccessful, false)
  assert.deepEqual(body.warnings, [])
  return body.errors.map((error: Record<string, string>) => {
    assert.deepEqual(Object.keys(error).sort(), [
      'deviceId',
      'errorCode',
      'errorStatus',
      'moduleId',
      'operation',
    ])
    assert.ok(error.errorStatus)
    return [error.deviceId, error.errorCode, error.operation]
  })
}

test('create: as a PUT would, with the security module and the members of the entry', async () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  await done([
    { id: 'c1', importMode: 'create', status: 'disabled', statusReason: 'new' },
    {
      id: 'c2',
      importMode: 'Create',
      authentication: { symmetricKey: { primaryKey: key, secondaryKey: key } },
      capabilities: { iotEdge: true },
      tags: { site: 'b43' },
      properties: { desired: { rpm: 900 }, reported: { rpm: 1 } },
    },
  ])
  const c1 = await get('/devices/c1')
  assert.deepEqual([c1.status, c1.statusReason], ['disabled', 'new'])
  assert.equal((await get('/devices/c1/modules'))[0].moduleId, 'azureiotsecurity')
  const c2 = await get('/devices/c2')
  assert.equal(c2.authentication.symmetricKey.primaryKey, key)
  assert.match(c2.deviceScope, /^ms-azure-iot-edge:\/\/c2-\d+$/)
  assert.equal((await get('/devices/c2/modules')).length, 3)
  const twin = await get('/twins/c2')
  assert.deepEqual(twin.tags, { site: 'b43' })
  assert.equal(twin.properties.desired.rpm, 900)
  assert.equal(twin.properties.reported.rpm, undefined)
})

test('a failed entry leaves the others alone, and errors come in the order of the entries', async () => {
  await done([{ id: 'f1', importMode: 'create' }])
  const errors = await errorsOf([
    { id: 'f9', importMode: 'delete' },
    { id: 'f2', importMode: 'create' },
    { id: 'f1', importMode: 'create' },
    { id: 'f3', importMode: 'create', authentication: { type: 'none' } },
    { id: 'f 4', importMode: 'create' },
    { id: 'f5', moduleId: 'm', importMode: 'create' },
  ])
  assert.deepEqual(errors, [
    ['f9', 'DeviceNotFound', 'delete'],
    ['f1', 'DeviceAlreadyExists', 'create'],
    ['f3', 'ArgumentInvalid', 'create'],
    ['f 4', 'ArgumentInvalid', 'create'],
    ['f5', 'DeviceNotFound', 'create'],
  ])
  assert.equal((await get('/devices/f2')).deviceId, 'f2')
  assert.match((await get('/devices/f3')).Message, /DeviceNotFound/)
})

test('update and delete: with and without an etag', async () => {
  await done([1, 2, 3].map((n) => ({ id: `u${n}`, importMode: 'create' })))
  const { etag, authentication } = await get('/devices/u1')
  await done([{ id: 'u1', importMode: 'updateIfMatchETag', eTag: etag, status: 'disabled' }])
  const updated = await get('/devices/u1')
  assert.equal(updated.status, 'disabled')
  assert.notDeepEqual(updated.authentication, authentication)
  assert.deepEqual(
    await errorsOf([
      { id: 'u1', importMode: 'UpdateIfMatchETag', eTag: etag },
      { id: 'u2', importMode: 'UpdateIfMatchETag' },
      { id: 'u3', importMode: 'deleteIfMatchETag' },
      { id: 'u4', importMode: 'update' },
    ]),
    [
      ['u1', 'PreconditionFailed', 'updateIfMatchETag'],
      ['u2', 'PreconditionFailed', 'updateIfMatchETag'],
      ['u3', 'PreconditionFailed', 'deleteIfMatchETag'],
      ['u4', 'DeviceNotFound', 'update'],
    ],
  )
  await done([
    { id: 'u1', importMode: 'update', status: 'enabled' },
    { id: 'u2', importMode: 'deleteIfMatchETag', eTag: `"${(await get('/devices/u2')).etag}"` },
    // Node's registry client sends the member of an identity.
    { id: 'u3', importMode: 'DeleteIfMatchETag', etag: (await get('/devices/u3')).etag },
  ])
  assert.equal((await get('/devices/u1')).status, 'enabled')
  for (const id of ['u2', 'u3']) assert.match((await get(`/devices/${id}`)).Message, /NotFound/)
})

test('createOrUpdate: creates, then replaces; with IfMatchETag only what was read', async () => {
  await done([{ id: 'o1', importMode: 'createOrUpdate' }, { id: 'o2' }])
  await done([{ id: 'o1', importMode: 'createOrUpdate', status: 'disabled' }])
  const { status, etag } = await get('/devices/o1')
  assert.equal(status, 'disabled')
  const mode = { importMode: 'createOrUpdateIfMatchETag' }
  await done([
    { id: 'o1', ...mode, eTag: etag },
    { id: 'o3', ...mode },
  ])
  assert.deepEqual(
    await errorsOf([
      { id: 'o1', ...mode, eTag: etag },
      { id: 'o2', ...mode },
    ]),
    [
      ['o1', 'PreconditionFailed', mode.importMode],
      ['o2', 'PreconditionFailed', mode.importMode],
    ],
  )
})

test('updateTwin: merges into twins of devices and modules', async () => {
  await done([{ id: 't1', importMode: 'create', tags: { a: 1, b: 1 } }, { id: 't2' }])
  const mode = { importMode: 'updateTwin' }
  await done([
    { id: 't1', ...mode, tags: { b: null, c: 1 }, properties: { desired: { x: 1 } } },
    { id: 't2', moduleId: 'azureiotsecurity', ...mode, tags: { group: 'pumps' } },
  ])
  const twin = await get('/twins/t1')
  assert.deepEqual(twin.tags, { a: 1, c: 1 })
  assert.equal(twin.properties.desired.x, 1)
  const module = await get('/twins/t2/modules/azureiotsecurity')
  assert.equal(module.tags.group, 'pumps')
  const matched = { importMode: 'updateTwinIfMatchETag', tags: { d: 1 } }
  await done([{ id: 't1', ...matched, twinETag: twin.etag }])
  assert.deepEqual(
    await errorsOf([
      { id: 't1', ...matched, twinETag: twin.etag },
      { id: 't2', ...matched },
    ]),
    [
      ['t1', 'PreconditionFailed', 'updateTwinIfMatchETag'],
      ['t2', 'PreconditionFailed', 'updateTwinIfMatchETag'],
    ],
  )
})

test('modules: created, updated and deleted like devices', async () => {
  await done([{ id: 'm1' }, { id: 'm2' }])
  await done([
    { id: 'm1', moduleId: 'app', importMode: 'create', managedBy: 'me', tags: { a: 1 } },
    { id: 'm2', moduleId: 'app' },
  ])
  const { etag, managedBy } = await get('/devices/m1/modules/app')
  assert.equal(managedBy, 'me')
  await done([{ id: 'm1', moduleId: 'app', importMode: 'updateIfMatchETag', eTag: etag }])
  assert.equal((await get('/devices/m1/modules/app')).managedBy, '')
  const { body } = await bulk([{ id: 'm1', moduleId: 'app', importMode: 'create' }])
  assert.deepEqual(
    [body.errors[0].moduleId, body.errors[0].errorCode],
    ['app', 'ModuleAlreadyExistsOnDevice'],
  )
  await done([{ id: 'm1', moduleId: 'app', importMode: 'delete' }])
  assert.match((await get('/devices/m1/modules/app')).Message, /ModuleNotFound/)
})

test('a device id that comes twice refuses the whole call', async () => {
  for (const twice of [
    [{ id: 'd1' }, { id: 'd2' }, { id: 'd1' }],
    [{ id: 'd1' }, { id: 'd1', moduleId: 'm' }],
  ]) {
    const { status, body, headers } = await bulk(twice)
    assert.equal(status, 400)
    assert.equal(headers['iothub-errorcode'], 'DeviceDefinedMultipleTimes')
    assert.equal(
      body.Message,
      'ErrorCode:DeviceDefinedMultipleTimes;DeviceDefinedMultipleTimes, device ID d1',
    )
  }
  assert.match((await get('/devices/d2')).Message, /DeviceNotFound/)
})

test('from 1 to 100 entries of the right shape', async () => {
  const many = Array.from({ length: 101 }, (_, n) => ({ id: `n${n}` }))
  const tooMany = await bulk(many)
  assert.deepEqual([tooMany.status, tooMany.headers['iothub-errorcode']], [413, 'TooManyDevices'])
  await done(many.slice(0, 100))
  for (const body of [[], {}, [{ id: 7 }], [{}], ['a'], [{ id: 'a', importMode: 'explode' }]]) {
    const { status, headers } = await bulk(body)
    assert.deepEqual([status, headers['iothub-errorcode']], [400, 'ArgumentInvalid'])
  }
})

test('of two calls that create the same devices at once, each device is created by one', async () => {
  const entries = Array.from({ length: 100 }, (_, n) => ({ id: `r${n}`, importMode: 'create' }))
  const answers = await Promise.all([bulk(entries), bulk(entries), bulk(entries)])
  const failures = answers.flatMap(({ body }) => body.errors)
  assert.equal(failures.length, 200)
  assert.ok(failures.every(({ errorCode }) => errorCode === 'DeviceAlreadyExists'))
})

test('what a security agent must not be told is refused here too', async () => {
  const path = { baselineCustomChecksFilePath: { value: '/tmp/x; reboot' } }
  const properties = { desired: { [LEGACY_CONFIGURATION_KEY]: path } }
  const module = { id: 's1', moduleId: 'azureiotsecurity', status: 'enabled', properties }
  await done([{ id: 's1' }])
  for (const importMode of ['updateTwin', 'createOrUpdate', 'update']) {
    const { body } = await bulk([{ ...module, importMode }])
    assert.equal(body.errors[0].errorCode, 'ArgumentInvalid', importMode)
  }
  const lines = [
    { id: 's2', status: 'enabled' },
    { ...module, id: 's2' },
  ]
  const text = lines.map((line) => JSON.stringify(line)).join('\n')
  const { body } = await server.call('POST', '/api/registry/import', { body: text })
  assert.deepEqual([body.succeeded, body.errors[0].moduleId], [1, 'azureiotsecurity'])
})
