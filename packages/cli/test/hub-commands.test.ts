import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Identity } from '../src/identity.ts'
import type { TwinView } from '../src/twin.ts'
import { type Answer, startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram(['--hostname', 'hub.test'])
})
after(() => server[Symbol.asyncDispose]())

interface Created {
  readonly modules: readonly string[]
  readonly connectionString: string
}

/** A command that must be refused: the reason, and nothing on standard output. */
async function refusal(...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await server.run(words)
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.match(stderr, /^[^\n]+\n$/, 'one line')
  return stderr
}

test('device: create, list, update, delete', async () => {
  const created = await server.json<Created>('device', 'create', 'pump-1')
  assert.deepEqual(created.modules, ['azureiotsecurity'])
  const { mqttPort } = server.ready
  const before = `HostName=hub.test:${mqttPort};DeviceId=pump-1;SharedAccessKey=`
  assert.ok(created.connectionString.startsWith(before))

  assert.match(await refusal('device', 'create', 'pump-1'), /\(DeviceAlreadyExists\)$/m)
  const devices = await server.json<readonly Answer[]>('device', 'list')
  assert.deepEqual(
    devices.map(({ deviceId }) => deviceId),
    ['pump-1'],
  )

  const reason = ['--status', 'disabled', '--reason', 'on the bench']
  const updated = await server.json('device', 'update', 'pump-1', ...reason)
  assert.equal(updated.status, 'disabled')
  assert.equal(updated.statusReason, 'on the bench')
  const { connectionString } = await server.json('connection-string', '--device', 'pump-1')
  assert.equal(connectionString, created.connectionString, 'the key is still the same')

  assert.deepEqual(await server.json('device', 'delete', 'pump-1'), {
    deviceId: 'pump-1',
    deleted: true,
  })
  assert.match(await refusal('device', 'show', 'pump-1'), /no device .*\(DeviceNotFound\)$/m)
})

test('device create --auth x509: stores the thumbprint and has no connection string', async () => {
  const thumbprint = 'AB'.repeat(20)
  const auth = ['--auth', 'x509', '--primary-thumbprint', thumbprint]
  const created = await server.json<Identity & Partial<Created>>(
    'device',
    'create',
    'cert-1',
    ...auth,
  )
  assert.equal(created.authentication.type, 'selfSigned')
  assert.equal(created.authentication.x509Thumbprint?.primaryThumbprint, thumbprint)
  assert.equal(created.connectionString, undefined)
  assert.match(await refusal('connection-string', '--device', 'cert-1'), /has no key/)
  assert.match(await refusal('send', 'cert-1', '--data', 'x'), /has no key/)
})

test('module: create, show, list, update, delete', async () => {
  await server.json('device', 'create', 'pump-2')
  const name = ['pump-2', 'telemetry']
  const created = await server.json<Created>('module', 'create', ...name, '--managed-by', 'me')
  assert.match(created.connectionString, /;DeviceId=pump-2;ModuleId=telemetry;SharedAccessKey=/)
  await server.json('module', 'update', ...name, '--managed-by', 'you')
  assert.equal((await server.json('module', 'show', ...name)).managedBy, 'you')
  const asked = await server.json(
    'connection-string',
    '--device',
    'pump-2',
    '--module',
    'telemetry',
  )
  assert.equal(asked.connectionString, created.connectionString)
  assert.equal((await server.json<readonly Answer[]>('module', 'list', 'pump-2')).length, 2)
  await server.json('module', 'delete', ...name)
  assert.match(await refusal('module', 'show', ...name), /\(ModuleNotFound\)$/m)
})

test('twin: update merges, --etag guards', async () => {
  await server.json('device', 'create', 'pump-3')
  const patch = ['--desired', '{"fan":{"rpm":900}}', '--tags', '{"site":"north"}']
  const twin = await server.json<TwinView>('twin', 'update', 'pump-3', ...patch)
  assert.deepEqual(twin.properties.desired.fan, { rpm: 900 })
  const shown = await server.run(['twin', 'show', 'pump-3'])
  assert.match(shown.stdout, /Tags\n\{\n {2}"site": "north"\n\}/)
  assert.ok(!shown.stdout.includes('$metadata'))
  const stale = ['--tags', '{"a":1}', '--etag', 'AAAAAAAAAAA=']
  assert.match(await refusal('twin', 'update', 'pump-3', ...stale), /\(PreconditionFailed\)$/m)
  const wrong = await server.run(['twin', 'update', 'pump-3', '--tags', '{'])
  assert.equal(wrong.code, 2)
})

test('what this version does not serve yet is said, with 1', async () => {
  await server.json('device', 'create', 'pump-4')
  assert.match(await refusal('query', 'SELECT * FROM devices'), /not served .* yet/)
  assert.match(await refusal('method', 'invoke', 'pump-4', 'reboot'), /not served .* yet/)
  assert.match(await refusal('ca', 'add', 'x.pem'), /not served .* yet/)
  const enrolment = ['--individual', 'a', '--attestation', 'symmetricKey']
  assert.match(await refusal('enrollment', 'create', ...enrolment), /does not serve .* yet/)
})

test('connection-string: of a policy, with the HTTPS port', async () => {
  const { connectionString } = await server.json<Created>(
    'connection-string',
    '--policy',
    'service',
  )
  const before = `HostName=hub.test:${server.ready.httpsPort};SharedAccessKeyName=service;`
  assert.ok(connectionString.startsWith(before))
  assert.match(await refusal('connection-string', '--policy', 'nope'), /policies are iothubowner/)
})

test('ca: prints the CA file that the server announced', async () => {
  assert.equal((await server.run(['ca'])).stdout, `${server.ready.caFile}\n`)
})
