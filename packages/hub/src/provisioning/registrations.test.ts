import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { issue, issueAuthority } from '../../test/certificate.ts'
import { TestClock } from '../../test/clock.ts'
import { makeHub } from '../../test/hub.ts'
import {
  encodedToken,
  enrol,
  GROUP_KEY,
  OTHER_KEY,
  registrant,
  registrationToken,
} from '../../test/provisioning.ts'
import { deriveKey } from './attestation.ts'

test('register: an individual gets its device, with the enrolment’s keys and the initial twin', async () => {
  const hub = makeHub({ hostNames: ['hub.example.net'] })
  const initialTwin = { tags: { site: 'north' }, desired: { rpm: 5 } }
  await enrol(hub, 'individual', 'reg-1', { deviceId: 'pump-1', initialTwin })
  const registration = await hub.provisioning.registrations.register(registrant('reg-1', GROUP_KEY))
  const { status, deviceId, assignedHub } = registration
  assert.deepEqual([status, deviceId, assignedHub], ['assigned', 'pump-1', 'hub.example.net'])
  const { identity, twin } = await hub.identities.get({ deviceId: 'pump-1' })
  assert.deepEqual(identity.authentication, {
    ...{ type: 'sas', primaryKey: GROUP_KEY, secondaryKey: OTHER_KEY },
  })
  assert.deepEqual([twin.tags, twin.desired.values], [initialTwin.tags, initialTwin.desired])
})

test('register: a device of a group gets keys of its own', async () => {
  const hub = makeHub()
  await enrol(hub, 'group', 'plant')
  const key = deriveKey(OTHER_KEY, 'pump-1')
  await hub.provisioning.registrations.register(registrant('pump-1', key))
  const { authentication } = (await hub.identities.get({ deviceId: 'pump-1' })).identity
  assert.ok(authentication.type === 'sas')
  assert.equal(authentication.primaryKey, deriveKey(GROUP_KEY, 'pump-1'))
  assert.equal(authentication.secondaryKey, key)
})

test('register: again, nothing changes: same assignment, twin and etags, a day later', async () => {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  await enrol(hub, 'individual', 'pump-1', { initialTwin: { tags: { site: 'north' } } })
  const { registrations } = hub.provisioning
  const device = registrant('pump-1', GROUP_KEY)
  const first = await registrations.register(device)
  await hub.twins.patch({ deviceId: 'pump-1' }, { tags: { site: 'south' } })
  const before = await hub.identities.get({ deviceId: 'pump-1' })
  clock.advance(24 * 3600_000)
  assert.deepEqual(await registrations.register(device), first)
  assert.deepEqual(await registrations.lookUp(device), first)
  assert.deepEqual(await registrations.lookUp(device, first.operationId), first)
  assert.deepEqual(await hub.identities.get({ deviceId: 'pump-1' }), before)
})

test('register: many times at once makes one device and one registration', async () => {
  const hub = makeHub()
  await enrol(hub, 'group', 'plant')
  const device = registrant('pump-1', deriveKey(GROUP_KEY, 'pump-1'))
  const { registrations } = hub.provisioning
  const all = await Promise.all(Array.from({ length: 8 }, () => registrations.register(device)))
  assert.equal(new Set(all.map(({ etag }) => etag)).size, 1)
  assert.equal((await hub.identities.count()).devices, 1)
})

test('register: with new keys of the enrolment the device gets them and keeps its twin and status', async () => {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  const { etag } = await enrol(hub, 'individual', 'pump-1', { initialTwin: { tags: { a: 1 } } })
  const { registrations, enrollments } = hub.provisioning
  const first = await registrations.register(registrant('pump-1', GROUP_KEY))
  await hub.twins.patch({ deviceId: 'pump-1' }, { tags: { a: 2 } })
  const kept = (await hub.identities.get({ deviceId: 'pump-1' })).identity
  await hub.identities.update({ deviceId: 'pump-1' }, { status: 'disabled' }, '*')
  const symmetricKey = { primaryKey: OTHER_KEY, secondaryKey: OTHER_KEY }
  await enrollments.put(
    { kind: 'individual', id: 'pump-1' },
    { attestation: { type: 'symmetricKey', symmetricKey }, initialTwin: { tags: { a: 3 } } },
    etag,
  )
  await refused(registrations.register(registrant('pump-1', GROUP_KEY)))
  clock.advance(1000)
  const second = await registrations.register(registrant('pump-1', OTHER_KEY))
  assert.equal(second.createdMs, first.createdMs)
  assert.equal(second.updatedMs, first.updatedMs + 1000)
  assert.notEqual(second.operationId, first.operationId)
  const after = await hub.identities.get({ deviceId: 'pump-1' })
  assert.equal(after.identity.generationId, kept.generationId)
  assert.equal(after.identity.status, 'disabled')
  assert.deepEqual(after.twin.tags, { a: 2 })
})

test('register: a device that was deleted comes back with its initial twin, unless it stays assigned', async () => {
  for (const updateHubAssignment of [true, false]) {
    const hub = makeHub()
    const reprovisionPolicy = { updateHubAssignment, migrateDeviceData: true }
    const initialTwin = { tags: { site: 'north' } }
    await enrol(hub, 'individual', 'pump-1', { reprovisionPolicy, initialTwin })
    const { registrations } = hub.provisioning
    const first = await registrations.register(registrant('pump-1', GROUP_KEY))
    await hub.identities.remove({ deviceId: 'pump-1' }, '*')
    const second = await registrations.register(registrant('pump-1', GROUP_KEY))
    assert.equal(second.etag === first.etag, !updateHubAssignment)
    assert.equal((await hub.identities.count()).devices, updateHubAssignment ? 1 : 0)
  }
})

test('register: a device that somebody else created keeps its twin and gets the credential', async () => {
  const hub = makeHub()
  await hub.keyOf({ deviceId: 'pump-1' })
  await hub.twins.patch({ deviceId: 'pump-1' }, { tags: { a: 1 } })
  await enrol(hub, 'individual', 'pump-1', { initialTwin: { tags: { a: 2 } } })
  await hub.provisioning.registrations.register(registrant('pump-1', GROUP_KEY))
  const { identity, twin } = await hub.identities.get({ deviceId: 'pump-1' })
  assert.deepEqual(twin.tags, { a: 1 })
  assert.deepEqual(identity.authentication, {
    ...{ type: 'sas', primaryKey: GROUP_KEY, secondaryKey: OTHER_KEY },
  })
})

test('register: an edge device comes with its system modules', async () => {
  const hub = makeHub()
  await enrol(hub, 'individual', 'gateway', { iotEdge: true })
  await hub.provisioning.registrations.register(registrant('gateway', GROUP_KEY))
  const modules = await hub.identities.listModules('gateway')
  assert.deepEqual(modules.map(({ ref }) => ref.moduleId).sort(), ['$edgeAgent', '$edgeHub'])
})

test('register: a disabled enrolment says so to its device only, and makes none', async () => {
  const hub = makeHub()
  await enrol(hub, 'individual', 'pump-1', { provisioningStatus: 'disabled' })
  const { registrations } = hub.provisioning
  const { status } = await registrations.register(registrant('pump-1', GROUP_KEY))
  assert.equal(status, 'disabled')
  assert.equal((await registrations.lookUp(registrant('pump-1', GROUP_KEY))).status, 'disabled')
  assert.equal(await registrations.find('pump-1'), undefined)
  assert.equal((await hub.identities.count()).devices, 0)
  const wrong = await refused(
    registrations.register(registrant('pump-1', deriveKey(OTHER_KEY, 'x'))),
  )
  const unknown = await refused(registrations.register(registrant('pump-2', GROUP_KEY)))
  assert.equal(wrong.message, unknown.message)
})

test('register: what can never work has failed, and says why', async () => {
  const hub = makeHub()
  const deviceId = 'pump-1'
  await enrol(hub, 'individual', deviceId)
  const { registrations } = hub.provisioning
  const { createDevice } = hub.identities
  hub.identities.createDevice = () => {
    throw new HubError('TooManyDevices', 'The hub is full.')
  }
  const failed = await registrations.register(registrant(deviceId, GROUP_KEY))
  assert.deepEqual(failed.error, { number: 413002, message: 'The hub is full.' })
  assert.equal((await registrations.get(deviceId)).status, 'failed')
  hub.identities.createDevice = createDevice
  const assigned = await registrations.register(registrant(deviceId, GROUP_KEY))
  assert.deepEqual([assigned.status, assigned.error], ['assigned', null])
})

test('attest: everything that is wrong is answered with the same words', async () => {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  await enrol(hub, 'individual', 'pump-1')
  await enrol(hub, 'group', 'plant')
  const nowS = clock.now() / 1000
  const tokens = [
    registrationToken('pump-1', deriveKey(GROUP_KEY, 'pump-1')),
    registrationToken('pump-1', GROUP_KEY, { policy: 'iothubowner' }),
    registrationToken('pump-1', GROUP_KEY, { idScope: '0ne00000002' }),
    registrationToken('pump-2', GROUP_KEY),
    registrationToken('pump-1', GROUP_KEY, { expiresAtS: nowS - 301 }),
    'SharedAccessSignature x',
    '',
  ]
  const { registrations } = hub.provisioning
  const messages = await Promise.all(
    tokens.map(async (token) =>
      refused(registrations.attest(registrant('pump-1', '', { proof: { token } }))),
    ),
  )
  const other = { idScope: '0ne00000002', proof: { token: registrationToken('pump-1', GROUP_KEY) } }
  messages.push(await refused(registrations.attest(registrant('pump-1', '', other))))
  messages.push(await refused(registrations.attest(registrant('no/id', GROUP_KEY))))
  assert.equal(new Set(messages.map(({ message }) => message)).size, 1)
  for (const token of [
    registrationToken('pump-1', GROUP_KEY, { policy: '' }),
    registrationToken('PUMP-1', GROUP_KEY, { expiresAtS: nowS - 299 }),
    encodedToken('pump-1', OTHER_KEY),
  ]) {
    await registrations.attest(registrant('pump-1', '', { proof: { token } }))
  }
})

test('attest: who is refused too often waits; who is right does not use it up', async () => {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  await enrol(hub, 'group', 'plant')
  const { registrations } = hub.provisioning
  for (let n = 0; n < 150; n++) {
    await registrations.attest(registrant(`pump-${n}`, deriveKey(GROUP_KEY, `pump-${n}`)))
  }
  for (let n = 0; n < 100; n++) await refused(registrations.attest(registrant(`x-${n}`, OTHER_KEY)))
  const throttled = registrations.attest(registrant('pump-1', deriveKey(GROUP_KEY, 'pump-1')))
  await assert.rejects(throttled, { code: 'ThrottlingException' })
  const elsewhere = { address: '192.0.2.2' }
  await registrations.attest(registrant('pump-1', deriveKey(GROUP_KEY, 'pump-1'), elsewhere))
  clock.advance(1000)
  await registrations.attest(registrant('pump-1', deriveKey(GROUP_KEY, 'pump-1')))
})

test('attest: one registration id cannot ask without end', async () => {
  const hub = makeHub({ clock: new TestClock() })
  await enrol(hub, 'individual', 'pump-1')
  const ask = () => hub.provisioning.registrations.attest(registrant('pump-1', GROUP_KEY))
  for (let n = 0; n < 30; n++) await ask()
  await assert.rejects(ask(), { code: 'ThrottlingException' })
})

test('remove: an enrolment that is gone, or was replaced by an individual, opens nothing', async () => {
  const hub = makeHub()
  await enrol(hub, 'group', 'plant')
  const device = registrant('pump-1', deriveKey(GROUP_KEY, 'pump-1'))
  const { registrations, enrollments } = hub.provisioning
  await registrations.register(device)
  await enrollments.remove('group', 'plant', undefined)
  await refused(registrations.register(device))
  assert.equal(await registrations.find('pump-1'), undefined)
  assert.equal((await hub.identities.count()).devices, 1, 'the device stays')
})

test('register: by a registered CA; a resumed connection, which has no chain, counts too', async () => {
  const hub = makeHub()
  const root = await issueAuthority('plant')
  const line = await issueAuthority('line 1', { issuer: root })
  const { der: raw } = await issue('pump-1', { issuer: line })
  await hub.certificates.put('plant', { raw: root.der, isVerified: true }, undefined)
  const attestation = { type: 'x509', caReferences: { primary: 'PLANT' } }
  await enrol(hub, 'group', 'plant', { attestation })
  const shown = (chain: readonly Uint8Array[], isResumed = false) =>
    registrant('pump-1', '', { proof: { token: '', certificate: { raw, chain, isResumed } } })
  const { registrations } = hub.provisioning
  await refused(registrations.register(shown([])))
  await refused(registrations.register(shown([], true)))
  const first = await registrations.register(shown([line.der]))
  assert.deepEqual(await registrations.register(shown([], true)), first)
  const { identity } = await hub.identities.get({ deviceId: 'pump-1' })
  assert.equal(identity.authentication.type, 'selfSigned')
  await hub.authenticator.connect(
    { deviceId: 'pump-1' },
    { token: '', certificate: { raw, chain: [] } },
  )
  await hub.certificates.remove('plant', '*')
  await refused(registrations.register(shown([line.der])))
})

test('register: a device of a CA that comes with a new certificate has its thumbprint from then on', async () => {
  const hub = makeHub()
  const signer = await issueAuthority('line 1')
  const attestation = { type: 'x509', signingCertificates: { primary: signer.der } }
  await enrol(hub, 'group', 'line', { attestation })
  const certificates = [
    await issue('pump-1', { issuer: signer }),
    await issue('pump-1', { issuer: signer }),
  ]
  const etags = new Set<string>()
  for (const { der: raw } of certificates) {
    const proof = { token: '', certificate: { raw, chain: [] } }
    const shown = registrant('pump-1', '', { proof })
    etags.add((await hub.provisioning.registrations.register(shown)).etag)
    await hub.authenticator.connect({ deviceId: 'pump-1' }, proof)
  }
  assert.equal(etags.size, 2)
  const [old] = certificates
  assert.ok(old)
  const proof = { token: '', certificate: { raw: old.der, chain: [] } }
  await assert.rejects(hub.authenticator.connect({ deviceId: 'pump-1' }, proof))
})

async function refused(asked: Promise<unknown>): Promise<HubError> {
  const error = await asked.then(
    () => undefined,
    (thrown) => thrown,
  )
  assert.ok(error instanceof HubError, 'it was let pass')
  assert.equal(error.code, 'IotHubUnauthorizedAccess')
  return error
}
