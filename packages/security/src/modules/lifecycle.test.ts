import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DEFAULT_SECURITY_MODULE_ID,
  isJsonObject,
  type JsonObject,
  readConfiguration,
  shapeConfiguration,
  writeConfiguration,
} from '@twinward/protocol'
import { settle } from '../../test/fake-clock.ts'
import { interceptPlatform } from '../../test/intercept-platform.ts'
import { moduleService, newWorld } from '../../test/module-world.ts'
import { mergePatch } from '../adapters/memory/merge.ts'
import { DUE_INTERVAL_MS } from '../posture/keeper.ts'
import { replacement } from './lifecycle.ts'
import { REMOVAL_GRACE_MS } from './reconcile.ts'
import { MAX_STATE_CHANGES, operatorTags } from './record.ts'
import { MAX_SUSPENSION_MS } from './suspensions.ts'

const ref = { deviceId: 'pump-1', moduleId: DEFAULT_SECURITY_MODULE_ID }
const micro = { ...ref, moduleId: 'DefenderIotMicroAgent' }
const robin = { by: 'robin', isPrivileged: true }
const HOUR_MS = 3_600_000
/** More than all pauses of a pass over this fleet, less than a pause between passes. */
const SOON_MS = 10_000

/** One device whose module has these desired properties, and a service at work. */
async function setUp(module: typeof ref = ref, desired: JsonObject = {}) {
  const world = newWorld()
  world.platform.addDevice('pump-1')
  await world.platform.createModule(module, { desired, tags: { mine: 1 } })
  const service = moduleService(world)
  service.start()
  await world.clock.advance(SOON_MS)
  const desiredNow = async () => (await world.platform.findModule(module))?.desired
  const tagsNow = async () => operatorTags((await world.platform.findModule(module))?.tags ?? {})
  const stateNow = async () => (await world.modules.find('pump-1'))?.state
  return { ...world, ...service, desiredNow, tagsNow, stateNow }
}

const legacy = shapeConfiguration(
  { snapshotFrequency: 'PT1H', eventPriorityLogin: 'High', hubResourceId: 'x' },
  'legacy',
)

test('suspend: switches every collector off in one patch, resume brings back what was', async () => {
  for (const [module, desired] of [
    [ref, legacy],
    [ref, {}],
    [micro, { Process_Disabled: true, Process_Mode: 2 }],
    [micro, {}],
  ] as const) {
    const { lifecycle, close, desiredNow, tagsNow, stateNow } = await setUp(module, desired)
    await lifecycle.suspend('pump-1', { untilMs: 0, reason: 'new pump' }, 'robin')
    const era = module === ref ? 'legacy' : 'micro'
    const { settings } = readConfiguration((await desiredNow()) ?? {}, era)
    const off = era === 'legacy' ? 'Off' : true
    assert.equal(settings[era === 'legacy' ? 'eventPriorityLogin' : 'Login_Disabled'], off)
    if (desired === legacy) assert.equal(settings.snapshotFrequency, 'PT1H')
    assert.deepEqual(await tagsNow(), {
      ...{ mine: 1, securityState: 'suspended', securityStateReason: 'new pump' },
    })
    assert.equal(await stateNow(), 'suspended')
    await lifecycle.resume('pump-1', 'robin')
    assert.deepEqual(await desiredNow(), desired)
    assert.deepEqual(await tagsNow(), { mine: 1 })
    assert.equal(await stateNow(), 'provisioned')
    await close()
  }
})

test('suspend: who did it, when and why is in the history; twice is once with another end', async () => {
  const { clock, modules, lifecycle, close, desiredNow } = await setUp(micro, {})
  const untilMs = clock.now() + HOUR_MS
  await lifecycle.suspend('pump-1', { untilMs, reason: 'a' }, 'robin')
  await lifecycle.suspend('pump-1', { untilMs: untilMs + HOUR_MS, reason: 'b' }, 'kim')
  await lifecycle.resume('pump-1', 'kim')
  assert.deepEqual(await desiredNow(), {})
  const history = (await modules.find('pump-1'))?.history.map(({ timeMs: _, ...rest }) => rest)
  assert.deepEqual(history, [
    { state: 'provisioned', by: '', reason: '' },
    { state: 'suspended', by: 'robin', reason: 'a' },
    { state: 'provisioned', by: 'kim', reason: 'resumed' },
  ])
  await close()
})

test('suspend: its end comes by itself, also when the service was not there at that time', async () => {
  for (const isAway of [false, true]) {
    const world = await setUp(micro, { Process_Mode: 2 })
    const { clock, lifecycle, desiredNow, stateNow, tagsNow } = world
    const untilMs = clock.now() + HOUR_MS
    await lifecycle.suspend('pump-1', { untilMs, reason: '' }, 'robin')
    await clock.advance(HOUR_MS - DUE_INTERVAL_MS)
    assert.equal(await stateNow(), 'suspended')
    let again: ReturnType<typeof moduleService> | undefined
    if (isAway) {
      await world.close()
      await clock.advance(3 * HOUR_MS)
      again = moduleService(world)
      again.start()
    }
    await clock.advance(2 * DUE_INTERVAL_MS)
    assert.deepEqual(await desiredNow(), { Process_Mode: 2 })
    assert.deepEqual(await tagsNow(), { mine: 1 })
    assert.equal(await stateNow(), 'provisioned')
    await (again ?? world).close()
  }
})

test('resume: a switch that somebody moved meanwhile stays where it is', async () => {
  const { platform, lifecycle, close, desiredNow } = await setUp(micro, { Login_Disabled: false })
  await lifecycle.suspend('pump-1', { untilMs: 0, reason: '' }, 'robin')
  await platform.patchTwin(micro, { desired: { SBoM_Disabled: false } })
  await lifecycle.resume('pump-1', 'robin')
  assert.deepEqual(await desiredNow(), { Login_Disabled: false, SBoM_Disabled: false })
  await close()
})

test('resume: a tag that somebody removes by hand ends a suspension too', async () => {
  const { clock, platform, lifecycle, close, desiredNow, stateNow } = await setUp(micro, {})
  await lifecycle.suspend('pump-1', { untilMs: 0, reason: '' }, 'robin')
  await platform.patchTwin(micro, { tags: { securityState: null }, desired: { Process_Mode: 3 } })
  platform.report(micro, { latest_state: 'success' })
  await clock.advance(SOON_MS)
  assert.deepEqual(await desiredNow(), { Process_Mode: 3 })
  assert.equal(await stateNow(), 'active')
  await close()
})

test('suspend: outlives the deletion of its module', async () => {
  const { clock, platform, lifecycle, close, desiredNow, stateNow } = await setUp(micro, {})
  const untilMs = clock.now() + HOUR_MS
  await lifecycle.suspend('pump-1', { untilMs, reason: '' }, 'robin')
  platform.removeModule(micro)
  await clock.advance(REMOVAL_GRACE_MS)
  assert.equal(await stateNow(), 'suspended')
  assert.equal((await desiredNow())?.Login_Disabled, true)
  await clock.advance(HOUR_MS + DUE_INTERVAL_MS)
  assert.deepEqual(await desiredNow(), {})
  await close()
})

test('suspend: when the twin cannot be written nothing is switched, and it can be asked again', async () => {
  const world = newWorld()
  world.platform.addDevice('pump-1')
  await world.platform.createModule(micro, { desired: { Login_Disabled: false } })
  let isDown = true
  const platform = interceptPlatform(world.platform, (call, [, patch]) => {
    if (isDown && call === 'patchTwin' && 'desired' in (patch as object)) throw new Error('down')
  })
  const { lifecycle, postures } = moduleService({ ...world, platform })
  const wish = { untilMs: 0, reason: '' }
  await assert.rejects(lifecycle.suspend('pump-1', wish, 'robin'), /down/)
  isDown = false
  await postures.look('pump-1')
  assert.equal((await world.modules.find('pump-1'))?.suspension, undefined)
  await lifecycle.suspend('pump-1', wish, 'robin')
  await lifecycle.resume('pump-1', 'robin')
  assert.deepEqual((await world.platform.findModule(micro))?.desired, { Login_Disabled: false })
})

test('suspend: a wrong end and a retired device are refused', async () => {
  const { clock, lifecycle, close } = await setUp()
  const suspend = (untilMs: number, deviceId = 'pump-1') =>
    lifecycle.suspend(deviceId, { untilMs, reason: '' }, 'robin')
  await assert.rejects(suspend(clock.now()), { code: 'ArgumentInvalid' })
  await assert.rejects(suspend(clock.now() + MAX_SUSPENSION_MS + 1), { code: 'ArgumentInvalid' })
  await assert.rejects(suspend(0, 'nobody'), { code: 'DeviceNotFound' })
  await lifecycle.retire('pump-1', '', 'robin')
  await assert.rejects(suspend(0), { code: 'GenericConflict' })
  await close()
})

test('retire: stays retired when its module goes, and nobody makes it a new one', async () => {
  const { clock, platform, lifecycle, close, stateNow } = await setUp()
  await lifecycle.retire('pump-1', 'scrapped', 'robin')
  assert.equal(await stateNow(), 'retired')
  await assert.rejects(lifecycle.refuseRetired('pump-1'), { code: 'GenericConflict' })
  platform.removeModule(ref)
  await clock.advance(HOUR_MS)
  assert.equal(await platform.findModule(ref), undefined)
  assert.equal(await stateNow(), 'retired')
  const { items } = await lifecycle.tombstones({ limit: 1 })
  assert.deepEqual(items[0]?.tags, {
    ...{ mine: 1, securityState: 'retired', securityStateReason: 'scrapped' },
  })
  await close()
})

test('retire: resume puts the device back into service', async () => {
  const { lifecycle, close, stateNow, tagsNow } = await setUp()
  await lifecycle.retire('pump-1', 'scrapped', 'robin')
  await lifecycle.resume('pump-1', 'robin')
  assert.equal(await stateNow(), 'provisioned')
  assert.deepEqual(await tagsNow(), { mine: 1 })
  await lifecycle.refuseRetired('pump-1')
  await close()
})

test('create: restores into a new module or an old one, by default only what was the device\u2019s own', async () => {
  const { clock, platform, lifecycle, close, desiredNow, tagsNow } = await setUp(micro, { a: 1 })
  await assert.rejects(lifecycle.create('nobody', undefined, robin), { code: 'DeviceNotFound' })
  await assert.rejects(lifecycle.create('pump-1', true, robin), { code: 'GenericNotFound' })
  const twice = lifecycle.create('pump-1', undefined, robin)
  await assert.rejects(twice, { code: 'ModuleAlreadyExistsOnDevice' })
  platform.removeDevice('pump-1')
  await settle()
  platform.addDevice('pump-1')
  await settle()
  // The service was faster; the new device has a module of its own era.
  const other = lifecycle.create('pump-1', true, robin)
  await assert.rejects(other, { code: 'ArgumentInvalid' })
  platform.removeModule(ref)
  await clock.advance(1)
  await platform.createModule(micro, { desired: { b: 2 }, tags: { b: 2 } })
  await clock.advance(SOON_MS)
  // The last that was deleted is the default module of the new device.
  const { items } = await lifecycle.tombstones({ limit: 9 })
  assert.deepEqual(items[0]?.desired, writeConfiguration({}, 'legacy'))
  platform.removeModule(micro)
  await clock.advance(1)
  assert.equal(await lifecycle.create('pump-1', false, robin), 'created')
  platform.removeModule(ref)
  await platform.createModule(micro, { desired: { c: 3 } })
  await clock.advance(1)
  await lifecycle.forget('pump-1', 'x')
  await assert.rejects(lifecycle.forget('pump-1', 'x'), { code: 'GenericNotFound' })
  assert.deepEqual([await desiredNow(), await tagsNow()], [{ c: 3 }, {}])
  await close()
})

test('create: with restore, a module that exists gets what a deleted one of its era held', async () => {
  const { platform, lifecycle, close, desiredNow, tagsNow } = await setUp(micro, { a: 1, z: 1 })
  platform.removeDevice('pump-1')
  platform.addDevice('pump-1')
  await platform.createModule(micro, { desired: { a: 2, b: 2 }, tags: { b: 2 } })
  await settle()
  assert.equal(await lifecycle.create('pump-1', true, robin), 'restored')
  assert.deepEqual([await desiredNow(), await tagsNow()], [{ a: 1, z: 1 }, { mine: 1 }])
  await close()
})

test('create: what lets an agent run code is restored only by who may set it', async () => {
  const service = { by: 'service', isPrivileged: false }
  const risky = writeConfiguration({ baselineCustomChecksEnabled: true }, 'legacy')
  const { platform, lifecycle, close, desiredNow } = await setUp(ref, risky)
  platform.removeDevice('pump-1')
  platform.addDevice('pump-1')
  await settle()
  const before = await desiredNow()
  await assert.rejects(lifecycle.create('pump-1', true, service), { code: 'GenericForbidden' })
  assert.deepEqual(await desiredNow(), before)
  assert.equal(await lifecycle.create('pump-1', true, robin), 'restored')
  assert.deepEqual(await desiredNow(), risky)
  await close()
})

test('create: a posture that is written into the same twin meanwhile is in nobody’s way', async () => {
  const world = newWorld()
  world.platform.addDevice('pump-1')
  await world.platform.createModule(micro, { desired: { a: 1 } })
  let races = 0
  const platform = interceptPlatform(world.platform, async (call, [, patch]) => {
    const isRestore = call === 'patchTwin' && Object.hasOwn(patch as object, 'desired')
    if (isRestore && ++races < 3) await world.platform.patchTwin(micro, { tags: { races } })
  })
  const { lifecycle, close, start } = moduleService({ ...world, platform })
  start()
  await world.clock.advance(SOON_MS)
  world.platform.removeDevice('pump-1')
  world.platform.addDevice('pump-1')
  await world.platform.createModule(micro, { desired: { b: 2 } })
  await settle()
  assert.equal(await lifecycle.create('pump-1', true, robin), 'restored')
  assert.deepEqual((await world.platform.findModule(micro))?.desired, { a: 1 })
  assert.equal(races, 3)
  await close()
})

test('replacement: makes one of the other, whole below the top', () => {
  const before = { gone: 1, kept: { x: { value: 1 }, y: { value: 1 } }, was: 5 }
  const wanted = { kept: { x: { value: 2 }, z: { value: 3 } }, was: { a: 1 } }
  const patch = replacement(before, wanted)
  assert.deepEqual(mergePatch(before, patch), wanted)
  assert.ok(isJsonObject(patch.kept))
  assert.deepEqual(Object.keys(patch.kept).sort(), ['x', 'y', 'z'])
})

test('history: keeps the last changes of state', async () => {
  const { modules, lifecycle, close } = await setUp()
  for (let n = 0; n < MAX_STATE_CHANGES; n++) {
    await lifecycle.suspend('pump-1', { untilMs: 0, reason: String(n) }, 'robin')
    await lifecycle.resume('pump-1', 'robin')
  }
  const history = (await modules.find('pump-1'))?.history ?? []
  assert.equal(history.length, MAX_STATE_CHANGES)
  assert.equal(history.at(-2)?.reason, String(MAX_STATE_CHANGES - 1))
  await close()
})
