import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  HubError,
  type JsonObject,
  LEGACY_CONFIGURATION_KEY,
  shapeConfiguration,
  writeConfiguration,
} from '@twinward/protocol'
import { FakeClock } from '../../test/fake-clock.ts'
import { sampleAgent } from '../../test/samples.ts'
import { MemoryConfigurationStore } from '../adapters/memory/configuration-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { silentLog } from '../log.ts'
import { describeModule } from '../modules/state.ts'
import { saveSwitches, switchBack, switchOff } from '../modules/suspension.ts'
import type { TwinPatchRequest } from '../platform.ts'
import type { DevicePosture } from '../posture/keeper.ts'
import { Configurations } from './configurations.ts'
import { PAGE_DEVICES, PAGE_PAUSE_MS, PASS_INTERVAL_MS } from './inheritance-keeper.ts'

const owner = { by: 'iothubowner', isPrivileged: true }
const service = { by: 'service', isPrivileged: false }
const agent = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const micro = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }

/** Enough for everything that a few devices need. */
const SOON_MS = 5 * PAGE_PAUSE_MS

/** A platform that counts writes of desired, and fails where a test wants. */
class WatchedPlatform extends MemoryPlatform {
  readonly writes = new Map<string, number>()
  beforePatch: () => void = () => {}
  afterPatch: () => void = () => {}

  override async patchTwin(ref: Required<typeof agent>, patch: TwinPatchRequest, ifMatch?: string) {
    this.beforePatch()
    const after = await super.patchTwin(ref, patch, ifMatch)
    if (patch.desired) this.writes.set(ref.deviceId, (this.writes.get(ref.deviceId) ?? 0) + 1)
    this.afterPatch()
    return after
  }
}

async function open() {
  const clock = new FakeClock()
  const platform = new WatchedPlatform(clock)
  const configurations = new MemoryConfigurationStore()
  const ports = { platform, configurations, clock, log: silentLog }
  const posture = async (deviceId: string) => {
    const [module] = (await platform.listModules(deviceId)) ?? []
    if (module === undefined) throw new HubError('DeviceNotFound', deviceId)
    const described = describeModule(module, sampleAgent(), clock.now())
    return { module, description: described } as DevicePosture
  }
  const start = () => {
    const options = { securityModuleId: 'azureiotsecurity', keys: {} }
    const started = new Configurations(ports, options, posture)
    started.start()
    return started
  }
  const add = async (deviceId: string, group?: string, moduleId = 'azureiotsecurity') => {
    platform.addDevice(deviceId, group === undefined ? {} : { SecurityGroup: group })
    const desired = moduleId === 'azureiotsecurity' ? writeConfiguration({}, 'legacy') : {}
    await platform.createModule({ deviceId, moduleId }, { desired })
  }
  const setting = async (name: string, ref = agent) => {
    const desired = (await platform.findModule(ref))?.desired ?? {}
    if (ref.moduleId !== 'azureiotsecurity') return desired[name]
    const object = desired[LEGACY_CONFIGURATION_KEY] as JsonObject
    return (object[name] as JsonObject | undefined)?.value
  }
  const write = (settings: JsonObject, ref = agent) =>
    platform.patchTwin(ref, { desired: shapeConfiguration(settings, 'legacy') })
  return { clock, platform, configurations, ports, start, add, setting, write }
}

type View = {
  readonly effective: { readonly [name: string]: { value: unknown; source: string } }
  readonly inheriting: readonly string[]
}

async function sourcesOf(configurations: Configurations, deviceId: string, name: string) {
  const view = (await configurations.view(deviceId)) as View
  return view.effective[name]
}

async function historyOf(configurations: Configurations, filter: object = {}) {
  const { items } = await configurations.history({ limit: 100, ...filter })
  return items.map(({ layer, by, changes }) => [
    layer,
    by,
    changes.map(({ name, old, new: value }) => `${name}: ${old} → ${value}`).join(', '),
  ])
}

test('a value comes from the hub, its group or the device, and says so', async () => {
  const { clock, add, start, setting } = await open()
  await add('pump-1', 'Outside')
  const configurations = start()
  const { shared } = configurations
  await shared.change('hub', { snapshotFrequency: 'PT1H', eventPriorityLogin: 'off' }, service)
  await shared.change({ group: 'outside' }, { snapshotFrequency: 'PT2H' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT2H')
  assert.equal(await setting('eventPriorityLogin'), 'Off')
  const source = (name: string) => sourcesOf(configurations, 'pump-1', name)
  assert.deepEqual(await source('snapshotFrequency'), { value: 'PT2H', source: 'group' })
  assert.deepEqual(await source('eventPriorityLogin'), { value: 'Off', source: 'hub' })
  assert.deepEqual(await source('lowPriorityMessageFrequency'), {
    value: 'PT5H',
    source: 'default',
  })
  await configurations.change('pump-1', { snapshotFrequency: 'PT3H' }, service)
  assert.deepEqual(await source('snapshotFrequency'), { value: 'PT3H', source: 'device' })
  await configurations.change('pump-1', { snapshotFrequency: null }, service)
  assert.deepEqual(await source('snapshotFrequency'), { value: 'PT2H', source: 'group' })
  await shared.change({ group: 'outside' }, { snapshotFrequency: null }, service)
  await shared.change('hub', { eventPriorityLogin: null }, service)
  await clock.advance(SOON_MS)
  assert.deepEqual(await source('snapshotFrequency'), { value: 'PT1H', source: 'hub' })
  assert.deepEqual(await source('eventPriorityLogin'), { value: 'High', source: 'default' })
  assert.equal(await setting('eventPriorityLogin'), 'High')
  await configurations.close()
})

test('a value that was set on the device stays, also when it is what the layer says', async () => {
  const { clock, add, start, setting, write } = await open()
  await add('pump-1')
  await add('pump-2')
  const configurations = start()
  await configurations.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  await configurations.change('pump-1', { snapshotFrequency: 'PT1H' }, service)
  const second = { ...agent, deviceId: 'pump-2' }
  await write({ snapshotFrequency: 'PT9H' }, second)
  await clock.advance(SOON_MS)
  await configurations.shared.change('hub', { snapshotFrequency: 'PT2H' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT1H')
  assert.equal(await setting('snapshotFrequency', second), 'PT9H')
  // The service's own value, written back by somebody else, is nobody's.
  await write({ snapshotFrequency: 'PT2H' }, second)
  await clock.advance(SOON_MS)
  await configurations.shared.change('hub', { snapshotFrequency: 'PT4H' }, service)
  await clock.advance(SOON_MS)
  assert.equal((await sourcesOf(configurations, 'pump-2', 'snapshotFrequency'))?.source, 'device')
  await configurations.change('pump-2', { snapshotFrequency: null }, service)
  assert.equal(await setting('snapshotFrequency', second), 'PT4H')
  await configurations.close()
})

test('new devices, late modules and other groups get what they should, without being asked', async () => {
  const { clock, platform, add, start, setting } = await open()
  const configurations = start()
  const { shared } = configurations
  await shared.change('hub', { Process_Mode: 2, snapshotFrequency: 'PT1H' }, service)
  await shared.change({ group: 'outside' }, { Process_Mode: 3 }, service)
  await clock.advance(SOON_MS)
  await add('pump-1')
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT1H')
  await platform.createModule(micro, {})
  await clock.advance(SOON_MS)
  assert.equal(await setting('Process_Mode', micro), 2)
  platform.addDevice('pump-1', { SecurityGroup: 'outside' })
  await clock.advance(SOON_MS)
  assert.equal(await setting('Process_Mode', micro), 3)
  assert.equal(await setting('Process_Mode'), undefined)
  platform.addDevice('pump-1', {})
  await clock.advance(SOON_MS)
  assert.equal(await setting('Process_Mode', micro), 2)
  await configurations.close()
})

test('nothing is written when nothing changes, however often devices are looked at', async () => {
  const { clock, platform, add, start } = await open()
  for (let n = 0; n < 5; n++) await add(`pump-${n}`)
  const configurations = start()
  await configurations.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  const once = new Map(platform.writes)
  assert.deepEqual([...once.values()], [1, 1, 1, 1, 1])
  await configurations.shared.change('hub', { snapshotFrequency: 'PT60M' }, service)
  await clock.advance(3 * PASS_INTERVAL_MS)
  assert.deepEqual(platform.writes, once)
  await configurations.close()
})

test('a rollout goes on where it was when the program ended, and no device is written twice', async () => {
  const { clock, platform, add, start, configurations: store } = await open()
  const count = 2 * PAGE_DEVICES + 50
  for (let n = 0; n < count; n++) await add(`pump-${n}`)
  const first = start()
  await first.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(0)
  assert.equal(platform.writes.size, PAGE_DEVICES)
  await first.close()
  const rollout = await store.rollout()
  assert.deepEqual([rollout.isDone, rollout.after !== ''], [false, true])
  const second = start()
  for (let page = 0; page < 3; page++) await clock.advance(PAGE_PAUSE_MS)
  assert.equal(platform.writes.size, count)
  assert.ok([...platform.writes.values()].every((writes) => writes === 1))
  assert.equal((await store.rollout()).isDone, true)
  await second.close()
})

test('a crash between twin and record leaves inherited values inherited, and tells who', async () => {
  const { clock, platform, add, start, setting } = await open()
  await add('pump-1')
  const first = start()
  await first.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  // The twin is written, and then nothing is heard any more.
  platform.afterPatch = () => {
    throw new Error('power is gone')
  }
  await assert.rejects(first.change('pump-1', { eventPriorityLogin: 'Off' }, owner), /power/)
  await first.shared.change('hub', { snapshotFrequency: 'PT2H' }, service)
  await clock.advance(SOON_MS)
  await first.close()
  platform.afterPatch = () => {}
  const second = start()
  await clock.advance(PAGE_PAUSE_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT2H')
  assert.equal((await sourcesOf(second, 'pump-1', 'snapshotFrequency'))?.source, 'hub')
  assert.equal((await sourcesOf(second, 'pump-1', 'eventPriorityLogin'))?.source, 'device')
  const history = await historyOf(second, { deviceId: 'pump-1' })
  assert.deepEqual(history, [
    ['inherited', 'twinward', 'snapshotFrequency: PT1H → PT2H'],
    ['device', 'iothubowner', 'eventPriorityLogin: High → Off'],
    ['inherited', 'twinward', 'snapshotFrequency: PT13H → PT1H'],
  ])
  await second.close()
})

test('somebody who writes the twin in between is not overwritten', async () => {
  const { clock, platform, add, start, setting, write } = await open()
  await add('pump-1')
  const configurations = start()
  let others = 2
  platform.beforePatch = () => {
    if (others-- <= 0) return
    const before = platform.beforePatch
    platform.beforePatch = () => {}
    void write({ hubResourceId: `r${others}` })
    platform.beforePatch = before
  }
  await configurations.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT1H')
  assert.equal(await setting('hubResourceId'), 'r0')
  await configurations.close()
})

test('the history tells who changed what from what, past the service too', async () => {
  const { clock, platform, add, start, write } = await open()
  await add('pump-1', 'outside')
  const configurations = start()
  const { shared } = configurations
  await shared.change('hub', { snapshotFrequency: 'PT1H' }, owner)
  await clock.advance(SOON_MS)
  await write({ snapshotFrequency: 'PT2H', eventPriorityLogin: 'Off' })
  await clock.advance(SOON_MS)
  await configurations.change('pump-1', { eventPriorityLogin: 'Low' }, service)
  await clock.advance(SOON_MS)
  await shared.change({ group: 'outside' }, { eventPriorityLocalUsers: 'Low' }, owner)
  await clock.advance(SOON_MS)
  assert.deepEqual(await historyOf(configurations, { deviceId: 'pump-1' }), [
    ['inherited', 'twinward', 'eventPriorityLocalUsers: High → Low'],
    ['device', 'service', 'eventPriorityLogin: Off → Low'],
    ['device', 'twin write', 'snapshotFrequency: PT1H → PT2H, eventPriorityLogin: High → Off'],
    ['inherited', 'twinward', 'snapshotFrequency: PT13H → PT1H'],
  ])
  assert.deepEqual(await historyOf(configurations, { layer: 'hub' }), [
    ['hub', 'iothubowner', 'snapshotFrequency: null → PT1H'],
  ])
  assert.deepEqual(await historyOf(configurations, { group: 'outside' }), [
    ['group', 'iothubowner', 'eventPriorityLocalUsers: null → Low'],
  ])
  platform.removeDevice('pump-1')
  await clock.advance(SOON_MS)
  assert.deepEqual(await historyOf(configurations, { deviceId: 'pump-1' }), [])
  await configurations.close()
})

test('what lets an agent run code needs a right, on every layer', async () => {
  const { clock, add, start, setting } = await open()
  await add('pump-1')
  const configurations = start()
  const settings = {
    baselineCustomChecksEnabled: true,
    baselineCustomChecksFilePath: '/opt/checks.xml',
    baselineCustomChecksFileHash: 'a'.repeat(64),
  }
  for (const name of ['hub', { group: 'x' }] as const) {
    const refused = configurations.shared.change(name, settings, service)
    await assert.rejects(refused, { code: 'GenericForbidden' })
  }
  const refused = configurations.change('pump-1', settings, service)
  await assert.rejects(refused, { code: 'GenericForbidden' })
  await configurations.shared.change('hub', settings, owner)
  await clock.advance(SOON_MS)
  assert.equal(await setting('baselineCustomChecksFilePath'), '/opt/checks.xml')
  const off = { baselineCustomChecksEnabled: null }
  await assert.rejects(configurations.shared.change('hub', off, service), {
    code: 'GenericForbidden',
  })
  await configurations.close()
})

test('a device that cannot be written is not in the way of others, and gets its turn again', async () => {
  const { clock, platform, add, start, setting, configurations: store } = await open()
  for (const deviceId of ['pump-1', 'pump-2']) await add(deviceId)
  const configurations = start()
  let isFailing = true
  const patchTwin = platform.patchTwin.bind(platform)
  platform.patchTwin = async (ref, patch, etag) => {
    if (isFailing && ref.deviceId === 'pump-1') throw new HubError('ServiceUnavailable', 'busy')
    return patchTwin(ref, patch, etag)
  }
  await configurations.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency', { ...agent, deviceId: 'pump-2' }), 'PT1H')
  assert.equal((await store.rollout()).isDone, false)
  isFailing = false
  await clock.advance(PASS_INTERVAL_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT1H')
  assert.equal((await store.rollout()).isDone, true)
  await configurations.close()
})

test('a suspended module stays as it is, and gets what it missed when it is resumed', async () => {
  const { clock, platform, add, start, setting } = await open()
  await add('pump-1')
  const configurations = start()
  await configurations.shared.change('hub', { eventPriorityLogin: 'Low' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('eventPriorityLogin'), 'Low')
  const before = await platform.findModule(agent)
  assert.ok(before)
  const off = switchOff(before)
  const tags = { securityState: 'suspended' }
  await platform.patchTwin(agent, { tags, ...(off && { desired: off }) })
  await configurations.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('eventPriorityLogin'), 'Off')
  assert.equal(await setting('snapshotFrequency'), 'PT13H')
  const desired = switchBack((await platform.findModule(agent)) ?? before, saveSwitches(before))
  const none = { securityState: null }
  await platform.patchTwin(agent, { tags: none, ...(desired && { desired }) })
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT1H')
  // Still inherited: the next change of the layer reaches it.
  await configurations.shared.change('hub', { eventPriorityLogin: 'High' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('eventPriorityLogin'), 'High')
  await configurations.close()
})

test('a retired module stays as it was', async () => {
  const { clock, platform, add, start, setting } = await open()
  await add('pump-1')
  await platform.patchTwin(agent, { tags: { securityState: 'retired' } })
  const configurations = start()
  await configurations.shared.change('hub', { snapshotFrequency: 'PT1H' }, service)
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT13H')
  await platform.patchTwin(agent, { tags: { securityState: null } })
  await clock.advance(SOON_MS)
  assert.equal(await setting('snapshotFrequency'), 'PT1H')
  await configurations.close()
})
