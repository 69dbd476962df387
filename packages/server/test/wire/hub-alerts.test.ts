import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { formatConnectionString } from '@twinward/protocol'
import sdk from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import { Mqtt } from 'azure-iot-device-mqtt'
import { type IssuedCertificate, issue, issueAuthority } from '../../../hub/test/certificate.ts'
import { makeToken } from '../../../hub/test/hub.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// What the hub notices of itself becomes alerts: unmodified SDKs on a whole server.

const { Client } = sdk

interface AlertView {
  readonly id: string
  readonly alertType: string
  readonly deviceId: string
  readonly severity: string
  readonly count: number
  readonly extendedProperties: { readonly [name: string]: string }
}

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())

async function createDevice(deviceId: string, authentication?: object): Promise<string> {
  const body = { deviceId, ...(authentication && { authentication }) }
  const answer = await server.call('PUT', `/devices/${deviceId}`, { body })
  assert.equal(answer.status, 200)
  return answer.body.authentication.symmetricKey?.primaryKey ?? ''
}

async function alertsOf(type: string, deviceId = ''): Promise<readonly AlertView[]> {
  const { body } = await server.call('GET', `/api/security/alerts?type=${type}`)
  return body.items.filter((alert: AlertView) => alert.deviceId === deviceId)
}

function alert(type: string, deviceId = ''): Promise<AlertView> {
  return until(async () => (await alertsOf(type, deviceId))[0])
}

/** `AuthenticationType.Token` of the SDK. */
const TOKEN = 1

type Transport = typeof Mqtt | typeof Amqp

/** Opens a client of the SDK, which must be refused. */
async function refuse(client: InstanceType<typeof Client>, options: object = {}): Promise<void> {
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
  client.on('error', () => {})
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8'), ...options })
  try {
    await assert.rejects(client.open(), /nauthorized|not authorized|refused/i)
  } finally {
    await client.close().catch(() => {})
  }
}

function fromKey(deviceId: string, sharedAccessKey: string, transport: Transport) {
  const port = transport === Amqp ? server.ready.amqpPort : server.ready.mqttPort
  const hostName = `${server.host}:${port}`
  const text = formatConnectionString({ hostName, deviceId, sharedAccessKey })
  return Client.fromConnectionString(text, transport)
}

/** A client whose program brings a token of its own. */
function fromToken(deviceId: string, sharedAccessSignature: string, transport: Transport) {
  const port = transport === Amqp ? server.ready.amqpPort : server.ready.mqttPort
  const credentials = { host: `${server.host}:${port}`, deviceId, sharedAccessSignature }
  const provider = Object.assign(new EventEmitter(), {
    type: TOKEN,
    automaticRenewal: false,
    getDeviceCredentials: (done: (error: Error | null, found: object) => void) =>
      done(null, credentials),
    stop() {},
  })
  return Client.fromAuthenticationProvider(provider as never, transport)
}

for (const [name, transport] of [
  ['mqtt', Mqtt],
  ['amqp', Amqp],
] as const) {
  test(`${name}: a wrong key raises IoT_Invalid_SAS_Token, with the address`, async () => {
    const deviceId = `wrong-key-${name}`
    await createDevice(deviceId)
    await refuse(fromKey(deviceId, randomBytes(32).toString('base64'), transport))
    const { severity, extendedProperties } = await alert('IoT_Invalid_SAS_Token', deviceId)
    assert.equal(severity, 'Low')
    assert.match(extendedProperties.Address ?? '', /127\./)
    assert.equal(extendedProperties['Connected At The Time'], 'false')
  })

  test(`${name}: an expired token raises IoT_Expired_SAS_Token, and says who was connected`, async () => {
    const deviceId = `expired-${name}`
    const key = await createDevice(deviceId)
    const genuine = fromKey(deviceId, key, transport)
    await genuine.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
    await genuine.open()
    const port = transport === Amqp ? server.ready.amqpPort : server.ready.mqttPort
    const resource = `${server.host}:${port}/devices/${deviceId}`
    const expired = { expiresAtMs: Date.now() - 3_600_000, resource }
    const token = makeToken(key, { deviceId }, expired)
    await refuse(fromToken(deviceId, token, transport))
    const { extendedProperties } = await alert('IoT_Expired_SAS_Token', deviceId)
    await genuine.close()
    assert.equal(extendedProperties['Connected At The Time'], 'true')
  })
}

async function withCertificate(deviceId: string, { cert, key }: IssuedCertificate) {
  const text = `HostName=${server.host}:${server.ready.mqttPort};DeviceId=${deviceId};x509=true`
  await refuse(Client.fromConnectionString(text, Mqtt), { cert, key })
}

test('another certificate than the registered one raises IoT_Cert_Print_Mismatch', async () => {
  const x509Thumbprint = { primaryThumbprint: 'a'.repeat(64) }
  await createDevice('thumbprint', { type: 'selfSigned', x509Thumbprint })
  await withCertificate('thumbprint', await issue('thumbprint'))
  assert.equal((await alert('IoT_Cert_Print_Mismatch', 'thumbprint')).severity, 'Medium')
})

test('a name that is none of ours raises no alert, and stands in the audit log', async () => {
  await refuse(fromKey('nobody', randomBytes(32).toString('base64'), Mqtt))
  const entry = await until(async () => {
    const { body } = await server.call('GET', '/api/audit?kind=auth.failure')
    return body.items.find((one: { subject?: string }) => one.subject === 'nobody')
  })
  assert.deepEqual([entry.reason, entry.deviceId], ['unknownIdentity', undefined])
  assert.deepEqual(await alertsOf('IoT_Invalid_SAS_Token', 'nobody'), [])
})

test('a CA that comes and goes, or does not, raises the four alerts about the hub', async () => {
  const { cert } = await issueAuthority('plant')
  const body = { properties: { certificate: cert, isVerified: true } }
  const put = (name: string, content: object) =>
    server.call('PUT', `/api/certificates/${name}`, { body: content })
  assert.equal((await put('plant', body)).status, 200)
  assert.equal((await put('bad', { properties: { certificate: 'AAAA' } })).status, 400)
  const remove = (name: string) =>
    server.call('DELETE', `/api/certificates/${name}`, { headers: { 'If-Match': '*' } })
  assert.equal((await remove('missing')).status, 404)
  assert.equal((await remove('plant')).status, 204)
  const added = await alert('IoT_CertificateSuccessfullyAddedToHub')
  assert.equal(added.extendedProperties.Principal, 'iothubowner')
  assert.equal(added.extendedProperties.Subject, 'plant')
  await alert('IoT_CertificateSuccessfullyDeletedFromHub')
  await alert('Hub_CertificateFailedToBeAddedToHub')
  const failed = await alert('IoT.Hub_CertificateFailedToBeDeletedFromHub')
  assert.equal(failed.extendedProperties.Reason, 'CertificateNotFound')
})

test('routes and consumer groups raise the alerts on exports; a module of a service is told', async () => {
  const route = { source: 'DeviceMessages', endpointNames: ['events'] }
  const path = '/api/routing/routes/archive'
  assert.equal((await server.call('PUT', path, { body: route })).status, 200)
  assert.equal((await server.call('DELETE', path)).status, 200)
  const changed = await alert('IoT_DiagnosticSettingAddedOrEditedOnHub')
  assert.equal(changed.extendedProperties.Subject, 'route archive')
  await alert('IoT_DiagnosticSettingDeletedFromHub')
  await createDevice('pump-1')
  const module = { deviceId: 'pump-1', moduleId: 'camera' }
  await server.call('PUT', '/devices/pump-1/modules/camera', { body: module })
  const created = await alert('IoT_ModuleCreatedOutsideProvisioning')
  assert.equal(created.extendedProperties.ModuleId, 'camera')
})

test('a policy that never changed the security configuration before is unusual', async () => {
  const body = { isEnabled: false }
  const change = (policy: string) =>
    server.call('PUT', '/api/security/rules/IoT_FileModified', { body, policy })
  assert.equal((await change('iothubowner')).status, 200)
  assert.equal((await change('iothubowner')).status, 200)
  const told = await until(async () => {
    const answer = await server.call('GET', '/api/audit?kind=security.change')
    return answer.body.items.length >= 2 && answer.body.items
  })
  assert.equal(told[0].subject, 'PUT /api/security/rules/IoT_FileModified')
  assert.deepEqual(await alertsOf('IoT_UnusualPrincipal'), [])
  assert.equal((await change('service')).status, 200)
  const { extendedProperties } = await alert('IoT_UnusualPrincipal')
  assert.equal(extendedProperties.Principal, 'service')
})

test('the audit log has it all, newest first, page by page; an alert about the hub can be dismissed', async () => {
  const { body: first } = await server.call('GET', '/api/audit?limit=2')
  assert.equal(first.items.length, 2)
  assert.ok(first.items[0].sequence > first.items[1].sequence)
  const next = `/api/audit?limit=2&continuationToken=${first.continuationToken}`
  const { body: second } = await server.call('GET', next)
  assert.ok(second.items[0].sequence < first.items[1].sequence)
  const { body: of } = await server.call('GET', '/api/audit?device=thumbprint')
  assert.deepEqual(
    of.items.map(({ kind, reason }: { kind: string; reason: string }) => [kind, reason]),
    [['auth.failure', 'thumbprint']],
  )
  assert.equal((await server.call('GET', '/api/audit?kind=nonsense')).status, 400)
  assert.equal((await server.call('GET', '/api/audit?continuationToken=x')).status, 400)
  const { id } = await alert('IoT_CertificateSuccessfullyAddedToHub')
  const change = { body: { status: 'Dismissed' } }
  const { status } = await server.call('PATCH', `/api/security/alerts/${id}`, change)
  assert.equal(status, 200)
})
