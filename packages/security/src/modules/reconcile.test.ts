import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, readConfiguration } from '@twinward/protocol'
import { FakeClock } from '../../test/fake-clock.ts'
import { interceptPlatform } from '../../test/intercept-platform.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { silentLog } from '../log.ts'
import type { TwinPlatform } from '../platform.ts'
import { securityModules } from './logical.ts'
import {
  PAGE_PAUSE_MS,
  PAGE_SIZE,
  PASS_INTERVAL_MS,
  REMOVAL_GRACE_MS,
  RETRY_PAUSE_MS,
  Reconciler,
} from './reconcile.ts'

function setUp() {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const reconciler = new Reconciler({ platform, clock, log: silentLog })
  return { clock, platform, reconciler }
}

async function securityIds(platform: TwinPlatform, deviceId: string) {
  const modules = (await platform.listModules(deviceId)) ?? []
  return securityModules(modules).map(({ ref }) => ref.moduleId)
}

test('reconcileAll: every device of a fleet of several pages has exactly one module after', async () => {
  const { clock, platform, reconciler } = setUp()
  const count = PAGE_SIZE * 2 + 3
  for (let n = 0; n < count; n++) platform.addDevice(`d${n}`)
  const done = reconciler.reconcileAll()
  await clock.advance(2 * PAGE_PAUSE_MS)
  assert.deepEqual(await done, { devices: count, created: count, failed: 0 })
  const again = reconciler.reconcileAll()
  await clock.advance(2 * PAGE_PAUSE_MS)
  assert.equal((await again).created, 0)
  for (let n = 0; n < count; n++) {
    assert.deepEqual(await securityIds(platform, `d${n}`), ['azureiotsecurity'])
  }
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
  const reconciler = new Reconciler({ platform: deaf, clock, log: silentLog })
  reconciler.start()
  await clock.advance(0)
  platform.addDevice('pump-1')
  await clock.advance(PASS_INTERVAL_MS)
  assert.deepEqual(await securityIds(platform, 'pump-1'), ['azureiotsecurity'])
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
  const reconciler = new Reconciler({ platform: flaky, clock, log: silentLog })
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
