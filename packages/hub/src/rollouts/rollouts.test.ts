import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { OWNER } from '../../test/configurations.ts'
import {
  body,
  DEVICES,
  type Hub,
  holdersOf,
  MINUTE_MS,
  report,
  settle,
  setUp,
  start,
  stateOf,
} from '../../test/rollouts.ts'
import type { RolloutStore } from './rollout-store.ts'

test('wave after wave, when enough report success and the pause is over; nobody gets it early', async () => {
  const { world, hub } = await setUp()
  await hub.rollouts.create('r1', body(), OWNER)
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['running', 1])
  const first = await holdersOf(hub)
  assert.equal(first.length, 4)
  world.clock.advance(30 * MINUTE_MS)
  await settle(hub)
  assert.equal((await holdersOf(hub)).length, 4, 'none reported success')

  await report(hub, first.slice(0, 3), { fan: 2 })
  await settle(hub)
  world.clock.advance(9 * MINUTE_MS)
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['running', 1])
  world.clock.advance(MINUTE_MS)
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['running', 2])
  const second = await holdersOf(hub)
  assert.equal(second.length, 24)

  const shown = await hub.rollouts.get('r1')
  const [one, two] = shown.waves as JsonObject[]
  assert.deepEqual([one?.state, one?.applied, one?.succeeded, one?.failed], ['done', 4, 3, 0])
  assert.deepEqual([two?.state, two?.planned, two?.applied], ['running', 20, 20])

  for (let wave = 2; wave <= 3; wave++) {
    await report(hub, await holdersOf(hub), { fan: 2 })
    await settle(hub)
    world.clock.advance(10 * MINUTE_MS)
    await settle(hub)
  }
  assert.deepEqual(await stateOf(hub), ['completed', 3])
  assert.equal((await holdersOf(hub)).length, DEVICES)
  await hub.identities.createDevice('later', {})
  await hub.configurations.engine.idle()
  assert.ok((await holdersOf(hub)).includes('later'))
  await hub.stop()
})

test('too many failures: it is taken back, and twins have what they had', async () => {
  const { hub } = await setUp()
  const old = { content: { deviceContent: { 'properties.desired.fan': 1 } }, targetCondition: '*' }
  await hub.configurations.put('fan-1', old, undefined, OWNER)
  await hub.rollouts.create('r1', body(), OWNER)
  await settle(hub)
  await report(hub, (await holdersOf(hub)).slice(0, 1), { state: 'broken' })
  await settle(hub)
  const { state, reason } = await hub.rollouts.get('r1')
  assert.equal(state, 'rolledBack')
  assert.match(String(reason), /1 of 4 in wave 1 failed/)
  const entries = await hub.registry.listDevices(1000)
  assert.ok(entries.every(({ twin }) => twin.desired.values.fan === 1))
  assert.throws(() => hub.configurations.get('fan-2'), { code: 'ConfigurationNotFound' })
  await hub.stop()
})

test('onFailure halt: the wave keeps it, a person goes on or takes it back', async () => {
  const { hub, world } = await setUp()
  await hub.rollouts.create('r1', body({ onFailure: 'halt' }), OWNER)
  await settle(hub)
  const first = await holdersOf(hub)
  await report(hub, first.slice(0, 1), { state: 'broken' })
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['halted', 1])
  assert.equal((await holdersOf(hub)).length, 4)
  await report(hub, first, { state: null, fan: 2 })
  await hub.rollouts.resume('r1', 'ann')
  await settle(hub)
  world.clock.advance(10 * MINUTE_MS)
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['running', 2])
  await hub.rollouts.rollBack('r1', 'ann')
  await settle(hub)
  assert.deepEqual(await holdersOf(hub), [])
  await hub.stop()
})

test('a wave that does not succeed in its time is a failure', async () => {
  const { hub, world } = await setUp()
  await hub.rollouts.create('r1', body(), OWNER)
  await settle(hub)
  world.clock.advance(120 * MINUTE_MS)
  await settle(hub)
  const { state, reason } = await hub.rollouts.get('r1')
  assert.deepEqual([state, reason], ['rolledBack', 'Only 0 of 4 in wave 1 succeeded in time.'])
  await hub.stop()
})

test('pause, advance, forget; what is not allowed in a state says so', async () => {
  const { hub } = await setUp()
  await hub.rollouts.create('r1', body({ isPaused: true }), OWNER)
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['paused', 1])
  const not = { code: 'OperationNotAllowedInCurrentState' }
  await assert.rejects(hub.rollouts.pause('r1', 'ann'), not)
  await assert.rejects(hub.rollouts.forget('r1'), not)
  await hub.rollouts.advance('r1', 'ann')
  await hub.rollouts.advance('r1', 'ann')
  assert.deepEqual(await stateOf(hub), ['paused', 3])
  await hub.rollouts.advance('r1', 'ann')
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['completed', 3])
  assert.equal((await holdersOf(hub)).length, DEVICES)
  await hub.rollouts.forget('r1')
  await assert.rejects(hub.rollouts.get('r1'), { code: 'GenericNotFound' })
  await settle(hub)
  assert.equal((await holdersOf(hub)).length, DEVICES, 'the configuration stays')
  await hub.stop()
})

test('what cannot begin is refused; a deleted configuration ends its rollout', async () => {
  const { hub } = await setUp()
  const create = (id: string, more: JsonObject) => async () => hub.rollouts.create(id, body(more))
  await assert.rejects(create('r 1', {}), /The id has/)
  await assert.rejects(create('r1', { waves: ['rest', '5%'] }), /"rest" stands last/)
  await assert.rejects(create('r1', { waves: ['500%'] }), /waves\[0\]/)
  await assert.rejects(create('r1', { success: 'a =' }), /success: /)
  await assert.rejects(create('r1', { pause: 'soon' }), /pause must be a duration/)
  await assert.rejects(create('r1', { successRatio: 2 }), /successRatio/)
  await assert.rejects(create('r1', { configuration: { id: 'x' } }), /content/)
  await hub.rollouts.create('r1', body(), OWNER)
  await assert.rejects(create('r1', {}), { code: 'GenericConflict' })
  await assert.rejects(create('r2', {}), { code: 'ConfigurationAlreadyExists' })
  await hub.configurations.remove('fan-2', undefined)
  await settle(hub)
  assert.deepEqual(await stateOf(hub), ['rolledBack', 1])
  await hub.stop()
})

/** A store that stops answering after so many writes, as a process does that was killed. */
function dyingAfter(store: RolloutStore, calls: { left: number }): RolloutStore {
  const call = <T>(run: () => Promise<T>) => {
    if (calls.left-- <= 0) return new Promise<never>(() => {})
    return run()
  }
  return {
    list: () => store.list(),
    save: (rollout) => call(() => store.save(rollout)),
    remove: (id) => call(() => store.remove(id)),
  }
}

/** After a start the first look is for what a crash may have left undone. */
async function lookTwice({ rollouts, configurations }: Hub): Promise<void> {
  await rollouts.look()
  await configurations.engine.idle()
  await rollouts.look()
}

test('killed before a wave came to its twins: it is waited for all the same', async () => {
  const { world, hub } = await setUp()
  await hub.rollouts.create('r1', body({ pause: 'PT0S' }), OWNER)
  await settle(hub)
  await report(hub, await holdersOf(hub), { fan: 2 })
  await hub.stop()
  // The second wave begins, and before anybody is told the process is gone.
  const [stored] = await world.rolloutStore.list()
  assert.ok(stored)
  const sinceMs = world.clock.now()
  const waves = stored.waves.map((wave, at) => (at === 1 ? { ...wave, sinceMs } : wave))
  await world.rolloutStore.save({ ...stored, wave: 1, waves })
  const next = await start(world)
  await next.rollouts.look()
  await next.rollouts.look()
  assert.deepEqual(await stateOf(next), ['running', 2])
  await settle(next)
  assert.equal((await holdersOf(next)).length, 24)
  assert.deepEqual(await stateOf(next), ['running', 2])
  await next.stop()
})

test('twins that refuse it have failed', async () => {
  const { hub } = await setUp()
  // Full to the last byte.
  const fill = { filler: 'x'.repeat(4089) }
  for (const { ref } of await hub.registry.listDevices(1000)) {
    const desired = Object.fromEntries([...'abcdefgh'].map((name) => [name, fill]))
    await hub.twins.patch(ref, { desired })
  }
  await hub.rollouts.create('r1', body({ success: null, failure: null }), OWNER)
  await settle(hub)
  const { state, reason } = await hub.rollouts.get('r1')
  assert.deepEqual([state, reason], ['rolledBack', '4 of 4 in waves 1 to 1 failed.'])
  await hub.stop()
})

test('a configuration that came meanwhile is not taken over, nor paused', async () => {
  const { hub } = await setUp()
  const foreign = {
    content: { deviceContent: { 'properties.desired.fan': 1 } },
    targetCondition: '*',
  }
  const created = hub.rollouts.create('r1', body({ isPaused: true }), OWNER)
  const put = hub.configurations.put('fan-2', foreign, undefined, OWNER)
  const { state, reason } = await created
  await put
  assert.equal(state, 'rolledBack')
  assert.match(String(reason), /exists/)
  await settle(hub)
  assert.equal((await hub.twins.get({ deviceId: 'd-1' })).twin.desired.values.fan, 1)
  await hub.stop()
})

test('killed after any write and started again: it ends as it would have', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 5 }), { maxLength: 4 }),
      fc.boolean(),
      async (kills, fails) => {
        const { world, hub } = await setUp()
        await hub.stop()
        const [left = Number.POSITIVE_INFINITY] = kills
        const dying = await start({
          ...world,
          rolloutStore: dyingAfter(world.rolloutStore, { left: left + 1 }),
        })
        void dying.rollouts.create('r1', body(), OWNER)
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
        await dying.stop()
        for (let look = 0; look < 20; look++) {
          const left = kills[look]
          const calls = { left: left ?? Number.POSITIVE_INFINITY }
          const store = dyingAfter(world.rolloutStore, calls)
          const next = await start({ ...world, rolloutStore: store })
          await next.configurations.engine.idle()
          const holders = await holdersOf(next)
          const isBroken = fails && holders.length > 10
          await report(next, holders, isBroken ? { state: 'broken' } : { fan: 2 })
          const looked = lookTwice(next)
          if (left === undefined) await looked
          else for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
          await next.stop()
          world.clock.advance(10 * MINUTE_MS)
        }
        const last = await start(world)
        await settle(last)
        const holders = await holdersOf(last)
        const end = [(await stateOf(last))[0], holders.length]
        assert.deepEqual(end, fails ? ['rolledBack', 0] : ['completed', DEVICES])
        const entries = await last.registry.listDevices(1000)
        const versions = new Set(entries.map(({ twin }) => twin.desired.version))
        if (!fails) assert.deepEqual([...versions], [2], 'each twin was written once')
        await last.stop()
      },
    ),
    fuzzRuns(12),
  )
})
