// What a back-end does with Microsoft's service SDK; every step must hold.

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'
import { until } from '../server.ts'

const [connectionString = ''] = process.argv.slice(2)
const registry = iothub.Registry.fromConnectionString(connectionString)
const MODULE = 'azureiotsecurity'

function refusedAs(name: string) {
  return (error: Error) => {
    assert.equal(error.constructor.name, name)
    return true
  }
}

const created = await registry.create({ deviceId: 'pump-1' })
assert.equal(created.responseBody.deviceId, 'pump-1')
assert.ok(created.responseBody.authentication?.symmetricKey?.primaryKey)
await assert.rejects(registry.create({ deviceId: 'pump-1' }), refusedAs('DeviceAlreadyExistsError'))
await assert.rejects(registry.get('pump-2'), refusedAs('DeviceNotFoundError'))

const { responseBody: device } = await registry.get('pump-1')
const updated = await registry.update({ ...device, status: 'disabled' })
assert.equal(updated.responseBody.status, 'disabled')
assert.equal((await registry.list()).responseBody.length, 1)

const { responseBody: modules } = await registry.getModulesOnDevice('pump-1')
assert.deepEqual(
  modules.map(({ moduleId }) => moduleId),
  [MODULE],
)
await registry.addModule({ deviceId: 'pump-1', moduleId: 'app' })
assert.equal((await registry.getModule('pump-1', 'app')).responseBody.moduleId, 'app')

// The security service writes the posture into a new twin's tags once; that moves the etag.
const twin = await until(async () => {
  const { responseBody } = await registry.getModuleTwin('pump-1', MODULE)
  return responseBody.tags.posture ? responseBody : undefined
})
const patch = { properties: { desired: { level: 3 } }, tags: { site: 'b43' } }
const { responseBody: patched } = await registry.updateModuleTwin(
  'pump-1',
  MODULE,
  patch,
  twin.etag,
)
assert.equal(patched.properties.desired.level, 3)
assert.equal(patched.tags.site, 'b43')
await assert.rejects(
  registry.updateModuleTwin('pump-1', MODULE, patch, twin.etag),
  refusedAs('InvalidEtagError'),
)
await registry.updateModuleTwin('pump-1', MODULE, patch, '*')
const { responseBody: deviceTwin } = await registry.updateTwin('pump-1', patch, '*')
assert.equal(deviceTwin.properties.desired.level, 3)

const { responseBody: statistics } = await registry.getRegistryStatistics()
assert.equal(statistics.totalDeviceCount, 1)
assert.equal(statistics.disabledDeviceCount, 1)

await registry.removeModule('pump-1', 'app')
await assert.rejects(registry.getModule('pump-1', 'app'))
await registry.delete('pump-1')
assert.deepEqual((await registry.list()).responseBody, [])
process.stdout.write('all steps passed\n')
