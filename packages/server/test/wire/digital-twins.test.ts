import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import { connectRaw } from '../../../hub/test/raw-mqtt.ts'
import { type HttpsHub, startHttpsHub } from '../https-hub.ts'

const PATH = '/digitaltwins/pump-1'
const PUMP: DeviceRef = { deviceId: 'pump-1' }

let hub: HttpsHub
before(async () => {
  hub = await startHttpsHub()
})
after(() => hub[Symbol.asyncDispose]())
beforeEach(async () => {
  await hub.keyOf(PUMP)
  await hub.twins.replace(PUMP, { desired: {} })
})

test('GET: the twin with its model, and the twin’s etag in a header', async () => {
  await hub.twins.updateReported(PUMP, { serial: '7', pump: { __t: 'c', rpm: 1 } })
  const { status, headers, body } = await hub.call('GET', PATH)
  const twin = await hub.call('GET', '/twins/pump-1')
  assert.deepEqual([status, headers.etag], [200, `"${twin.body.etag}"`])
  assert.deepEqual([body.$dtId, body.serial, body.pump.rpm], ['pump-1', '7', 1])
  assert.match(body.pump.$metadata.rpm.lastUpdateTime, /^\d{4}-.*Z$/)
  assert.equal(body.$metadata.$model, '')
  const missing = await hub.call('GET', '/digitaltwins/nobody')
  assert.deepEqual([missing.status, missing.body.Message], [404, 'ErrorCode:DeviceNotFound;nobody'])
})

test('PATCH: 202 with the new etag and where the twin is; the device is told', async () => {
  const client = await connectRaw({ hub, gateway: hub.gateway }, PUMP)
  client.subscribe('$iothub/twin/PATCH/properties/desired/#')
  await client.receive('suback')
  const patch = [{ op: 'add', path: '/pump/rpm', value: 900 }]
  const { status, headers, body } = await hub.call('PATCH', PATH, { body: patch })
  assert.deepEqual([status, body], [202, ''])
  assert.equal(headers.location, `https://${hub.host}/digitaltwins/pump-1?api-version=2021-04-12`)
  assert.equal(headers.etag, (await hub.call('GET', PATH)).headers.etag)
  const [told] = await client.receive('publish')
  const { $version, ...desired } = JSON.parse(String(told?.payload))
  assert.deepEqual(desired, { pump: { __t: 'c', rpm: 900 } })
  client.stream.destroy()
})

test('PATCH: If-Match decides, and a patch that does not apply changes nothing', async () => {
  const { etag } = (await hub.call('GET', PATH)).headers
  const headers = { 'if-match': String(etag) }
  const patch = [{ op: 'add', path: '/rpm', value: 1 }]
  assert.equal((await hub.call('PATCH', PATH, { body: patch, headers })).status, 202)
  const stale = await hub.call('PATCH', PATH, { body: patch, headers })
  assert.deepEqual([stale.status, stale.headers['iothub-errorcode']], [412, 'PreconditionFailed'])
  const half = [...patch, { op: 'remove', path: '/led' }]
  const refused = await hub.call('PATCH', PATH, { body: half })
  assert.deepEqual(
    [refused.status, refused.headers['iothub-errorcode']],
    [400, 'InvalidDigitalTwinPatchPath'],
  )
  assert.match(refused.body.Message, /Operation 1: 'led'/)
  assert.deepEqual((await hub.twins.get(PUMP)).twin.desired.values, { rpm: 1 })
  for (const body of [undefined, {}]) {
    const answer = await hub.call('PATCH', PATH, { body })
    assert.equal(answer.headers['iothub-errorcode'], 'InvalidDigitalTwinJsonPatch')
  }
})

test('commands: without a device 404103; bad timeouts are refused by name', async () => {
  const offline = await hub.call('POST', `${PATH}/components/pump/commands/start`, { body: 1 })
  assert.deepEqual([offline.status, offline.headers['iothub-errorcode']], [404, 'DeviceNotOnline'])
  const path = `${PATH}/commands/start?responseTimeoutInSeconds=ten`
  const wrong = await hub.call('POST', path)
  assert.match(wrong.body.Message, /ArgumentInvalid;responseTimeoutInSeconds must be/)
})

test('commands: the device’s status is a header, its payload the body', async () => {
  const client = await connectRaw({ hub, gateway: hub.gateway }, PUMP)
  client.subscribe('$iothub/methods/POST/#')
  await client.receive('suback')
  const call = hub.call('POST', `${PATH}/components/pump/commands/start`, { body: { rpm: 1 } })
  const [request] = await client.receive('publish')
  const [name, rid] = String(request?.topic).slice('$iothub/methods/POST/'.length).split('/?')
  assert.deepEqual([name, String(request?.payload)], ['pump*start', '{"rpm":1}'])
  client.publish(`$iothub/methods/res/201/?${rid}`, '[1,2]')
  const { status, headers, body } = await call
  assert.deepEqual([status, headers['x-ms-command-statuscode'], body], [200, '201', [1, 2]])
  client.stream.destroy()
})

test('all of it needs ServiceConnect', async () => {
  const calls = [
    ['GET', PATH],
    ['PATCH', PATH],
    ['POST', `${PATH}/commands/start`],
    ['POST', `${PATH}/components/pump/commands/start`],
  ] as const
  for (const [method, path] of calls) {
    const { status } = await hub.call(method, path, { policy: 'registryReadWrite' })
    assert.equal(status, 401, `${method} ${path}`)
  }
})
