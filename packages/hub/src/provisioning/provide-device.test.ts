import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { silentLog } from '../log.ts'
import type { Companions } from '../registry/entry-maker.ts'
import { HostNames } from '../registry/host-names.ts'
import { Identities } from '../registry/identities.ts'
import { provideDevice } from './provide-device.ts'

const clock = { now: () => 1_767_225_600_000, sleep: async () => {}, every: () => () => {} }
const key = Buffer.alloc(32, 1).toString('base64')
const authentication = { symmetricKey: { primaryKey: key, secondaryKey: key } }
const wanted = { deviceId: 'pump-1', iotEdge: false, initialTwin: null, authentication }

/** Devices get one companion, but only those that register, and none beside one of their own. */
const forEnrolled: Companions = ({ isEnrolled, moduleIds }) =>
  isEnrolled && !moduleIds.includes('own')
    ? [{ moduleId: 'companion', tags: {}, desired: { a: 1 } }]
    : []

function open() {
  const registry = new MemoryRegistry()
  const ports = { registry, bus: new InProcessBus(silentLog), clock }
  const identities = new Identities(ports, new HostNames(['hub1.example.net']), forEnrolled)
  const moduleIds = async (deviceId = 'pump-1') =>
    (await identities.listModules(deviceId)).map(({ ref }) => ref.moduleId)
  return { identities, moduleIds }
}

test('provideDevice: a new device has the modules of one that registers from its first moment', async () => {
  const { identities, moduleIds } = open()
  await identities.createDevice('other', {})
  assert.deepEqual(await moduleIds('other'), [])
  assert.equal(await provideDevice(identities, wanted), true)
  assert.deepEqual(await moduleIds(), ['companion'])
})

test('provideDevice: a device that was there gets what it lacks, once, and nothing beside its own', async () => {
  const { identities, moduleIds } = open()
  await identities.createDevice('pump-1', {})
  for (let n = 0; n < 2; n++) await provideDevice(identities, wanted)
  assert.deepEqual(await moduleIds(), ['companion'])
  const ref = { deviceId: 'pump-2', moduleId: 'own' }
  await identities.createDevice('pump-2', {})
  await identities.createModule(ref, {})
  await provideDevice(identities, { ...wanted, deviceId: 'pump-2' })
  assert.deepEqual(await moduleIds('pump-2'), ['own'])
})

test('provideDevice: many at once add a missing module once', async () => {
  const { identities, moduleIds } = open()
  await identities.createDevice('pump-1', { authentication })
  await Promise.all(Array.from({ length: 8 }, () => provideDevice(identities, wanted)))
  assert.deepEqual(await moduleIds(), ['companion'])
})
