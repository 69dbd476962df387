// What a back-end does with configurations through Microsoft's service SDK; every step must hold.

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'
import { until } from '../server.ts'

const [connectionString = ''] = process.argv.slice(2)
const registry = iothub.Registry.fromConnectionString(connectionString)

function refusedAs(name: string) {
  return (error: Error) => {
    assert.equal(error.constructor.name, name)
    return true
  }
}

await registry.create({ deviceId: 'pump-1' })
const written = {
  id: 'chiller-1',
  schemaVersion: '1.0',
  labels: { app: 'chiller' },
  content: { deviceContent: { 'properties.desired.chiller': { level: 5, old: null } } },
  targetCondition: "tags.site = 'x'",
  priority: 10,
  metrics: { queries: { cold: 'SELECT deviceId FROM devices WHERE properties.reported.t < 5' } },
}
const { responseBody: created } = await registry.addConfiguration(written)
assert.equal(created.etag, 'MQ==')
assert.deepEqual(created.systemMetrics?.results, {})
await assert.rejects(registry.addConfiguration(written), refusedAs('DeviceAlreadyExistsError'))

await registry.updateTwin('pump-1', { tags: { site: 'x' } }, '*')
const twin = await until(async () => {
  const { responseBody } = await registry.getTwin('pump-1')
  return responseBody.properties.desired.chiller ? responseBody : undefined
})
assert.deepEqual(twin.properties.desired.chiller, { level: 5 })
const shown: unknown = Reflect.get(twin, 'configurations')
assert.deepEqual(shown, { 'chiller-1': { status: 'Applied' } })
const query = registry.createQuery(
  "SELECT * FROM devices WHERE configurations.[[chiller-1]].status = 'Applied'",
)
const { result: found } = await query.nextAsTwin()
assert.deepEqual(
  found.map(({ deviceId }: { deviceId: string }) => deviceId),
  ['pump-1'],
)

const { responseBody: got } = await registry.getConfiguration('chiller-1')
assert.deepEqual(got.content, written.content)
assert.deepEqual(got.labels, { app: 'chiller' })
const changed = { ...got, priority: 11 }
const { responseBody: updated } = await registry.updateConfiguration(changed)
assert.deepEqual([updated.etag, updated.priority], ['Mg==', 11])
await assert.rejects(registry.updateConfiguration(changed), refusedAs('InvalidEtagError'))
const other = { deviceContent: { 'properties.desired.chiller': { level: 9 } } }
const { responseBody: forced } = await registry.updateConfiguration(
  { ...changed, content: other },
  true,
)
assert.deepEqual([forced.etag, forced.content], ['Mw==', written.content], 'the content stays')
await assert.rejects(
  registry.updateConfiguration({ ...changed, id: 'none' }, true),
  // Of what is not there the SDK knows devices alone by name.
  refusedAs('Error'),
)

const counted = await until(async () => {
  const { responseBody } = await registry.getConfiguration('chiller-1')
  return responseBody.systemMetrics?.results?.appliedCount === 1 ? responseBody : undefined
})
assert.equal(counted.systemMetrics?.results?.targetedCount, 1)
assert.deepEqual(counted.metrics?.results, { cold: 0 })
assert.equal((await registry.getConfigurations()).responseBody.length, 1)

await registry.removeConfiguration('chiller-1')
await assert.rejects(registry.getConfiguration('chiller-1'), refusedAs('Error'))
await until(async () => {
  const { responseBody } = await registry.getTwin('pump-1')
  return responseBody.properties.desired.chiller === undefined
})

await registry.create({ deviceId: 'edge-1', capabilities: { iotEdge: true } })
const content = {
  modulesContent: {
    $edgeAgent: { 'properties.desired': { schemaVersion: '1.1' } },
    app: { 'properties.desired.level': 3 },
  },
}
await registry.applyConfigurationContentOnDevice('edge-1', content)
const { responseBody: app } = await registry.getModuleTwin('edge-1', 'app')
assert.equal(app.properties.desired.level, 3)
await assert.rejects(registry.applyConfigurationContentOnDevice('pump-1', content), (error) => {
  assert.match(
    (error as Error & { responseBody?: string }).responseBody ?? '',
    /Not an Azure IoT Edge device/,
  )
  return true
})
process.stdout.write('all steps passed\n')
