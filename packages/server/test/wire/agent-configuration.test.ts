import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Twin } from 'azure-iot-device'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { startTestServer, type TestServer, until } from '../server.ts'

const { ModuleClient } = device
const { Mqtt } = mqttTransport
const KEY = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration'
const MODULE = 'azureiotsecurity'
const PATH = 'baselineCustomChecksFilePath'

let server: TestServer

before(async () => {
  server = await startTestServer()
})

after(() => server[Symbol.asyncDispose]())

async function create(deviceId: string, group?: string) {
  await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  if (group === undefined) return
  const tags = { SecurityGroup: group }
  await server.call('PATCH', `/twins/${deviceId}`, { body: { tags } })
}

async function change(path: string, settings: object, policy = 'service') {
  return server.call('PATCH', path, { body: { settings }, policy })
}

async function effective(deviceId: string, name: string) {
  const { body } = await server.call('GET', `/api/devices/${deviceId}/security/config`)
  return body.effective[name]
}

async function desiredOf(deviceId: string) {
  const { body } = await server.call('GET', `/twins/${deviceId}/modules/${MODULE}`)
  return body.properties.desired[KEY]
}

function writeRaw(object: object | null, { method = 'PATCH', policy = 'service' } = {}) {
  const properties = { desired: { [KEY]: object } }
  return server.call(method, `/twins/pump-raw/modules/${MODULE}`, { body: { properties }, policy })
}

test('settings of the hub and of a group reach the twins of devices, which stay their own', async () => {
  await create('pump-1', 'Outside')
  await create('pump-2')
  const own = await change('/api/devices/pump-2/security/config', { eventPriorityLogin: 'Low' })
  assert.equal(own.status, 200)
  const hub = await change('/api/security/config', {
    snapshotFrequency: 'PT1H',
    eventPriorityLogin: 'Off',
  })
  assert.deepEqual(hub.body.settings.legacy, {
    snapshotFrequency: 'PT1H',
    eventPriorityLogin: 'Off',
  })
  const path = '/api/security/groups/outside/config'
  const group = await change(path, { snapshotFrequency: 'PT2H', Process_Mode: 3 })
  assert.equal(group.status, 200)
  assert.deepEqual(group.body.settings.micro, { Process_Mode: 3 })
  await until(async () => {
    const object = await desiredOf('pump-1')
    return object.snapshotFrequency.value === 'PT2H' && object.eventPriorityLogin.value === 'Off'
  })
  await until(async () => (await desiredOf('pump-2')).snapshotFrequency.value === 'PT1H')
  assert.equal((await desiredOf('pump-2')).eventPriorityLogin.value, 'Low')
  assert.deepEqual(await effective('pump-1', 'snapshotFrequency'), {
    value: 'PT2H',
    source: 'group',
  })
  assert.deepEqual(await effective('pump-1', 'eventPriorityLogin'), { value: 'Off', source: 'hub' })
  assert.equal((await effective('pump-2', 'eventPriorityLogin')).source, 'device')
  const { body: groups } = await server.call('GET', '/api/security/config/groups')
  assert.deepEqual(
    groups.items.map((item: { group: string }) => item.group),
    ['outside'],
  )

  assert.equal((await change(path, { snapshotFrequency: null })).status, 200)
  await until(async () => (await desiredOf('pump-1')).snapshotFrequency.value === 'PT1H')
  const history = '/api/devices/pump-1/security/config/history'
  const { body } = await server.call('GET', `${history}?limit=1`)
  assert.equal(body.items[0].layer, 'inherited')
  assert.deepEqual(body.items[0].changes, [{ name: 'snapshotFrequency', old: 'PT2H', new: 'PT1H' }])
  const changes = await server.call('GET', '/api/security/config/history?layer=group')
  assert.equal(changes.body.items[0].by, 'service')
})

test('every mistake of a layer is named, and nothing of it happens', async () => {
  const wrong = await change('/api/security/config', {
    snapshotFrequncy: 'PT1H',
    maxMessageSizeInBytes: 1,
    Process_Mode: 9,
    eventPriorityLocalUsers: 'Low',
  })
  assert.equal(wrong.status, 400)
  for (const said of [/did you mean snapshotFrequency/, /maxMessageSizeInBytes/, /Process_Mode/]) {
    assert.match(wrong.body.Message, said)
  }
  const { body } = await server.call('GET', '/api/security/config')
  assert.equal('eventPriorityLocalUsers' in body.settings.legacy, false)
  const refused = await change('/api/security/config', { [PATH]: '/opt/checks.xml' })
  assert.equal(refused.status, 403)
  assert.equal((await change('/api/security/groups/%20/config', { a: 1 })).status, 400)
})

test('privileged settings need their right on the routes of twins too', async () => {
  await create('pump-raw')
  const path = { [PATH]: { value: '/opt/checks.xml' } }
  for (const method of ['PATCH', 'PUT']) {
    const refused = await writeRaw(path, { method })
    assert.deepEqual([refused.status, refused.body.Message.includes(PATH)], [403, true], method)
  }
  assert.equal((await writeRaw(path, { policy: 'iothubowner' })).status, 200)
  await until(async () => {
    const { body } = await server.call('GET', '/api/devices/pump-raw/security/config/history')
    const seen = body.items.filter(({ by }: { by: string }) => by === 'twin write')
    return JSON.stringify(seen).includes(PATH)
  })
  // What stays as it is may be repeated by anybody; taking it away is a change.
  assert.equal((await writeRaw({ ...path, hubResourceId: { value: 'x' } })).status, 200)
  for (const object of [{ [PATH]: null }, null]) assert.equal((await writeRaw(object)).status, 403)
  assert.equal((await writeRaw({}, { method: 'PUT' })).status, 403)
  assert.equal((await desiredOf('pump-raw'))[PATH].value, '/opt/checks.xml')
  const entry = {
    ...{ id: 'pump-raw', moduleId: MODULE, importMode: 'updateTwin' },
    properties: { desired: { [KEY]: { [PATH]: null } } },
  }
  const bulk = await server.call('POST', '/devices', { body: [entry], policy: 'registryReadWrite' })
  assert.equal(bulk.status, 200)
})

test('an agent is told its whole configuration when a script writes one setting', async () => {
  await create('pump-3')
  const client = ModuleClient.fromConnectionString(
    await server.connectionString('pump-3', MODULE),
    Mqtt,
  )
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  try {
    const twin: Twin = await client.getTwin()
    const told = new Promise<{ readonly [key: string]: object }>((resolve) => {
      twin.on('properties.desired', (patch) => {
        if (patch[KEY]?.hubResourceId?.value === 'script') resolve(patch)
      })
    })
    const properties = { desired: { [KEY]: { hubResourceId: { value: 'script' } } } }
    const path = `/twins/pump-3/modules/${MODULE}`
    await until(async () => {
      const { body } = await server.call('PATCH', path, { body: { properties } })
      return body.properties.desired.$version > 1
    })
    const object = (await told)[KEY] as { readonly [name: string]: { readonly value: unknown } }
    assert.equal(object.lowPriorityMessageFrequency?.value, 'PT5H')
    assert.ok(Object.keys(object).length >= 26)
  } finally {
    await client.close()
  }
})

test('schemas are public, can be cached, and fit what this hub writes', async () => {
  const { status, body, headers } = await server.call('GET', '/schemas/', { policy: null })
  assert.equal(status, 200)
  assert.match(String(headers['cache-control']), /public/)
  const paths = body.schemas.map(({ path }: { path: string }) => path)
  assert.ok(paths.includes('/schemas/agent-configuration/legacy-desired.json'))
  for (const path of paths) {
    const answer = await server.call('GET', path, { policy: null })
    assert.equal(answer.status, 200, path)
    assert.match(String(answer.headers['content-type']), /^application\/schema\+json/)
    const schema = JSON.parse(answer.body)
    const ajv = new Ajv2020({ strict: false })
    assert.ok(ajv.validateSchema(schema), path)
    const etag = String(answer.headers.etag)
    const again = await server.call('GET', path, {
      policy: null,
      headers: { 'if-none-match': etag },
    })
    assert.deepEqual([again.status, again.body], [304, ''])
    if (!path.endsWith('legacy-desired.json')) continue
    await create('pump-4')
    const twin = await server.call('GET', `/twins/pump-4/modules/${MODULE}`)
    const fits = ajv.compile(schema)
    assert.ok(fits(twin.body.properties.desired), JSON.stringify(fits.errors))
  }
})
