import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonObject } from '@twinward/protocol'
import { moduleService, newWorld } from '../../test/module-world.ts'
import { sampleAgent } from '../../test/samples.ts'
import { MemoryModuleStore } from '../adapters/memory/module-store.ts'
import type { ModuleChanges } from '../modules/module-store.ts'
import { SILENCE_LIMIT_MS } from '../modules/state.ts'
import { DUE_INTERVAL_MS } from './keeper.ts'

const ref = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
const HOUR_MS = 3_600_000

/** A store that counts what is written. */
class CountingStore extends MemoryModuleStore {
  writes = 0
  looks = 0

  override async commit(changes: ModuleChanges) {
    this.writes++
    return super.commit(changes)
  }

  override async find(deviceId: string) {
    this.looks++
    return super.find(deviceId)
  }
}

async function setUp() {
  const modules = new CountingStore()
  const world = { ...newWorld(), modules }
  world.platform.addDevice('pump-1')
  await world.platform.createModule(ref, {})
  const service = moduleService(world)
  service.start()
  const speak = async () => {
    const lastMessageMs = world.clock.now()
    await world.findings.commit({ agents: [sampleAgent({ ...ref, lastMessageMs })] })
    service.postures.touch('pump-1')
  }
  const stateNow = async () => (await modules.find('pump-1'))?.state
  return { ...world, modules, ...service, speak, stateNow }
}

test('start: time alone makes an agent silent, in its record and in its twin', async () => {
  const { clock, platform, close, speak, stateNow } = await setUp()
  platform.report(ref, { latest_state: 'success' })
  await speak()
  await clock.advance(SILENCE_LIMIT_MS - 1)
  assert.equal(await stateNow(), 'active')
  await clock.advance(DUE_INTERVAL_MS + HOUR_MS / 60)
  assert.equal(await stateNow(), 'silent')
  const tag = (await platform.findModule(ref))?.tags.agent
  assert.equal(isJsonObject(tag) && tag.state, 'silent')
  await speak()
  await clock.advance(1)
  assert.equal(await stateNow(), 'active')
  await close()
})

test('start: an agent that speaks all the time costs no write of its record', async () => {
  const { clock, platform, modules, close, speak } = await setUp()
  platform.report(ref, { latest_state: 'success' })
  await speak()
  await clock.advance(HOUR_MS / 2)
  const before = modules.writes
  for (let n = 0; n < 100; n++) {
    await speak()
    await clock.advance(10 * 60_000)
  }
  assert.ok(modules.writes - before <= 1, `${modules.writes - before} writes`)
  await close()
})

test('start: a fleet at rest is not looked at, whatever the clock says', async () => {
  const { clock, modules, close } = await setUp()
  await clock.advance(HOUR_MS / 2)
  const before = modules.looks
  await clock.advance(HOUR_MS / 3)
  assert.equal(modules.looks, before)
  await close()
})

test('touch: a device whose posture cannot be computed is not in the others’ way', async () => {
  const world = newWorld()
  for (const deviceId of ['a', 'b']) {
    world.platform.addDevice(deviceId)
    await world.platform.createModule({ ...ref, deviceId }, {})
  }
  class BrokenStore extends MemoryModuleStore {
    override async find(deviceId: string) {
      if (deviceId === 'a') throw new Error('no record')
      return super.find(deviceId)
    }
  }
  const modules = new BrokenStore()
  const { postures } = moduleService({ ...world, modules })
  for (const deviceId of ['a', 'b']) postures.touch(deviceId)
  const done = postures.settled()
  await world.clock.advance(1_000)
  await done
  assert.equal((await modules.find('b'))?.state, 'provisioned')
})

test('start: after a crash the twin says what the findings say, without any message', async () => {
  const { findings, platform, clock, modules, ...world } = await setUp()
  await world.speak()
  await clock.advance(HOUR_MS)
  // The process dies between the commit and the twin: nobody is touched, nothing is closed.
  const agent = sampleAgent({ ...ref, agentVersion: '9.9.9', lastMessageMs: clock.now() })
  await findings.commit({ agents: [agent] })
  const next = moduleService({ ...world, findings, platform, clock, modules })
  next.start()
  await clock.advance(DUE_INTERVAL_MS)
  const tag = (await platform.findModule(ref))?.tags.agent
  assert.equal(isJsonObject(tag) && tag.version, '9.9.9')
  await next.close()
  assert.equal(await modules.beginRun(), true, 'it has ended in order')
})
