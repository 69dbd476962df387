import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import mqtt from 'mqtt'
import { type Answer, identityToken, startTestServer, type TestServer, until } from '../server.ts'

// File 01 of the wire's rules: credentials, modules, edge and numbers, one server for all.

const KEY = Buffer.alloc(32, 1).toString('base64')
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

test('edge: system modules come and go with the capability, and belong to nobody', async () => {
  const device = await create({ capabilities: { iotEdge: true } })
  const path = `/devices/${device.deviceId}`
  const ids = async () => {
    const { body } = await server.call('GET', `${path}/modules`)
    return body.map(({ moduleId }: { moduleId: string }) => moduleId)
  }
  assert.deepEqual(await ids(), ['$edgeAgent', '$edgeHub', 'azureiotsecurity'])
  const agent = `${path}/modules/$edgeAgent`
  const { body } = await server.call('GET', agent)
  assert.equal(body.managedBy, 'iotEdge')
  assert.equal(body.authentication.type, 'none')
  const [status, code] = refused(await server.call('DELETE', agent, { headers: ANY }))
  assert.deepEqual([status, code], [401, 'SystemModuleModifyUnauthorizedAccess'])

  const patch = { body: { properties: { desired: { level: 3 } } } }
  const twinPath = `/twins/${device.deviceId}/modules/$edgeAgent`
  assert.equal((await server.call('PATCH', twinPath, patch)).body.properties.desired.level, 3)
  assert.equal((await server.call('GET', twinPath)).body.properties.desired.level, 3)

  const leaf = await put(path, { ...device, capabilities: { iotEdge: false } }, ANY)
  assert.equal(leaf.status, 200, leaf.body.Message)
  assert.deepEqual(await ids(), ['azureiotsecurity'])
  const { capabilities: _, ...bare } = leaf.body
  const edge = await put(path, { ...bare, capabilities: { iotEdge: true } }, ANY)
  assert.equal(edge.body.deviceScope, `ms-azure-iot-edge://${device.deviceId}`)
  assert.deepEqual(await ids(), ['$edgeAgent', '$edgeHub', 'azureiotsecurity'])
  const { body: fresh } = await server.call('GET', twinPath)
  assert.equal(fresh.properties.desired.level, undefined)
  const repeated = await put(path, edge.body, ANY)
  assert.equal(repeated.status, 200)
  assert.equal((await server.call('GET', twinPath)).body.deviceEtag, fresh.deviceEtag)
})

test('scopes: shown in identity and twin, absent when there is none', async () => {
  const parent = await create({ capabilities: { iotEdge: true }, deviceScope: 'mine' })
  assert.match(parent.deviceScope, /^ms-azure-iot-edge:\/\/device-\d+-\d+$/)
  assert.ok(!('parentScopes' in parent))
  const leaf = await create({ deviceScope: parent.deviceScope, parentScopes: ['ignored'] })
  assert.equal(leaf.deviceScope, parent.deviceScope)
  assert.deepEqual(leaf.parentScopes, [parent.deviceScope])
  const { body: twin } = await server.call('GET', `/twins/${leaf.deviceId}`)
  assert.equal(twin.deviceScope, parent.deviceScope)
  assert.deepEqual(twin.parentScopes, [parent.deviceScope])
  const detached = await put(`/devices/${leaf.deviceId}`, { ...leaf, deviceScope: '' }, ANY)
  for (const view of [detached, await server.call('GET', `/twins/${leaf.deviceId}`)]) {
    assert.ok(!('deviceScope' in view.body) && !('parentScopes' in view.body))
  }
  const { deviceScope: _, ...without } = parent
  const [status, code, text] = refused(await put(`/devices/${parent.deviceId}`, without, ANY))
  assert.deepEqual([status, code], [400, 'InvalidDeviceScope'])
  assert.match(text, /Device scope is immutable/)
})

test('reserved: nobody creates a module whose id begins with $', async () => {
  const { deviceId } = await create()
  for (const id of ['$edgeAgent', '$edgeHub', '$x']) {
    const [status, code] = refused(await put(`/devices/${deviceId}/modules/${id}`, {}))
    assert.deepEqual([status, code], [400, 'ArgumentInvalid'])
  }
})

test('a device has 50 modules at most, also when many come at once', async () => {
  const { deviceId } = await create()
  const answers = await Promise.all(
    Array.from({ length: 60 }, (_, n) => put(`/devices/${deviceId}/modules/m${n}`, {})),
  )
  // The security module is one of the fifty.
  assert.equal(answers.filter(({ status }) => status === 200).length, 49)
  const tooMany = answers.filter(({ status }) => status === 413)
  assert.equal(tooMany.length, 11)
  assert.equal(tooMany[0]?.headers['iothub-errorcode'], 'TooManyModulesOnDevice')
  assert.equal((await server.call('GET', `/devices/${deviceId}/modules`)).body.length, 50)
})

test('statistics: right after many changes at once', async () => {
  const numbers = async () => (await server.call('GET', '/statistics/devices')).body
  const before = await numbers()
  const ids = Array.from({ length: 30 }, () => newId())
  await Promise.all(
    ids.map(async (id, n) => {
      await put(`/devices/${id}`, { status: n % 3 === 0 ? 'disabled' : 'enabled' })
      if (n % 2 === 0) await put(`/devices/${id}`, { status: 'disabled' }, ANY)
      if (n % 5 === 0) await server.call('DELETE', `/devices/${id}`, { headers: ANY })
    }),
  )
  const left = ids.map((_, n) => n).filter((n) => n % 5 !== 0)
  const disabled = left.filter((n) => n % 2 === 0 || n % 3 === 0).length
  const after = await numbers()
  assert.equal(after.totalDeviceCount, before.totalDeviceCount + left.length)
  assert.equal(after.disabledDeviceCount, before.disabledDeviceCount + disabled)
  assert.equal(after.enabledDeviceCount, after.totalDeviceCount - after.disabledDeviceCount)
})

test('a module that is connected counts as no device', async () => {
  const { deviceId } = await create()
  const { body: module } = await put(`/devices/${deviceId}/modules/m`, {})
  const client = await mqtt.connectAsync(`mqtts://${server.host}:${server.ready.mqttPort}`, {
    ca: readFileSync(server.caFile),
    clientId: `${deviceId}/m`,
    username: `${server.host}/${deviceId}/m/?api-version=2021-04-12`,
    password: identityToken(`${server.host}/devices/${deviceId}/modules/m`, module),
    reconnectPeriod: 0,
  })
  const { body } = await server.call('GET', `/devices/${deviceId}/modules/m`)
  assert.equal(body.connectionState, 'Connected')
  const count = async () => (await server.call('GET', '/statistics/service')).body
  await until(async () => (await count()).connectedDeviceCount === 0)
  await client.endAsync()
})

test('authentication: the rules and words of 01 §3', async () => {
  const thumbprint = 'aB'.repeat(20)
  const ofType = async (authentication: object | null) =>
    put(`/devices/${newId()}`, { authentication })
  const sas = (primaryKey: unknown, secondaryKey: unknown) => ({
    symmetricKey: { primaryKey, secondaryKey },
  })
  for (const unset of [null, {}, { type: 'sas' }, sas('', ''), sas(null, null)]) {
    const { body } = await ofType(unset)
    assert.equal(body.authentication.type, 'sas')
    assert.ok(body.authentication.symmetricKey.primaryKey)
  }
  assert.deepEqual((await ofType(sas(KEY, KEY))).body.authentication.symmetricKey, {
    primaryKey: KEY,
    secondaryKey: KEY,
  })
  const print = { x509Thumbprint: { primaryThumbprint: thumbprint } }
  const signed = (await ofType(print)).body.authentication
  assert.equal(signed.type, 'selfSigned')
  assert.equal(signed.x509Thumbprint.primaryThumbprint, thumbprint)
  assert.deepEqual(signed.symmetricKey, { primaryKey: null, secondaryKey: null })
  const sha256 = { type: 'SelfSigned', x509Thumbprint: { secondaryThumbprint: 'f'.repeat(64) } }
  assert.equal((await ofType(sha256)).status, 200)
  assert.equal((await ofType({ type: 'selfSigned' })).status, 200)
  const authority = (await ofType({ type: 'certificateAuthority' })).body.authentication
  assert.equal(authority.type, 'certificateAuthority')

  const keyOf = (bytes: number) => Buffer.alloc(bytes, 1).toString('base64')
  for (const bytes of [16, 64]) assert.equal((await ofType(sas(keyOf(bytes), KEY))).status, 200)
  const refusals: [object, RegExp][] = [
    [{ type: 'none' }, /DeviceAuthenticationTypeIsMissing/],
    [sas(KEY, ''), /Either no keys or both keys can be set/],
    [sas(null, KEY), /Either no keys or both keys can be set/],
    [sas(keyOf(15), KEY), /Invalid device key length/],
    [sas(KEY, keyOf(65)), /Invalid device key length/],
    [sas('not base64!', KEY), /Invalid device key length/],
    [{ x509Thumbprint: { primaryThumbprint: 'AB:CD' } }, /StringIsNotThumbprint/],
    [{ type: 'password' }, /type is unknown/],
  ]
  for (const [authentication, words] of refusals) {
    const [status, code, text] = refused(await ofType(authentication))
    assert.deepEqual([status, code], [400, 'ArgumentInvalid'])
    assert.match(text, words)
  }
  const { deviceId } = await create()
  const module = await put(`/devices/${deviceId}/modules/m`, { authentication: { type: 'none' } })
  assert.equal(module.body.authentication.type, 'sas')
})

test('an update without authentication mints new keys', async () => {
  const device = await create()
  const { authentication, ...rest } = device
  const { body } = await put(`/devices/${device.deviceId}`, rest, ANY)
  assert.notDeepEqual(body.authentication, authentication)
  assert.equal(body.authentication.type, 'sas')
})

test('top: from 1 to 1000', async () => {
  await Promise.all([create(), create()])
  assert.equal((await server.call('GET', '/devices?top=2')).body.length, 2)
  assert.equal((await server.call('GET', '/devices/?top=2')).body.length, 2)
  for (const top of ['0', '1001', '-1', 'x', '1.5']) {
    assert.equal((await server.call('GET', `/devices?top=${top}`)).status, 400, top)
  }
})

test('a device that is created again is another one, with a fresh twin', async () => {
  const device = await create()
  const path = `/devices/${device.deviceId}`
  await server.call('PATCH', `/twins/${device.deviceId}`, { body: { tags: { a: 1 } } })
  await server.call('DELETE', path, { headers: ANY })
  const { body } = await put(path, {})
  assert.notEqual(body.generationId, device.generationId)
  const { body: twin } = await server.call('GET', `/twins/${device.deviceId}`)
  assert.deepEqual([twin.version, twin.tags], [2, {}])
})
