// A back-end and a device share a twin, each with Microsoft's SDK; every step must hold.

import assert from 'node:assert/strict'
import iotDevice from 'azure-iot-device'
import iotMqtt from 'azure-iot-device-mqtt'
import iothub from 'azure-iothub'
import { until } from '../server.ts'

const [service = '', device = '', deviceId = ''] = process.argv.slice(2)
const registry = iothub.Registry.fromConnectionString(service)
const client = iotDevice.Client.fromConnectionString(device, iotMqtt.Mqtt)
await client.open()
const twin = await client.getTwin()
const { desired, reported } = twin.properties
assert.deepEqual([desired.$version, reported.$version], [1, 1])

// A new listener hears the twin as it is first.
const heard: object[] = []
twin.on('properties.desired', (delta: object) => void heard.push(delta))
await until(() => heard.length === 1)

/** What `change` makes the device hear. */
async function told(change: () => Promise<unknown>): Promise<object | undefined> {
  const before = heard.length
  await change()
  await until(() => heard.length === before + 1)
  return heard.at(-1)
}

const { responseBody: serviceTwin } = await registry.getTwin(deviceId)
const added = await told(() =>
  serviceTwin.update({
    tags: { site: 'b43' },
    properties: { desired: { fan: { rpm: 1, on: true }, old: 1 } },
  }),
)
assert.deepEqual(added, { fan: { rpm: 1, on: true }, old: 1, $version: 2 })
assert.equal(serviceTwin.properties.desired.fan.rpm, 1)

const removed = await told(() =>
  serviceTwin.update({ properties: { desired: { fan: { on: null }, old: null } } }),
)
assert.deepEqual(removed, { fan: { on: null }, old: null, $version: 3 })
assert.deepEqual(twin.properties.desired, { fan: { rpm: 1 }, $version: 3 })

const stale = registry.updateTwin(deviceId, { tags: { a: 1 } }, 'AAAAAAAAAAE=')
await assert.rejects(stale, { name: 'InvalidEtagError' })
await registry.updateTwin(deviceId, { tags: { a: null, site: null, floor: 2 } }, '*')

// The whole twin goes back as it was read, with one property more.
const { responseBody: whole } = await registry.getTwin(deviceId)
whole.properties.desired.led = 'red'
const again = await told(() => registry.updateTwin(deviceId, whole, whole.etag))
assert.deepEqual(again, { fan: { rpm: 1 }, led: 'red', $version: 4 })
await assert.rejects(registry.updateTwin(deviceId, whole, whole.etag), { name: 'InvalidEtagError' })
const { responseBody: after } = await registry.getTwin(deviceId)
assert.deepEqual(after.tags, { floor: 2 })

const report = (patch: object) =>
  new Promise<void>((resolve, reject) => {
    reported.update(patch, (error?: Error) => (error ? reject(error) : resolve()))
  })
await report({ fw: '1.0', parts: [{ id: 1 }, { id: 2 }], gone: 1 })
await report({ gone: null, parts: [], nested: { a: { b: 'c' } } })
await assert.rejects(report({ 'a b': 1 }))
const seen = await until(async () => {
  const { responseBody } = await registry.getTwin(deviceId)
  return responseBody.properties.reported.$version === 3 && responseBody
})
const { $metadata, $version, ...values } = seen.properties.reported
assert.deepEqual(values, { fw: '1.0', parts: [], nested: { a: { b: 'c' } } })
assert.equal($metadata.fw.$lastUpdatedVersion, 2)
assert.equal($metadata.nested.a.b.$lastUpdatedVersion, 3)
assert.equal($metadata.gone, undefined)
assert.equal(seen.etag, after.etag, 'reported properties do not move the etag')
assert.equal((seen as { connectionState?: string }).connectionState, 'Connected')

await registry.addModule({ deviceId, moduleId: 'app' })
const { responseBody: moduleTwin } = await registry.getModuleTwin(deviceId, 'app')
const patched = await registry.updateModuleTwin(
  deviceId,
  'app',
  { tags: { m: 1 } },
  moduleTwin.etag,
)
assert.deepEqual(patched.responseBody.tags, { m: 1 })
await client.close()
process.stdout.write('all steps passed\n')
