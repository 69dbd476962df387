import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ApiError } from '../src/api-error.ts'
import { connectionString } from '../src/commands/connection-string.ts'
import { deviceCreate } from '../src/commands/device-create.ts'
import { deviceList } from '../src/commands/device-list.ts'
import { deviceUpdate } from '../src/commands/device-update.ts'
import { enrollmentCreate } from '../src/commands/enrollment-create.ts'
import { methodInvoke } from '../src/commands/method-invoke.ts'
import { moduleUpdate } from '../src/commands/module-update.ts'
import { query } from '../src/commands/query.ts'
import { securityConfigSet } from '../src/commands/security-config-set.ts'
import { securityEvents } from '../src/commands/security-events.ts'
import { securityStatus } from '../src/commands/security-status.ts'
import { twinUpdate } from '../src/commands/twin-update.ts'
import { type Call, fakeContext, fakeInput } from './fake.ts'

const KEY = 'c2VjcmV0LWtleS0wMTIzNDU2Nzg5'
const pump = {
  deviceId: 'pump-1',
  etag: 'MQ==',
  status: 'enabled',
  statusReason: 'new',
  connectionState: 'Disconnected',
  lastActivityTime: '0001-01-01T00:00:00Z',
  capabilities: { iotEdge: true },
  authentication: { type: 'sas', symmetricKey: { primaryKey: KEY, secondaryKey: KEY } },
}

test('device update: writes the whole identity back, keys included, at the etag it read', async () => {
  const { context, calls, stdout } = fakeContext(({ body }) => body ?? pump)
  const options = { status: 'disabled', reason: 'stolen' }
  await deviceUpdate.run(fakeInput(['pump-1'], options), context)
  assert.deepEqual(
    calls.map(({ method }) => method),
    ['GET', 'PUT'],
  )
  const wanted = { ...pump, status: 'disabled', statusReason: 'stolen' }
  assert.deepEqual(calls[1]?.body, wanted)
  assert.equal(calls[1]?.ifMatch, 'MQ==')
  assert.ok(!stdout().includes(KEY))
})

test('device update: enabling a device clears the reason why it was not', async () => {
  const { context, calls } = fakeContext(({ body }) => body ?? pump)
  await deviceUpdate.run(fakeInput(['pump-1'], { status: 'enabled' }), context)
  assert.deepEqual(calls[1]?.body, { ...pump, statusReason: null })
})

test('module update: keeps the authentication of the module', async () => {
  const { context, calls } = fakeContext(({ body }) => body ?? { ...pump, moduleId: 'm' })
  await moduleUpdate.run(fakeInput(['pump-1', 'm'], { managedBy: 'me' }), context)
  assert.deepEqual(calls[1]?.body, { ...pump, moduleId: 'm', managedBy: 'me' })
  assert.equal(calls[1]?.path, '/devices/pump-1/modules/m')
})

test('device create: prints the connection string with the MQTT port, and the security module', async () => {
  const { context, stdout } = fakeContext(({ method }) =>
    method === 'PUT' ? pump : [{ moduleId: 'azureiotsecurity' }, { moduleId: '$edgeHub' }],
  )
  await deviceCreate.run(fakeInput(['pump-1']), context)
  assert.match(stdout(), /security module exists too: azureiotsecurity\n/)
  const wanted = `HostName=hub.test:18883;DeviceId=pump-1;SharedAccessKey=${KEY}\n`
  assert.ok(stdout().endsWith(`\n${wanted}`))
})

test('device create: ids are percent-encoded in the path', async () => {
  const { context, calls } = fakeContext(({ method }) => (method === 'PUT' ? pump : []))
  await deviceCreate.run(fakeInput(['a#b?c%d']), context)
  assert.equal(calls[0]?.path, '/devices/a%23b%3Fc%25d')
})

test('device list: an empty hub is no result, and says what to do', async () => {
  const { context, stdout, stderr } = fakeContext(() => [])
  await deviceList.run(fakeInput([]), context)
  assert.equal(stdout(), '')
  assert.match(stderr(), /No devices yet\. Create one: twinward device create/)
})

test('device list --json: is an array without keys, also when it is empty', async () => {
  const some = fakeContext(() => [pump], { isJson: true })
  await deviceList.run(fakeInput([]), some.context)
  assert.equal(JSON.parse(some.stdout())[0].deviceId, 'pump-1')
  assert.ok(!some.stdout().includes(KEY))
  const none = fakeContext(() => [], { isJson: true })
  await deviceList.run(fakeInput([]), none.context)
  assert.equal(none.stdout(), '[]\n')
})

test('connection-string: an identity without a key is refused by name', async () => {
  const x509 = { ...pump, authentication: { type: 'selfSigned' } }
  const { context } = fakeContext(() => x509)
  const asked = connectionString.run(fakeInput([], { device: 'pump-1' }), context)
  await assert.rejects(async () => asked, /pump-1 has no key: it authenticates with selfSigned/)
})

test('twin update: @file reads the patch from a file; only what was given is sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-cli-'))
  try {
    writeFileSync(join(folder, 'tags.json'), '{"site":"north"}')
    const twin = { deviceId: 'a', tags: {}, properties: { desired: {}, reported: {} } }
    const { context, calls } = fakeContext(() => twin)
    const options = { tags: `@${join(folder, 'tags.json')}`, etag: 'AAAA=' }
    await twinUpdate.run(fakeInput(['a'], options), context)
    assert.deepEqual(calls, [
      { method: 'PATCH', path: '/twins/a', body: { tags: { site: 'north' } }, ifMatch: 'AAAA=' },
    ])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('security config set: values keep their types, empty and null mean the default', async () => {
  const view = { effective: {}, reported: {}, drift: [], warnings: [{ name: 'x', reason: 'odd' }] }
  const { context, calls, stdout } = fakeContext(() => view, { isJson: true })
  const changes = ['a=true', 'b=42', 'c=PT1H', 'd=', 'e=null', 'f="42"', 'g=x=y', 'h={"i":1}']
  await securityConfigSet.run(fakeInput(['pump-1', ...changes]), context)
  assert.equal(calls[0]?.path, '/api/devices/pump-1/security/config')
  assert.deepEqual(calls[0]?.body, {
    settings: { a: true, b: 42, c: 'PT1H', d: null, e: null, f: '42', g: 'x=y', h: '{"i":1}' },
  })
  assert.deepEqual(JSON.parse(stdout()), view)
})

/** Three pages of one event each. */
function pageOf({ query = {} }: Call): unknown {
  const number = Number(query.continuationToken ?? 1)
  const event = {
    deviceId: `pump-${number}`,
    name: 'Login',
    eventType: 'Security',
    details: { n: number },
  }
  return { items: [event], continuationToken: number < 3 ? String(number + 1) : null }
}

test('a list: shows one page and says that there is more', async () => {
  const { context, calls, stdout, stderr } = fakeContext(pageOf)
  await securityEvents.run(fakeInput([], { limit: 1, device: 'x' }), context)
  assert.equal(calls.length, 1)
  assert.deepEqual(calls[0]?.query?.device, 'x')
  assert.match(stdout(), /pump-1/)
  assert.match(stderr(), /there are more\. Add --all/)
})

test('a list with --all: follows the tokens to the end and keeps the filter', async () => {
  const { context, calls, stdout, stderr } = fakeContext(pageOf, { isJson: true })
  await securityEvents.run(fakeInput([], { all: true, name: 'Login' }), context)
  assert.equal(calls.length, 3)
  assert.ok(calls.every((call) => call.query?.name === 'Login'))
  const page = JSON.parse(stdout())
  assert.deepEqual(
    page.items.map((item: { deviceId: string }) => item.deviceId),
    ['pump-1', 'pump-2', 'pump-3'],
  )
  assert.equal(page.continuationToken, null)
  assert.equal(stderr(), '')
})

test('security status: counts by severity, the worst first', async () => {
  const { context, stdout } = fakeContext(({ path }) =>
    path === '/api/security/modules'
      ? { items: [], counts: { active: 5, silent: 0 } }
      : {
          openAlerts: { High: 2, Informational: 7 },
          activeRecommendations: { Low: 3 },
          devicesWithOpenAlerts: 1,
        },
  )
  await securityStatus.run(fakeInput([]), context)
  assert.match(stdout(), /HIGH +MEDIUM +LOW +INFORMATIONAL\nOpen alerts +2 +0 +0 +7\n/)
  assert.match(stdout(), /Devices with open alerts: 1\n/)
  assert.match(stdout(), /STATE +DEVICES\nactive +5\n$/)
})

test('query: reads pages up to the limit and shows a table', async () => {
  const { context, calls, stdout, stderr } = fakeContext(({ body }) => {
    const { maxItems, continuation } = body as { maxItems: number; continuation: string }
    const first = Number(continuation || 0)
    const rows = Array.from({ length: maxItems }, (_, n) => ({ n: first + n, site: 'a\u0007' }))
    return { itemType: 'Raw', rows, continuation: String(first + maxItems) }
  })
  await query.run(fakeInput(['SELECT x FROM devices'], { limit: 120 }), context)
  assert.deepEqual(
    calls.map(({ body }) => body),
    [
      { query: 'SELECT x FROM devices', maxItems: 100, continuation: '' },
      { query: 'SELECT x FROM devices', maxItems: 20, continuation: '100' },
    ],
  )
  assert.match(stdout(), /^n +site\n0 +a\\u0007\n/)
  assert.equal(stdout().trimEnd().split('\n').length, 121)
  assert.match(stderr(), /the first 120; there are more/)
})

test('query: an error of the query is shown where it is', async () => {
  const { context } = fakeContext(() => {
    throw new ApiError(400, 'ArgumentInvalid', 'The query is wrong at character 10: expected FROM.')
  })
  const asked = query.run(fakeInput(['SELECT * FORM devices']), context)
  await assert.rejects(asked, (error: Error) => {
    assert.match(error.message, /expected FROM.*\n\n {2}SELECT \* FORM devices\n {11}\^$/)
    return true
  })
})

test('method invoke: sends IoT Hub’s body', async () => {
  const { context, calls } = fakeContext(() => ({ status: 200, payload: null }))
  await methodInvoke.run(fakeInput(['a', 'reboot'], { payload: '{"x":1}', module: 'm' }), context)
  assert.equal(calls[0]?.path, '/twins/a/modules/m/methods')
  assert.deepEqual(calls[0]?.body, {
    methodName: 'reboot',
    responseTimeoutInSeconds: 30,
    connectTimeoutInSeconds: 0,
    payload: { x: 1 },
  })
})

test('enrollment create: sends DPS’s body; prints the id scope with the keys', async () => {
  const symmetricKey = { primaryKey: 'a2V5', secondaryKey: 'a2V5Mg==' }
  const { context, calls, stdout } = fakeContext(({ method }) =>
    method === 'GET'
      ? { idScope: '0ne0012ab34', hostName: 'hub.test' }
      : { registrationId: 'a/b', attestation: { type: 'symmetricKey', symmetricKey } },
  )
  const options = { individual: 'a/b', attestation: 'symmetricKey', key: 'a2V5' }
  await enrollmentCreate.run(fakeInput([], options), context)
  assert.equal(calls[0]?.path, '/enrollments/a%2Fb')
  assert.deepEqual(calls[0]?.body, {
    registrationId: 'a/b',
    attestation: { type: 'symmetricKey', symmetricKey: { primaryKey: 'a2V5', secondaryKey: '' } },
  })
  assert.match(stdout(), /^Id scope +0ne0012ab34$/m)
  assert.match(stdout(), /^Primary key +a2V5$/m)
})
