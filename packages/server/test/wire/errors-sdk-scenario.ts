// What Microsoft's service SDK makes of the hub's refusals; every step must hold.

import assert from 'node:assert/strict'
import iothub from 'azure-iothub'

const [owner = '', service = ''] = process.argv.slice(2)
const registry = iothub.Registry.fromConnectionString(owner)

interface SdkError extends Error {
  readonly responseBody?: string
  readonly response?: { statusCode: number; headers: Record<string, string> }
}

async function refused(call: Promise<unknown>, type: string, status: number, code: string) {
  await assert.rejects(call, (error: SdkError) => {
    assert.equal(error.constructor.name, type)
    assert.equal(error.response?.statusCode, status)
    assert.equal(error.response?.headers['iothub-errorcode'], code)
    return true
  })
}

await registry.create({ deviceId: 'sdk-1' })
await registry.addModule({ deviceId: 'sdk-1', moduleId: 'app' })

await refused(registry.create({ deviceId: 'a b' }), 'ArgumentError', 400, 'ArgumentInvalid')
const badPatch = { properties: { desired: { 'a.b': 1 } } }
await refused(registry.updateTwin('sdk-1', badPatch, '*'), 'ArgumentError', 400, 'ArgumentInvalid')

const wrongKey = owner.replace(/SharedAccessKey=.*/, `SharedAccessKey=${'A'.repeat(43)}=`)
const stranger = iothub.Registry.fromConnectionString(wrongKey)
await refused(stranger.get('sdk-1'), 'UnauthorizedError', 401, 'IotHubUnauthorizedAccess')
const twinsOnly = iothub.Registry.fromConnectionString(service)
await refused(twinsOnly.get('sdk-1'), 'UnauthorizedError', 401, 'IotHubUnauthorizedAccess')

await refused(registry.get('nobody'), 'DeviceNotFoundError', 404, 'DeviceNotFound')
await refused(registry.getTwin('nobody'), 'DeviceNotFoundError', 404, 'DeviceNotFound')
// A type of its own has only the name DeviceNotFound.
await refused(registry.getModule('sdk-1', 'nobody'), 'Error', 404, 'ModuleNotFound')
await refused(
  registry.getModuleTwin('sdk-1', 'nobody'),
  'DeviceNotFoundError',
  404,
  'DeviceNotFound',
)

const again = registry.create({ deviceId: 'sdk-1' })
await refused(again, 'DeviceAlreadyExistsError', 409, 'DeviceAlreadyExists')
const twice = registry.addModule({ deviceId: 'sdk-1', moduleId: 'app' })
await refused(twice, 'DeviceAlreadyExistsError', 409, 'ModuleAlreadyExistsOnDevice')

const { responseBody: twin } = await registry.getTwin('sdk-1')
await registry.updateTwin('sdk-1', { tags: { a: 1 } }, twin.etag)
const stale = registry.updateTwin('sdk-1', { tags: { a: 2 } }, twin.etag)
await refused(stale, 'InvalidEtagError', 412, 'PreconditionFailed')
const staleReplace = registry.updateModuleTwin('sdk-1', 'app', { tags: {} }, 'AAAAAAAAAGM=')
await refused(staleReplace, 'InvalidEtagError', 412, 'PreconditionFailed')

// The SDK has no type for 413: it must still be an error that shows what the hub said.
const tooLarge = { tags: { a: 'x'.repeat(2 * 1024 * 1024) } }
const large = registry.updateTwin('sdk-1', tooLarge, '*')
await refused(large, 'Error', 413, 'GenericRequestEntityTooLarge')

const client = iothub.Client.fromConnectionString(owner)
const method = { methodName: 'start', connectTimeoutInSeconds: 0 }
const offline = client.invokeDeviceMethod('sdk-1', method)
await refused(offline, 'Error', 404, 'DeviceNotOnline')

await registry.delete('sdk-1')
process.stdout.write('all steps passed\n')
