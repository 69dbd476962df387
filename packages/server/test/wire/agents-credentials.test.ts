import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { silentLog } from '@twinward/hub'
import { parseConnectionString } from '@twinward/protocol'
import { type IssuedCertificate, issue, issueAuthority } from '../../../hub/test/certificate.ts'
import { AmqpTransport } from '../agents/amqp-transport.ts'
import {
  AgentAuthenticationError,
  type CredentialOption,
  lookUpAssignment,
  obtainCredential,
  registerApplication,
} from '../agents/credentials.ts'
import { C_AGENT, CSHARP_AGENT, LegacyAgent } from '../agents/legacy-agent.ts'
import { createDevice, securityOf } from '../agents/lookup.ts'
import { MicroAgent } from '../agents/micro-agent.ts'
import { MqttTransport } from '../agents/mqtt-transport.ts'
import { type AgentTarget, agentTarget } from '../agents/target.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// Each way in which an agent gets to its credential (security 07 §1, §3, §4, §6), on the wire.

const MODULE = 'azureiotsecurity'
const MICRO = 'DefenderIotMicroAgent'
const DPS_VERSION = 'api-version=2021-10-01'
const lines: object[] = []
let server: TestServer
let target: AgentTarget
let idScope: string
let plant: IssuedCertificate
before(async () => {
  const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
  server = await startTestServer({}, log)
  target = agentTarget(server)
  idScope = (await server.call('GET', '/api/provisioning')).body.idScope
  plant = await issueAuthority('plant')
  const properties = { certificate: plant.cert, isVerified: true }
  await server.call('PUT', '/api/certificates/plant', { body: { properties } })
})
after(() => server[Symbol.asyncDispose]())

/** The C agent over MQTT and the C# agent over AMQP, started with what is on their disk. */
async function startBoth(deviceId: string, option: CredentialOption): Promise<void> {
  const ref = { deviceId, moduleId: MODULE }
  const overMqtt = await MqttTransport.open(target, await obtainCredential(target, ref, option))
  await new LegacyAgent(C_AGENT, overMqtt).start()
  await securityOf(server, deviceId, ({ state }) => state === 'active')
  overMqtt.cut()
  const credential = await obtainCredential(target, ref, option)
  const overAmqp = await AmqpTransport.open(target, credential, 'csharp')
  await new LegacyAgent(CSHARP_AGENT, overAmqp).start()
  const { configuration } = await securityOf(
    server,
    deviceId,
    ({ modules }) => modules[0].connectionState === 'Connected',
  )
  assert.equal(configuration.state, 'applied')
  overAmqp.cut()
}

function keyReads(deviceId: string): readonly object[] {
  const ref = `${deviceId}/${MODULE}`
  return lines.filter((line) => {
    const { audit, ref: about } = line as { audit?: string; ref?: string }
    return audit === 'module-key-read' && about === ref
  })
}

const thumbprint = ({ der }: IssuedCertificate) => createHash('sha256').update(der).digest('hex')
const selfSigned = (certificate: IssuedCertificate) => ({
  authentication: {
    type: 'selfSigned',
    x509Thumbprint: { primaryThumbprint: thumbprint(certificate) },
  },
})

test('legacy, SecurityModule and key: connects directly', async () => {
  const { moduleKey } = await createDevice(server, 'k-1', MODULE)
  await startBoth('k-1', { kind: 'module-key', key: moduleKey })
  assert.deepEqual(keyReads('k-1'), [])
})

test('legacy, Device and key: fetches the key of its module at each start; each is audited', async () => {
  const { deviceKey } = await createDevice(server, 'k-2', MODULE)
  await startBoth('k-2', { kind: 'device-key', key: deviceKey })
  const read = { audit: 'module-key-read', ref: `k-2/${MODULE}`, by: 'sas' }
  assert.deepEqual(keyReads('k-2'), [read, read])
})

test('legacy, Device and certificate: the same, with the TLS client certificate', async () => {
  const own = await issue('anything')
  await server.call('PUT', '/devices/k-3', { body: { deviceId: 'k-3', ...selfSigned(own) } })
  await startBoth('k-3', { kind: 'device-certificate', certificate: own })
  const read = { audit: 'module-key-read', ref: `k-3/${MODULE}`, by: 'x509' }
  assert.deepEqual(keyReads('k-3'), [read, read])
})

test('legacy, Device: the reasons of its log: Not Found without the module, Unauthorized with a wrong key', async () => {
  const { deviceKey } = await createDevice(server, 'k-4', MODULE)
  const obtain = (moduleId: string, key: string) =>
    obtainCredential(target, { deviceId: 'k-4', moduleId }, { kind: 'device-key', key })
  const isReason = (reason: string) => (error: unknown) =>
    error instanceof AgentAuthenticationError && error.reason === reason
  await assert.rejects(obtain(MICRO, deviceKey), isReason('Not Found'))
  await assert.rejects(obtain(MODULE, 'a2V5'), isReason('Unauthorized'))
  await assert.rejects(obtain('app', deviceKey), isReason('Unauthorized'))
})

test('a device’s key opens no session of its module, nor the module’s key one of the device', async () => {
  const { deviceKey, moduleKey } = await createDevice(server, 'k-5', MODULE)
  const module = { deviceId: 'k-5', moduleId: MODULE }
  await assert.rejects(MqttTransport.open(target, { ...module, key: deviceKey }), /CONNACK 5/)
  await assert.rejects(AmqpTransport.open(target, { ...module, key: deviceKey }, 'c'), /401/)
  const sibling = { deviceId: 'k-5', moduleId: 'app' }
  await createDevice(server, 'k-5', 'app')
  await assert.rejects(MqttTransport.open(target, { ...sibling, key: moduleKey }), /CONNACK 5/)
})

test('legacy, Device: a rotated key is fetched at the next start, the session before it goes on', async () => {
  const { deviceKey } = await createDevice(server, 'k-6', MODULE)
  const ref = { deviceId: 'k-6', moduleId: MODULE }
  const option = { kind: 'device-key', key: deviceKey } as const
  const before = await obtainCredential(target, ref, option)
  const transport = await MqttTransport.open(target, before)
  await new LegacyAgent(C_AGENT, transport).start()
  const path = '/api/devices/k-6/security/credentials'
  const isUsed = (credential: string) =>
    until(async () => {
      const { body } = await server.call('GET', path)
      return body.modules[0].lastUsed?.credential === credential
    })
  await isUsed('primary')
  const rotated = await server.call('POST', `${path}/rotate`, { body: {} })
  assert.equal(rotated.status, 200)
  await isUsed('secondary')
  await transport.getTwin()
  const after = await obtainCredential(target, ref, option)
  assert.notEqual(after.key, before.key)
  assert.equal(parseConnectionString(rotated.body.connectionString).sharedAccessKey, after.key)
  const next = await MqttTransport.open(target, after)
  await transport.closed()
  await isUsed('primary')
  await server.call('POST', `${path}/rotate`, { body: { revoke: true } })
  await next.closed()
})

for (const attestation of ['key', 'certificate'] as const) {
  test(`legacy, DPS and ${attestation}: looks its registration up by POST, then as Device`, async () => {
    const registrationId = `dps-${attestation}`
    const certificate = await issue(registrationId)
    const isKey = attestation === 'key'
    const body = {
      registrationId,
      attestation: isKey
        ? { type: 'symmetricKey', symmetricKey: { primaryKey: '', secondaryKey: '' } }
        : {
            type: 'x509',
            x509: { clientCertificates: { primary: { certificate: certificate.cert } } },
          },
    }
    const enrolled = await server.call('PUT', `/enrollments/${registrationId}?${DPS_VERSION}`, {
      body,
    })
    assert.equal(enrolled.status, 200)
    const option = {
      kind: 'dps',
      idScope,
      registrationId,
      ...(isKey
        ? { key: enrolled.body.attestation.symmetricKey.primaryKey as string }
        : { certificate }),
    } as const
    const early = lookUpAssignment(target, option)
    await assert.rejects(early, AgentAuthenticationError, 'before the application has registered')
    assert.equal(await registerApplication(target, option), 202)
    const first = await lookUpAssignment(target, option)
    assert.deepEqual([first.assignedHub, first.deviceId], [server.host, registrationId])
    const again = await lookUpAssignment(target, option)
    assert.equal(again.lastUpdatedDateTimeUtc, first.lastUpdatedDateTimeUtc, 'nothing has moved')
    await startBoth(registrationId, option)
  })
}

async function startMicro(deviceId: string, option: CredentialOption): Promise<void> {
  const credential = await obtainCredential(target, { deviceId, moduleId: MICRO }, option)
  const transport = await MqttTransport.open(target, credential)
  const agent = new MicroAgent(transport)
  await agent.start()
  agent.collect('Heartbeat', [], true)
  await agent.flush()
  await securityOf(server, deviceId, ({ agent: a }) => a.version === MicroAgent.VERSION)
  transport.cut()
}

test('micro, connection string of its module', async () => {
  const { moduleKey } = await createDevice(server, 'u-1', MICRO)
  await startMicro('u-1', { kind: 'module-key', key: moduleKey })
})

test('micro, certificate: self-signed, and of a registered CA by its name', async () => {
  const own = await issue('anything')
  const signed = await issue(`u-3/${MICRO}`, { issuer: plant })
  for (const [deviceId, authentication, certificate] of [
    ['u-2', selfSigned(own).authentication, own],
    ['u-3', { type: 'certificateAuthority' }, signed],
  ] as const) {
    await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
    const body = { deviceId, moduleId: MICRO, authentication }
    const made = await server.call('PUT', `/devices/${deviceId}/modules/${MICRO}`, { body })
    assert.equal(made.status, 200)
    await startMicro(deviceId, { kind: 'module-certificate', certificate })
  }
  const stranger = await issue(`u-2/${MICRO}`, { issuer: plant })
  const refused = { deviceId: 'u-2', moduleId: MICRO, certificate: stranger }
  await assert.rejects(MqttTransport.open(target, refused), /CONNACK 5/)
})

test('micro, DPS: the device by its own certificate, the module by one of the same CA', async () => {
  const registrationId = 'u-4'
  const certificate = await issue(registrationId, { issuer: plant })
  const body = {
    registrationId,
    attestation: {
      type: 'x509',
      x509: { clientCertificates: { primary: { certificate: certificate.cert } } },
    },
  }
  await server.call('PUT', `/enrollments/${registrationId}?${DPS_VERSION}`, { body })
  const dps = { kind: 'dps', idScope, registrationId, certificate } as const
  assert.equal(await registerApplication(target, dps), 202)
  const { deviceId } = await lookUpAssignment(target, dps)
  const module = {
    ...{ deviceId, moduleId: MICRO },
    authentication: { type: 'certificateAuthority' },
  }
  await server.call('PUT', `/devices/${deviceId}/modules/${MICRO}`, { body: module })
  const own = await issue(`${deviceId}/${MICRO}`, { issuer: plant })
  await startMicro(deviceId, { kind: 'module-certificate', certificate: own })
})

test('any agent, enrolment token: the module’s own credential in one call, and only once', async () => {
  const { moduleKey: old } = await createDevice(server, 't-1', MODULE)
  const running = await MqttTransport.open(target, {
    ...{ deviceId: 't-1', moduleId: MODULE, key: old },
  })
  const tokens = '/api/devices/t-1/security/enrollment-tokens'
  const { body: made } = await server.call('POST', tokens, { body: {} })
  const enroll = () =>
    server.call('POST', '/api/security/enroll', { policy: null, body: { token: made.token } })
  const outcomes = await Promise.all([enroll(), enroll(), enroll()])
  const won = outcomes.filter(({ status }) => status === 200)
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), [200, 401, 401])
  await running.closed()
  const [enrolled] = won
  assert.equal(enrolled?.body.caCertificate, target.ca)
  const { hostName, sharedAccessKey } = parseConnectionString(enrolled?.body.connectionString)
  assert.equal(hostName, server.host)
  await startBoth('t-1', { kind: 'module-key', key: sharedAccessKey })
  const { body: twin } = await server.call('GET', `/twins/t-1/modules/${MODULE}`)
  assert.ok(Object.keys(twin.properties.desired).length > 1, 'its configuration is still there')
})

test('an enrolment token makes the module that a device lacks, configured for its era', async () => {
  await server.call('PUT', '/devices/t-2', { body: { deviceId: 't-2' } })
  const body = { moduleId: MICRO }
  const tokens = '/api/devices/t-2/security/enrollment-tokens'
  const made = await server.call('POST', tokens, { body })
  const enrolled = await server.call('POST', '/api/security/enroll', {
    policy: null,
    body: { token: made.body.token },
  })
  const { sharedAccessKey } = parseConnectionString(enrolled.body.connectionString)
  await startMicro('t-2', { kind: 'module-key', key: sharedAccessKey })
  const { body: twin } = await server.call('GET', `/twins/t-2/modules/${MICRO}`)
  assert.equal(twin.tags.securityGroup, 'default')
})
