import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, readConfiguration } from '@twinward/protocol'
import { FakeClock } from '../../test/fake-clock.ts'
import { interceptPlatform } from '../../test/intercept-platform.ts'
import { moduleService } from '../../test/module-world.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { MemoryModuleStore } from '../adapters/memory/module-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import type { TwinPlatform } from '../platform.ts'
import { PAGE_SIZE } from './fleet-pass.ts'
import { securityModules } from './logical.ts'
import { MODULE_POLICIES } from './policy.ts'
import {
  PASS_INTERVAL_MS,
  REMOVAL_GRACE_MS,
  RETRY_PAUSE_MS,
  type ReconcilerOptions,
} from './reconcile.ts'
import { operatorTags, TOMBSTONE_RETENTION_MS } from './record.ts'

/** A reconciler on this platform, with the posture keeper that it works beside in the service. */
function reconcilerOn(
  platform: TwinPlatform,
  clock: FakeClock,
  options: ReconcilerOptions = {},
  modules = new MemoryModuleStore(),
) {
  const world = { platform, clock, modules, findings: new MemoryFindingStore() }
  return { ...world, ...moduleService(world, options) }
}

function setUp(options: ReconcilerOptions = {}) {
  const clock = new FakeClock()
  const memory = new MemoryPlatform(clock)
  return { ...reconcilerOn(memory, clock, options), platform: memory }
}

async function securityIds(platform: TwinPlatform, deviceId: string) {
  const modules = (await platform.listModules(deviceId)) ?? []
  return securityModules(modules).map(({ ref }) => ref.moduleId)
}

/** More than all pauses of a pass over the fleets of this file. */
const WHOLE_PASS_MS = 30_000

test('reconcileAll: every device of a fleet of several pages has exactly one module after', async () => {
  const { clock, platform, reconciler } = setUp()
  const count = PAGE_SIZE * 2 + 3
  for (let n = 0; n < count; n++) platform.addDevice(`d${n}`)
  const done = reconciler.reconcileAll()
  await clock.advance(WHOLE_PASS_MS)
  const none = { changed: 0, created: 0, restored: 0, failed: 0 }
  assert.deepEqual(await done, { ...none, devices: count, created: count })
  // The second pass has seen none of the modules yet, the third knows all of them.
  const second = reconciler.reconcileAll()
  await clock.advance(WHOLE_PASS_MS)
  assert.equal((await second).created, 0)
  const third = reconciler.reconcileAll()
  await clock.advance(WHOLE_PASS_MS)
  assert.deepEqual(await third, { ...none, devices: count })
  for (let n = 0; n < count; n++) {
    assert.deepEqual(await securityIds(platform, `d${n}`), ['azureiotsecurity'])
  }
})

test('reconcileAll: a pass over a fleet at rest reads pages, no device by itself', async () => {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const calls: string[] = []
  const counted = interceptPlatform(platform, (call) => void calls.push(call))
  const { reconciler } = reconcilerOn(counted, clock)
  const count = PAGE_SIZE + 1
  for (let n = 0; n < count; n++) {
    platform.addDevice(`d${n}`)
    await platform.createModule({ deviceId: `d${n}`, moduleId: 'DefenderIotMicroAgent' }, {})
  }
  const first = reconciler.reconcileAll()
  await clock.advance(WHOLE_PASS_MS)
  assert.equal((await first).changed, count)
  calls.length = 0
  const second = reconciler.reconcileAll()
  await clock.advance(WHOLE_PASS_MS)
  assert.equal((await second).devices, count)
  const pages = calls.filter((call) => call === 'listModuleMarks' || call === 'listDevices')
  assert.deepEqual(calls, pages)
  assert.equal(pages.length, Math.ceil(count / 100) + 2)
})

test('policies: automatic repairs all, onEnrollment where there was one, manual nothing', async () => {
  for (const policy of MODULE_POLICIES) {
    const { clock, platform, reconciler, modules } = setUp({ policy })
    platform.addDevice('bare')
    platform.addDevice('lost')
    const ref = { deviceId: 'lost', moduleId: 'azureiotsecurity' }
    await platform.createModule(ref, { desired: { mine: 1 } })
    reconciler.start()
    await clock.advance(WHOLE_PASS_MS)
    platform.removeModule(ref)
    await clock.advance(REMOVAL_GRACE_MS)
    const ids = [await securityIds(platform, 'bare'), await securityIds(platform, 'lost')]
    const one = ['azureiotsecurity']
    const expected = { automatic: [one, one], onEnrollment: [[], one], manual: [[], []] }
    assert.deepEqual(ids, expected[policy], policy)
    if (policy === 'manual') {
      assert.equal((await modules.findTombstone('lost'))?.cause, 'module')
      assert.deepEqual((await modules.counts()).absent, 2)
    }
    await reconciler.close()
  }
})

test('start: a module that was deleted comes back with its configuration and its tags', async () => {
  const { clock, platform, reconciler, modules } = setUp()
  platform.addDevice('pump-1')
  const ref = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
  const held = { tags: { securityGroup: 'outside', mine: 1 }, desired: { Process_Mode: 2 } }
  await platform.createModule(ref, held)
  reconciler.start()
  await clock.advance(WHOLE_PASS_MS)
  platform.removeModule(ref)
  await clock.advance(REMOVAL_GRACE_MS)
  const module = await platform.findModule(ref)
  assert.deepEqual(module?.desired, held.desired)
  assert.deepEqual(operatorTags(module?.tags ?? {}), held.tags)
  assert.equal(await modules.findTombstone('pump-1'), undefined)
  await reconciler.close()
})

test('start: a device that comes again under its id is another one, and gets nothing of the first', async () => {
  const { clock, platform, reconciler, modules } = setUp()
  platform.addDevice('pump-1')
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  await platform.createModule(ref, { desired: { mine: 1 } })
  reconciler.start()
  await clock.advance(WHOLE_PASS_MS)
  platform.removeDevice('pump-1')
  platform.addDevice('pump-1')
  await clock.advance(REMOVAL_GRACE_MS)
  assert.equal((await platform.findModule(ref))?.desired.mine, undefined)
  const tombstone = await modules.findTombstone('pump-1')
  assert.deepEqual([tombstone?.cause, tombstone?.desired], ['device', { mine: 1 }])
  await clock.advance(TOMBSTONE_RETENTION_MS + PASS_INTERVAL_MS)
  assert.equal(await modules.findTombstone('pump-1'), undefined)
  await reconciler.close()
})

test('reconcileDevice: what is kept but refused is not in the way of a module', async () => {
  const { clock, platform, modules } = setUp()
  platform.addDevice('pump-1')
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  const strict = interceptPlatform(platform, (call, [, seed]) => {
    const isOurs = call !== 'createModule' || !('mine' in (seed as { desired: object }).desired)
    if (!isOurs) throw new HubError('ArgumentInvalid', 'Not any more.')
  })
  const { reconciler, postures } = reconcilerOn(strict, clock, {}, modules)
  await platform.createModule(ref, { desired: { mine: 1 } })
  await postures.look('pump-1')
  platform.removeModule(ref)
  assert.equal(await reconciler.reconcileDevice('pump-1'), 'created')
  assert.deepEqual((await modules.findTombstone('pump-1'))?.desired, { mine: 1 })
})

test('reconcileDevice: a module of any era counts, another module does not', async () => {
  const { platform, reconciler } = setUp()
  platform.addDevice('old')
  await platform.createModule({ deviceId: 'old', moduleId: 'Microsoft.Security' }, {})
  assert.equal(await reconciler.reconcileDevice('old'), 'present')
  platform.addDevice('edge')
  await platform.createModule({ deviceId: 'edge', moduleId: 'AzureIoTSecurity' }, {})
  assert.equal(await reconciler.reconcileDevice('edge'), 'created')
  const created = await platform.findModule({ deviceId: 'edge', moduleId: 'azureiotsecurity' })
  assert.deepEqual(created?.tags, { securityGroup: 'default' })
  const { settings } = readConfiguration(created?.desired ?? {}, 'legacy')
  assert.equal(Object.keys(settings).length, 25)
})

test('reconcileDevice: many at once create one module', async () => {
  const { platform, reconciler } = setUp()
  platform.addDevice('pump-1')
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => reconciler.reconcileDevice('pump-1')),
  )
  assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1)
  assert.equal(outcomes.filter((outcome) => outcome === 'present').length, 4)
  assert.equal(await reconciler.reconcileDevice('nobody'), 'gone')
})

test('start: a new device gets its module at once, a deleted module comes back', async () => {
  const { clock, platform, reconciler } = setUp()
  reconciler.start()
  await clock.advance(0)
  platform.addDevice('pump-1')
  await clock.advance(0)
  assert.deepEqual(await securityIds(platform, 'pump-1'), ['azureiotsecurity'])
  platform.removeModule({ deviceId: 'pump-1', moduleId: 'azureiotsecurity' })
  await clock.advance(REMOVAL_GRACE_MS - 1)
  assert.deepEqual(await securityIds(platform, 'pump-1'), [])
  await clock.advance(1)
  assert.deepEqual(await securityIds(platform, 'pump-1'), ['azureiotsecurity'])
  await reconciler.close()
})

test('start: who deletes a module to make an own one is not disturbed', async () => {
  const { clock, platform, reconciler } = setUp()
  platform.addDevice('pump-1')
  reconciler.start()
  await clock.advance(0)
  platform.removeModule({ deviceId: 'pump-1', moduleId: 'azureiotsecurity' })
  await clock.advance(10)
  await platform.createModule({ deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }, {})
  await clock.advance(REMOVAL_GRACE_MS)
  assert.deepEqual(await securityIds(platform, 'pump-1'), ['DefenderIotMicroAgent'])
  await reconciler.close()
})

test('start: a lost notice is made good by the next pass', async () => {
  const { clock, platform } = setUp()
  const deaf: TwinPlatform = {
    ...interceptPlatform(platform, () => {}),
    subscribe: () => () => {},
  }
  const { reconciler } = reconcilerOn(deaf, clock)
  reconciler.start()
  await clock.advance(0)
  platform.addDevice('pump-1')
  await clock.advance(PASS_INTERVAL_MS)
  assert.deepEqual(await securityIds(platform, 'pump-1'), ['azureiotsecurity'])
  await reconciler.close()
})

test('start: an agent of another era whose notices were lost speaks for the device after a pass', async () => {
  const { clock, platform } = setUp()
  const deaf: TwinPlatform = {
    ...interceptPlatform(platform, () => {}),
    subscribe: () => () => {},
  }
  const { reconciler, modules } = reconcilerOn(deaf, clock)
  platform.addDevice('pump-1')
  await platform.createModule({ deviceId: 'pump-1', moduleId: 'azureiotsecurity' }, {})
  reconciler.start()
  await clock.advance(WHOLE_PASS_MS)
  const micro = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
  await platform.createModule(micro, {})
  platform.setConnected(micro, true)
  await clock.advance(PASS_INTERVAL_MS)
  assert.equal((await modules.find('pump-1'))?.kept?.moduleId, micro.moduleId)
  assert.equal(await platform.findModule(micro).then((module) => module?.connected), true)
  await reconciler.close()
})

test('start: a platform that fails is tried again, and one device not in the way of others', async () => {
  const { clock, platform } = setUp()
  const failing = new Set(['list', 'a'])
  const flaky = interceptPlatform(platform, (call, args) => {
    const [ref] = args as [{ deviceId: string }]
    const isBroken = call === 'createModule' && failing.has(ref.deviceId)
    if (isBroken || (call === 'listDevices' && failing.has('list'))) {
      throw new HubError('ServiceUnavailable', 'Not now.')
    }
  })
  for (const id of ['a', 'b']) platform.addDevice(id)
  const { reconciler } = reconcilerOn(flaky, clock)
  reconciler.start()
  await clock.advance(0)
  assert.deepEqual(await securityIds(platform, 'b'), [])
  failing.delete('list')
  await clock.advance(RETRY_PAUSE_MS)
  assert.deepEqual(await securityIds(platform, 'b'), ['azureiotsecurity'])
  assert.deepEqual(await securityIds(platform, 'a'), [])
  failing.delete('a')
  await clock.advance(RETRY_PAUSE_MS)
  assert.deepEqual(await securityIds(platform, 'a'), ['azureiotsecurity'])
  await reconciler.close()
})

test('close: nothing is created afterwards', async () => {
  const { clock, platform, reconciler } = setUp()
  reconciler.start()
  await clock.advance(0)
  await reconciler.close()
  platform.addDevice('pump-1')
  await clock.advance(2 * PASS_INTERVAL_MS)
  assert.deepEqual(await securityIds(platform, 'pump-1'), [])
})
