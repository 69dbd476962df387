// What a back-end does with Microsoft's service SDK to devices that are connected; every step must hold.

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'

const [connectionString = ''] = process.argv.slice(2)
const client = iothub.Client.fromConnectionString(connectionString)
const twins = new iothub.DigitalTwinClient(new iothub.IoTHubTokenCredentials(connectionString))

function refusedAs(name: string) {
  return (error: Error) => {
    assert.equal(error.constructor.name, name)
    return true
  }
}

const { result } = await client.invokeDeviceMethod('pump-1', {
  methodName: 'reboot',
  payload: { delay: 5 },
  responseTimeoutInSeconds: 15,
  connectTimeoutInSeconds: 5,
})
assert.deepEqual(result, { status: 202, payload: { name: 'reboot', payload: { delay: 5 } } })

const module = await client.invokeDeviceMethod('pump-1', 'app', { methodName: 'ping' })
assert.deepEqual(module.result, { status: 202, payload: { name: 'ping', payload: null } })

const call = { methodName: 'reboot' }
await assert.rejects(client.invokeDeviceMethod('nobody', call), refusedAs('DeviceNotFoundError'))
await assert.rejects(
  client.invokeDeviceMethod('pump-1', { methodName: 'a/b' }),
  refusedAs('ArgumentError'),
)

const command = await twins.invokeComponentCommand('pump-1', 'pump', 'start', { rpm: 900 })
assert.deepEqual(command?.body, { name: 'pump*start', payload: { rpm: 900 } })
assert.equal(Number(command?.xMsCommandStatuscode), 202)
const root = await twins.invokeCommand('pump-1', 'reboot', 'now', {
  responseTimeoutInSeconds: 10,
  connectTimeoutInSeconds: 5,
})
assert.deepEqual(root?.body, { name: 'reboot', payload: 'now' })

await twins.updateDigitalTwin('pump-1', [{ op: 'add', path: '/pump/rpm', value: 900 }])
const twin = await twins.getDigitalTwin('pump-1')
const view = (twin as { result?: unknown }).result ?? twin
const { pump } = view as { pump: { $metadata: { rpm: { desiredValue: number } } } }
assert.equal(pump.$metadata.rpm.desiredValue, 900)
await assert.rejects(
  twins.updateDigitalTwin('pump-1', [{ op: 'remove', path: '/pump/rpm' }], '"stale"'),
  (error: { statusCode?: number }) => error.statusCode === 412,
)
await assert.rejects(
  twins.getDigitalTwin('nobody'),
  (error: { statusCode?: number }) => error.statusCode === 404,
)

process.stdout.write('all steps passed\n')
process.exit(0)
