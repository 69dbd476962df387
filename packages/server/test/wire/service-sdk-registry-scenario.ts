// What a back-end does with many devices and Microsoft's service SDK; every step must hold.

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'
import { until } from '../server.ts'

const [connectionString = '', containerUri = ''] = process.argv.slice(2)
const registry = iothub.Registry.fromConnectionString(connectionString)
const ids = Array.from({ length: 100 }, (_, n) => `pump-${n}`)

const added = await registry.addDevices(ids.map((deviceId) => ({ deviceId })))
assert.deepEqual(added.responseBody, { isSuccessful: true, errors: [], warnings: [] })
await assert.rejects(registry.addDevices([{ deviceId: 'pump-0' }]), (error) => {
  const { responseBody } = error as { responseBody?: string }
  assert.match(String(responseBody), /DeviceAlreadyExists/)
  return true
})
const { responseBody: devices } = await registry.list()
assert.equal(devices.length, 100)

const [first, second, third, ...others] = devices
assert.ok(first && second && third)
const disabled = { ...first, status: 'disabled' as const }
await registry.updateDevices([disabled], false)
await assert.rejects(registry.updateDevices([disabled], false))
await registry.updateDevices([disabled, { ...second, status: 'disabled' as const }], true)
assert.equal((await registry.get(second.deviceId)).responseBody.status, 'disabled')
await registry.removeDevices([third], false)
await assert.rejects(registry.get(third.deviceId))
await assert.rejects(registry.removeDevices([first], false))
await registry.removeDevices(others.slice(0, 50), true)
const { responseBody: statistics } = await registry.getRegistryStatistics()
assert.deepEqual(
  [statistics.totalDeviceCount, statistics.enabledDeviceCount, statistics.disabledDeviceCount],
  [49, 47, 2],
)

const { responseBody: device } = await registry.create({ deviceId: 'one' })
await registry.update({ ...device, statusReason: 'checked' })
assert.equal((await registry.get('one')).responseBody.statusReason, 'checked')
await registry.addModule({ deviceId: 'one', moduleId: 'app', managedBy: 'me' })
const { responseBody: module } = await registry.getModule('one', 'app')
await registry.updateModule({ ...module, managedBy: 'you' }, false)
await assert.rejects(registry.updateModule({ ...module, managedBy: 'they' }, false))
await registry.updateModule({ ...module, managedBy: 'they' }, true)
assert.equal((await registry.getModule('one', 'app')).responseBody.managedBy, 'they')
const { responseBody: modules } = await registry.getModulesOnDevice('one')
assert.deepEqual(
  modules.map(({ moduleId }) => moduleId),
  ['app', 'azureiotsecurity'],
)
await registry.removeModule('one', 'app')

interface Job {
  readonly jobId: string
  readonly status: string
}
const over = async ({ jobId }: Job) =>
  until(async () => {
    const job = (await registry.getJob(jobId)) as unknown as Job
    return ['completed', 'failed', 'cancelled'].includes(job.status) && job
  })
const exported = (await registry.exportDevicesToBlob(containerUri, false)) as unknown as Job
assert.equal((await over(exported)).status, 'completed')
await registry.delete('one')
const imported = (await registry.importDevicesFromBlob(
  containerUri,
  containerUri,
)) as unknown as Job
assert.equal((await over(imported)).status, 'completed')
const { responseBody: restored } = await registry.get('one')
assert.deepEqual(restored.authentication, device.authentication)
const { responseBody: jobs } = await registry.listJobs()
assert.deepEqual(
  (jobs as Job[]).map(({ jobId }) => jobId).sort(),
  [exported.jobId, imported.jobId].sort(),
)
await registry.cancelJob(imported.jobId)
await assert.rejects(registry.getJob('nothing'))
process.stdout.write('all steps passed\n')
