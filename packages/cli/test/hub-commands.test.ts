import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import sdk from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { type IssuedCertificate, issue, issueAuthority } from '../../hub/test/certificate.ts'
import type { CaCertificate } from '../src/ca-certificate.ts'
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

interface Enrolled {
  readonly enrollmentGroupId: string
  readonly idScope: string
  readonly attestation: { readonly symmetricKey: { readonly primaryKey: string } }
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

test('method invoke: prints what the target answered; one that is not there is said so', async () => {
  const { connectionString } = await server.json<Created>('device', 'create', 'pump-4')
  const call = ['method', 'invoke', 'pump-4', 'reboot', '--payload', '{"delay":5}']
  assert.match(await refusal(...call), /not connected.*--connect-timeout.*\(DeviceNotOnline\)/)
  const { caFile, mqttPort } = server.ready
  const text = `${connectionString};GatewayHostName=127.0.0.1:${mqttPort}`
  const client = sdk.Client.fromConnectionString(text, Mqtt)
  await client.setOptions({ ca: caFile })
  client.onDeviceMethod('reboot', (request, response) => {
    void response?.send(202, { got: request?.payload })
  })
  try {
    const answer = await server.json(...call, '--connect-timeout', '20')
    assert.deepEqual(answer, { status: 202, payload: { got: { delay: 5 } } })
  } finally {
    await client.close()
  }
})

test('enrollment: create, list, show, delete', async () => {
  const group = ['--group', 'plant']
  const created = await server.json<Enrolled>(
    ...['enrollment', 'create', ...group, '--attestation', 'symmetricKey'],
  )
  assert.equal(created.enrollmentGroupId, 'plant')
  assert.match(created.idScope, /^0ne[0-9a-f]{8}$/)
  const { primaryKey } = created.attestation.symmetricKey
  assert.match(
    await refusal('enrollment', 'create', ...group, '--attestation', 'symmetricKey'),
    /If-Match/,
  )
  const shown = await server.json<Enrolled>('enrollment', 'show', ...group, '--keys')
  assert.deepEqual(
    [shown.idScope, shown.attestation.symmetricKey.primaryKey],
    [created.idScope, primaryKey],
  )
  const bare = await server.run(['enrollment', 'show', ...group])
  assert.ok(!bare.stdout.includes(primaryKey))
  const listed = await server.run(['enrollment', 'list'])
  assert.match(listed.stdout, /^group +plant +enabled +symmetricKey +2/m)
  await server.json('enrollment', 'delete', ...group)
  assert.match(await refusal('enrollment', 'show', ...group), /\(EnrollmentNotFound\)$/m)
})

test('c2d: send queues a message, purge removes it', async () => {
  await server.json('device', 'create', 'pump-5')
  const words = ['c2d', 'send', 'pump-5', '--data', 'open', '--property', 'kind=valve']
  const sent = await server.json(...words, '--ack', 'full', '--ttl', '60', '--message-id', 'm-1')
  assert.equal(sent.messageId, 'm-1')
  const lifeMs = Date.parse(String(sent.expiryTimeUtc)) - Date.parse(String(sent.enqueuedTimeUtc))
  assert.ok(lifeMs > 55_000 && lifeMs <= 60_000, `${lifeMs} ms`)
  const shown = await server.json('device', 'show', 'pump-5')
  assert.equal(shown.cloudToDeviceMessageCount, 1)
  const purged = await server.run(['c2d', 'purge', 'pump-5'])
  assert.equal(purged.stdout, 'Purged 1 message of pump-5.\n')
  const module = ['pump-5', '--module', 'azureiotsecurity']
  const queued = await server.run(['c2d', 'send', ...module, '--data', 'x'])
  assert.match(queued.stdout, /^Queued [0-9a-f-]{36} for pump-5\/azureiotsecurity; it expires at 2/)
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

test('ca: add, verify, list, remove; a device of a registered CA', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-ca-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const save = (name: string, { cert }: IssuedCertificate) => {
    writeFileSync(join(folder, name), cert)
    return join(folder, name)
  }
  const trusted = save('plant north.pem', await issueAuthority('plant north'))
  const added = await server.json<CaCertificate>('ca', 'add', trusted)
  assert.equal(added.name, 'plant-north')
  assert.equal(added.properties.isVerified, true)
  assert.equal(added.properties.certificate, undefined)
  assert.match(await refusal('ca', 'add', trusted), /\(PreconditionFailed\)$/m)

  const ca = await issueAuthority('plant south')
  const file = save('south.pem', ca)
  const { code, stdout } = await server.run(['ca', 'add', file, '--name', 'south', '--unverified'])
  assert.equal(code, 0)
  const [, verificationCode = ''] = /^ {2}CN=([0-9A-F]{48})$/m.exec(stdout) ?? []
  assert.match(stdout, /ca verify south FILE/)
  assert.match(await refusal('ca', 'verify', 'south', file), /common name .*\(ArgumentInvalid\)$/m)
  const proof = save('proof.pem', await issue(verificationCode, { issuer: ca }))
  const verified = await server.json<CaCertificate>('ca', 'verify', 'south', proof)
  assert.equal(verified.properties.isVerified, true)

  const listed = await server.run(['ca', 'list'])
  assert.match(listed.stdout, /^plant-north +yes +CN=plant north +\w{3}, /m)
  assert.match(listed.stdout, /^south +yes +CN=plant south +/m)
  const device = await server.json<Identity>('device', 'create', 'cert-2', '--auth', 'x509-ca')
  assert.equal(device.authentication.type, 'certificateAuthority')
  for (const name of ['plant-north', 'south']) await server.json('ca', 'remove', name)
  assert.deepEqual(await server.json('ca', 'list'), [])
  assert.match(await refusal('ca', 'remove', 'south'), /\(CertificateNotFound\)$/m)
})

test('route: create, list, test, delete; enrichment: set, list, delete', async () => {
  const create = ['route', 'create', 'hot', '--condition', "$body.t > 30 AND level = 'hot'"]
  const created = await server.json('route', ...create.slice(1))
  assert.deepEqual(created, {
    name: 'hot',
    source: 'DeviceMessages',
    condition: "$body.t > 30 AND level = 'hot'",
    endpointNames: ['events'],
    isEnabled: true,
  })
  await server.json('route', 'create', 'twins', '--source', 'TwinChangeEvents', '--disabled')
  const { stdout } = await server.run(['route', 'list'])
  assert.match(stdout, /^twins +TwinChangeEvents +no +true$/m)
  assert.match(stdout, /^\$fallback +DeviceMessages +yes +true$/m)
  assert.equal((await server.json('enrichment', 'set', 'hub', '$iothubname')).key, 'hub')
  assert.match((await server.run(['enrichment', 'list'])).stdout, /^hub +\$iothubname$/m)

  const message = ['route', 'test', '--data', '{"t":31}', '--property', 'level=hot']
  const tested = await server.run(message)
  assert.match(
    tested.stdout,
    /^It matches hot and goes to events\.\n {2}level = hot\n {2}hub = hub$/m,
  )
  const other = await server.run(['route', 'test', '--data', '{"t":1}'])
  assert.match(other.stdout, /^It takes the fallback route/)
  const twin = JSON.stringify({ tags: { site: 'north' } })
  const condition = ['--condition', "$twin.tags.site = 'south'", '--twin', twin]
  assert.deepEqual((await server.json('route', 'test', ...condition)).endpointNames, [])

  const wrong = await server.run(['route', 'create', 'bad', '--condition', 'level = '])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /character 9: expected a value.*\n\n {2}level = \n {10}\^/)
  const faulty = await server.run(['route', 'test', '--condition', '$twin.x = 1'])
  assert.match(faulty.stderr, /\$twin has tags.*\n\n {2}\$twin\.x = 1\n {2}\^/)

  for (const name of ['hot', 'twins']) await server.json('route', 'delete', name)
  await server.json('enrichment', 'delete', 'hub')
  assert.match(
    await refusal('route', 'delete', 'hot'),
    /There is no route 'hot'.*\(GenericNotFound\)$/m,
  )
  assert.deepEqual(await server.json('enrichment', 'list'), [])
})
