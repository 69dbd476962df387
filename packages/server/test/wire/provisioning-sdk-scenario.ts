// Devices that are provisioned by Microsoft's SDKs, and the back-end that enrols them; every step must
// hold.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import sdk from 'azure-iot-device'
import { Mqtt as DeviceMqtt } from 'azure-iot-device-mqtt'
import device from 'azure-iot-provisioning-device'
import provisioningAmqp from 'azure-iot-provisioning-device-amqp'
import { Http } from 'azure-iot-provisioning-device-http'
import provisioningMqtt from 'azure-iot-provisioning-device-mqtt'
import provisioning from 'azure-iot-provisioning-service'
import { SymmetricKeySecurityClient } from 'azure-iot-security-symmetric-key'
import { X509Security } from 'azure-iot-security-x509'
import iothub from 'azure-iothub'
import { deriveKey } from '../../../hub/src/provisioning/attestation.ts'

/** What the test that starts this leaves for it. */
export interface Scenario {
  readonly host: string
  readonly mqttPort: number
  readonly idScope: string
  /** Of the policies `provisioningserviceowner` and `iothubowner`. */
  readonly provisioningLogin: string
  readonly hubLogin: string
  /** PEM. */
  readonly self: Pem
  readonly signed: Pem
  readonly signer: string
}

interface Pem {
  readonly cert: string
  readonly key: string
}

const [file = ''] = process.argv.slice(2)
const scenario = JSON.parse(readFileSync(file, 'utf8')) as Scenario
const { host, mqttPort, idScope } = scenario
const service = provisioning.ProvisioningServiceClient.fromConnectionString(
  scenario.provisioningLogin,
)
const registry = iothub.Registry.fromConnectionString(scenario.hubLogin)
const MODULE = 'azureiotsecurity'

type Security = SymmetricKeySecurityClient | X509Security
const transports = {
  mqtt: () => new provisioningMqtt.Mqtt(),
  webSocket: () => new provisioningMqtt.MqttWs(),
  http: () => new Http(),
  amqp: () => new provisioningAmqp.Amqp(),
  amqpWebSocket: () => new provisioningAmqp.AmqpWs(),
}

interface BulkResult {
  readonly isSuccessful: boolean
  readonly errors: readonly { readonly registrationId: string }[]
}

/** Registers over one transport and sees that the device has what every device has. */
async function register(transport: keyof typeof transports, security: Security) {
  const address = transport === 'mqtt' ? `${host}:${mqttPort}` : host
  const make = () =>
    // Each package has its own copy of the types.
    device.ProvisioningDeviceClient.create(
      address,
      idScope,
      transports[transport](),
      security as X509Security,
    )
  const result = await make().register()
  assert.ok(result)
  assert.equal(result.assignedHub, host)
  assert.equal(result.status, 'assigned')
  assert.deepEqual(await make().register(), result, 'again: the same assignment')
  const { responseBody } = await registry.getModulesOnDevice(result.deviceId)
  assert.deepEqual(
    responseBody.map(({ moduleId }) => moduleId),
    [MODULE],
  )
  return result
}

/** A payload is for an allocation that there is not: it changes nothing. */
async function registerWithPayload(security: SymmetricKeySecurityClient): Promise<void> {
  const make = () =>
    device.ProvisioningDeviceClient.create(
      host,
      idScope,
      transports.amqp(),
      security as unknown as X509Security,
    )
  const before = await make().register()
  const client = make()
  client.setProvisioningPayload({ any: { thing: [1] } })
  assert.deepEqual(await client.register(), before)
}

/** Connects as the SDK's samples do: the assigned hub, the device id, and what it registered with. */
async function connect(deviceId: string, credential: string, pem?: Pem): Promise<void> {
  const text = `HostName=${host}:${mqttPort};DeviceId=${deviceId};${credential}`
  const client = sdk.Client.fromConnectionString(text, DeviceMqtt)
  if (pem) await client.setOptions({ cert: pem.cert, key: pem.key })
  await client.open()
  await client.sendEvent(new sdk.Message('{}'))
  await client.close()
}

async function refused(transport: keyof typeof transports, security: Security): Promise<Error> {
  try {
    await register(transport, security)
  } catch (error) {
    assert.ok(!(error instanceof assert.AssertionError), 'it was let in')
    return error as Error
  }
  throw new Error('it was let in')
}

async function enrolIndividual() {
  const { responseBody: created } = await service.createOrUpdateIndividualEnrollment({
    registrationId: 'reg-1',
    deviceId: 'pump-1',
    attestation: { type: 'symmetricKey' },
    initialTwin: { tags: { site: 'north' }, properties: { desired: { rpm: 5 } } },
  } as never)
  assert.equal(created.provisioningStatus, 'enabled')
  const { responseBody: keys } = await service.getIndividualEnrollmentAttestationMechanism('reg-1')
  assert.deepEqual(keys, created.attestation)
  const { primaryKey = '', secondaryKey = '' } = keys.symmetricKey ?? {}
  const security = new SymmetricKeySecurityClient('reg-1', primaryKey)
  const { deviceId } = await register('mqtt', security)
  assert.equal(deviceId, 'pump-1')
  await register('http', new SymmetricKeySecurityClient('reg-1', secondaryKey))
  await connect('pump-1', `SharedAccessKey=${primaryKey}`)
  const { responseBody: twin } = await registry.getTwin('pump-1')
  assert.equal(twin.tags.site, 'north')
  assert.equal(twin.properties.desired.rpm, 5)

  const { responseBody: got } = await service.getIndividualEnrollment('reg-1')
  assert.equal(got.registrationState.deviceId, 'pump-1')
  assert.equal(got.attestation.symmetricKey, undefined)
  const { responseBody: disabled } = await service.createOrUpdateIndividualEnrollment({
    ...got,
    provisioningStatus: 'disabled',
  })
  const { responseBody: after } = await service.getIndividualEnrollmentAttestationMechanism('reg-1')
  assert.deepEqual(after, keys, 'an update without keys keeps them')
  for (const transport of ['mqtt', 'http', 'amqp'] as const) {
    assert.match((await refused(transport, security)).message, /disabled/)
  }
  await assert.rejects(service.deleteIndividualEnrollment('reg-1', got.etag))
  await service.deleteIndividualEnrollment('reg-1', disabled.etag)
  await refused('mqtt', security)
  await refused('http', security)
  await refused('amqp', security)
}

async function enrolGroup() {
  const { responseBody: group } = await service.createOrUpdateEnrollmentGroup({
    enrollmentGroupId: 'plant',
    attestation: { type: 'symmetricKey' },
    provisioningStatus: 'enabled',
  } as never)
  const { responseBody: mechanism } = await service.getEnrollmentGroupAttestationMechanism('plant')
  const groupKey = mechanism.symmetricKey?.primaryKey ?? ''
  for (const [transport, deviceId] of [
    ['mqtt', 'pump-2'],
    ['http', 'pump-3'],
    ['webSocket', 'pump-4'],
    ['amqp', 'pump-6'],
    ['amqpWebSocket', 'pump-7'],
  ] as const) {
    const key = deriveKey(groupKey, deviceId)
    await register(transport, new SymmetricKeySecurityClient(deviceId, key))
    await connect(deviceId, `SharedAccessKey=${key}`)
    await refused(transport, new SymmetricKeySecurityClient('pump-5', key))
    if (transport === 'amqp') {
      await registerWithPayload(new SymmetricKeySecurityClient(deviceId, key))
    }
  }
  const query = service.createEnrollmentGroupDeviceRegistrationStateQuery(
    { query: '*' },
    'plant',
    2,
  )
  const pages = [(await query.next()).responseBody]
  assert.equal(query.hasMoreResults, true)
  pages.push((await query.next(query.continuationToken)).responseBody)
  assert.deepEqual(
    pages.map((page) => (page as unknown as { deviceId: string }[]).map((one) => one.deviceId)),
    [
      ['pump-2', 'pump-3'],
      ['pump-4', 'pump-6'],
    ],
  )
  assert.equal(query.hasMoreResults, true)
  const { responseBody: last } = await query.next(query.continuationToken)
  assert.deepEqual(
    (last as unknown as { deviceId: string }[]).map((one) => one.deviceId),
    ['pump-7'],
  )
  assert.equal(query.hasMoreResults, false)
  const { responseBody: state } = await service.getDeviceRegistrationState('pump-2')
  assert.equal(state.status, 'assigned')
  await service.deleteDeviceRegistrationState(state)
  await assert.rejects(service.getDeviceRegistrationState('pump-2'))
  await service.deleteEnrollmentGroup(group)
  await assert.rejects(service.getEnrollmentGroup('plant'))
}

async function enrolCertificates() {
  const { self, signed, signer } = scenario
  const client = { primary: { certificate: self.cert } }
  const { responseBody } = await service.createOrUpdateIndividualEnrollment({
    registrationId: 'self-1',
    attestation: { type: 'x509', x509: { clientCertificates: client } },
  } as never)
  const info = responseBody.attestation.x509?.clientCertificates?.primary.info
  assert.equal(info?.subjectName, 'CN=self-1')
  await service.createOrUpdateEnrollmentGroup({
    enrollmentGroupId: 'line-1',
    attestation: {
      type: 'x509',
      x509: { signingCertificates: { primary: { certificate: signer } } },
    },
  } as never)
  for (const transport of ['mqtt', 'http', 'amqp', 'amqpWebSocket'] as const) {
    await register(transport, new X509Security('self-1', self))
    await register(transport, new X509Security('signed-1', signed))
    await refused(transport, new X509Security('self-2', self))
    await refused(transport, new X509Security('signed-2', signed))
  }
  await connect('self-1', 'x509=true', self)
  await connect('signed-1', 'x509=true', signed)
}

async function enrolMany() {
  const attestation = { type: 'symmetricKey' }
  const ids = ['bulk-1', 'bulk-2', 'bulk-3']
  // The SDK answers this one by callback only.
  const run = (mode: string) =>
    new Promise<BulkResult>((resolve, reject) => {
      const enrollments = ids.map((registrationId) => ({ registrationId, attestation }))
      service.runBulkEnrollmentOperation({ mode, enrollments } as never, (error, result) =>
        error || !result ? reject(error) : resolve(result),
      )
    })
  assert.deepEqual(await run('create'), { isSuccessful: true, errors: [] })
  const again = await run('create')
  assert.deepEqual(
    again.errors.map(({ registrationId }) => registrationId),
    ids,
  )
  const query = service.createIndividualEnrollmentQuery({ query: 'SELECT * FROM enrollments' }, 2)
  const found: string[] = []
  do {
    const { responseBody } = await query.next(query.continuationToken)
    found.push(
      ...(responseBody as unknown as { registrationId: string }[]).map((one) => one.registrationId),
    )
  } while (query.hasMoreResults)
  assert.deepEqual(found, [...ids, 'self-1'])
  assert.equal((await run('delete')).isSuccessful, true)
}

await enrolIndividual()
await enrolGroup()
await enrolCertificates()
await enrolMany()
process.stdout.write('all steps passed\n')
