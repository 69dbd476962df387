import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, MAX_MODULES_PER_DEVICE } from '@twinward/protocol'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import type { Notice } from '../bus.ts'
import { silentLog } from '../log.ts'
import { type ChangeEvents, NO_EVENTS } from '../routing/change-events.ts'
import { HostNames } from './host-names.ts'
import { Identities } from './identities.ts'

const clock = { now: () => 1_767_225_600_000, sleep: async () => {}, every: () => () => {} }
const seed = { moduleId: 'azureiotsecurity', tags: { securityGroup: 'default' }, desired: { a: 1 } }

function open(events: ChangeEvents = NO_EVENTS) {
  const registry = new MemoryRegistry()
  const bus = new InProcessBus(silentLog)
  const notices: Notice[] = []
  bus.subscribe((notice) => notices.push(notice))
  const hosts = new HostNames(['hub1.example.net'])
  return {
    identities: new Identities({ registry, bus, clock, events }, hosts, () => [seed]),
    notices,
  }
}

function fails(code: string) {
  return (error: unknown) => error instanceof HubError && error.code === code
}

test('createDevice: the companion module is there in the same write, with its twin and own keys', async () => {
  const { identities, notices } = open()
  const device = await identities.createDevice('pump-1', {})
  const module = await identities.get({ deviceId: 'pump-1', moduleId: 'azureiotsecurity' })
  assert.deepEqual(module.twin.desired.values, { a: 1 })
  assert.equal(module.twin.desired.version, 1)
  assert.deepEqual(module.twin.tags, { securityGroup: 'default' })
  assert.notDeepEqual(module.identity.authentication, device.identity.authentication)
  assert.deepEqual(
    notices.map(({ kind }) => kind),
    ['identity-created', 'identity-created'],
  )
})

test('createDevice: when the device exists nothing of it changes', async () => {
  const { identities } = open()
  const device = await identities.createDevice('pump-1', {})
  await assert.rejects(identities.createDevice('pump-1', {}), fails('DeviceAlreadyExists'))
  assert.deepEqual(await identities.get({ deviceId: 'pump-1' }), device)
})

test('a re-created device has another generation id', async () => {
  const { identities } = open()
  const first = await identities.createDevice('pump-1', {})
  await identities.remove({ deviceId: 'pump-1' }, '*')
  const second = await identities.createDevice('pump-1', {})
  assert.notEqual(second.identity.generationId, first.identity.generationId)
})

test('createModule: refuses a reserved id, a module too many and a missing device', async () => {
  const { identities } = open()
  await assert.rejects(
    identities.createModule({ deviceId: 'pump-1', moduleId: 'm' }, {}),
    fails('DeviceNotFound'),
  )
  await identities.createDevice('pump-1', {})
  await assert.rejects(
    identities.createModule({ deviceId: 'pump-1', moduleId: '$edgeHub' }, {}),
    fails('ArgumentInvalid'),
  )
  for (let index = 1; index < MAX_MODULES_PER_DEVICE; index++) {
    await identities.createModule({ deviceId: 'pump-1', moduleId: `m${index}` }, {})
  }
  await assert.rejects(
    identities.createModule({ deviceId: 'pump-1', moduleId: 'one-more' }, {}),
    fails('TooManyModulesOnDevice'),
  )
})

test('update: says what changed, so that sessions can end', async () => {
  const { identities, notices } = open()
  const { identity } = await identities.createDevice('pump-1', {})
  assert.ok(identity.authentication.type === 'sas')
  const { primaryKey, secondaryKey } = identity.authentication
  const authentication = { symmetricKey: { primaryKey, secondaryKey } }
  notices.length = 0
  await identities.update({ deviceId: 'pump-1' }, { authentication, statusReason: 'x' }, '*')
  await identities.update({ deviceId: 'pump-1' }, { authentication, status: 'disabled' }, '*')
  await identities.update({ deviceId: 'pump-1' }, {}, '*')
  assert.deepEqual(
    notices.map((notice) =>
      notice.kind === 'identity-changed' ? [notice.disabled, notice.credentialChanged] : notice,
    ),
    [
      [false, false],
      [true, false],
      [false, true],
    ],
  )
})

test('remove: tells of the device and of each of its modules', async () => {
  const { identities, notices } = open()
  await identities.createDevice('pump-1', {})
  notices.length = 0
  await assert.rejects(
    identities.remove({ deviceId: 'pump-1' }, undefined),
    fails('PreconditionFailed'),
  )
  await identities.remove({ deviceId: 'pump-1' }, '*')
  assert.deepEqual(
    notices.map((notice) => 'ref' in notice && notice.ref),
    [{ deviceId: 'pump-1' }, { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }],
  )
  await assert.rejects(identities.remove({ deviceId: 'pump-1' }, '*'), fails('DeviceNotFound'))
})

test('update: a module cannot be disabled by itself', async () => {
  const { identities, notices } = open()
  await identities.createDevice('pump-1', {})
  notices.length = 0
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  const { identity } = await identities.update(ref, { status: 'disabled' }, '*')
  assert.equal(identity.status, 'enabled')
  assert.ok(notices.every((notice) => notice.kind === 'identity-changed' && !notice.disabled))
})

test('update: system modules come in the same write when a device becomes an edge device, and are told', async () => {
  const { identities, notices } = open()
  await identities.createDevice('pump-1', {})
  notices.length = 0
  const edge = await identities.update({ deviceId: 'pump-1' }, { iotEdge: true }, '*')
  assert.equal(edge.identity.deviceScope, 'ms-azure-iot-edge://pump-1')
  const agent = await identities.get({ deviceId: 'pump-1', moduleId: '$edgeAgent' })
  assert.deepEqual(agent.identity.authentication, { type: 'none' })
  assert.equal(agent.identity.managedBy, 'iotEdge')
  await identities.update({ deviceId: 'pump-1' }, {}, '*')
  await assert.rejects(identities.get(agent.ref), fails('ModuleNotFound'))
  assert.deepEqual(
    notices.map((notice) => [notice.kind, 'ref' in notice && notice.ref.moduleId]),
    [
      ['identity-changed', undefined],
      ['identity-created', '$edgeAgent'],
      ['identity-created', '$edgeHub'],
      ['identity-changed', undefined],
      ['identity-removed', '$edgeAgent'],
      ['identity-removed', '$edgeHub'],
    ],
  )
})

test('update: a system module needs no keys, keeps its manager, and takes the keys that it is given', async () => {
  const { identities } = open()
  await identities.createDevice('pump-1', { iotEdge: true })
  const ref = { deviceId: 'pump-1', moduleId: '$edgeAgent' }
  for (const authentication of [undefined, { type: 'none' }, { type: 'sas' }]) {
    const { identity } = await identities.update(
      ref,
      { managedBy: 'me', ...(authentication && { authentication }) },
      '*',
    )
    assert.deepEqual([identity.authentication.type, identity.managedBy], ['none', 'iotEdge'])
  }
  const key = Buffer.alloc(32, 1).toString('base64')
  const authentication = { symmetricKey: { primaryKey: key, secondaryKey: key } }
  const { identity } = await identities.update(ref, { authentication }, '*')
  assert.equal(identity.authentication.type, 'sas')
  await assert.rejects(identities.remove(ref, '*'), fails('SystemModuleModifyUnauthorizedAccess'))
  await identities.remove({ deviceId: 'pump-1' }, '*')
})

test('createDevice: modules of its origin take the place of companions and system modules', async () => {
  const { identities } = open()
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  const own = identities.makeModule(ref, {}, { tags: { mine: 1 }, desired: {} })
  await identities.createDevice('pump-1', { iotEdge: true }, { modules: [own] })
  assert.deepEqual((await identities.get(ref)).twin.tags, { mine: 1 })
  const modules = await identities.listModules('pump-1')
  assert.deepEqual(
    modules.map((entry) => entry.ref.moduleId),
    ['$edgeAgent', '$edgeHub', 'azureiotsecurity'],
  )
})

test('update: who lost his credential is told so, even when the event of an edge module is not stored', async () => {
  let isFull = false
  const created = async () => {
    if (isFull) throw new HubError('ServiceUnavailable', 'Too many messages wait for the disk.')
  }
  const { identities, notices } = open({ ...NO_EVENTS, created })
  await identities.createDevice('pump-1', {})
  isFull = true
  const write = { status: 'disabled', iotEdge: true } as const
  const update = identities.update({ deviceId: 'pump-1' }, write, '*')
  await assert.rejects(update, fails('ServiceUnavailable'))
  assert.equal((await identities.get({ deviceId: 'pump-1' })).identity.status, 'disabled')
  const changed = notices.find(({ kind }) => kind === 'identity-changed')
  assert.equal(changed?.kind === 'identity-changed' && changed.disabled, true)
})
