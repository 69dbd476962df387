import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refKey } from '@twinward/protocol'
import type { Entry, Registry } from '../../src/registry/registry.ts'
import { agent, entry, opened, pump, report } from './registry-entries.ts'

/** A part of `registryContract`: many callers at the same time. */
export function testRaces(open: () => Promise<Registry>): void {
  test('change: none of many concurrent changes is lost, each result is its own', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    const steps = Array.from({ length: 200 }, (_, step) => step)
    // The first half meets an entry that was never read, the second one that is known.
    for (const half of [steps.slice(0, 100), steps.slice(100)]) {
      const refs = half.flatMap((step) => [
        { ref: pump, step },
        { ref: agent, step },
      ])
      const results = await Promise.all(
        refs.map(({ ref, step }) => registry.change(ref, (e) => report(e, { [`k${step}`]: step }))),
      )
      for (const [at, { step }] of refs.entries()) {
        assert.equal(results[at]?.twin.reported.values[`k${step}`], step)
        assert.equal(results[at]?.twin.version, step + 2)
      }
    }
    for (const ref of [pump, agent]) {
      const { twin } = (await registry.find(ref)) ?? entry(ref)
      assert.equal(twin.version, 201)
      assert.equal(Object.keys(twin.reported.values).length, 200 + 1)
    }
  })

  test('change: promises settle in the order of the calls, whether the entry was known or not', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    const settled: number[] = []
    const changes: Promise<unknown>[] = []
    const change = (step: number, meanwhile: () => void = () => {}) => {
      const done = registry.change(pump, (e) => {
        queueMicrotask(meanwhile)
        return report(e, { step })
      })
      changes.push(done.then(() => settled.push(step)))
    }
    // The first two wait until the entry is read, the third finds it there.
    change(1, () => change(3))
    change(2)
    await Promise.all(changes.slice(0, 2))
    await Promise.all(changes)
    assert.deepEqual(settled, [1, 2, 3])
  })

  test('find: sees every change that was called before, and none that was called after', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    for (const rpm of [1, 2, 3]) {
      const changed = registry.change(pump, (e) => report(e, { rpm }))
      const found = registry.find(pump)
      const later = registry.change(pump, (e) => report(e, { later: rpm }))
      assert.notEqual((await found)?.twin.reported.values.later, rpm)
      assert.equal((await later)?.twin.reported.values.later, rpm)
      assert.equal((await found)?.twin.reported.values.rpm, rpm)
      assert.deepEqual(await found, await changed)
    }
  })

  test('remove: of changes around it, those before are undone and those after find nothing', async () => {
    await using store = await opened(open)
    const { registry } = store
    for (const isKnown of [false, true]) {
      await registry.insert([entry(pump), entry(agent)])
      if (isKnown) await Promise.all([registry.find(pump), registry.find(agent)])
      const [, , removed, ...after] = await Promise.all([
        registry.change(pump, (e) => report(e, { rpm: 1 })),
        registry.change(agent, (e) => report(e, { rpm: 1 })),
        registry.remove(pump),
        registry.change(pump, (e) => report(e, { rpm: 2 })),
        registry.change(agent, (e) => report(e, { rpm: 2 })),
        registry.find(pump),
        registry.find(agent),
      ])
      assert.deepEqual(removed, [pump, agent])
      assert.deepEqual(after, [undefined, undefined, undefined, undefined])
      assert.deepEqual(await registry.count(), { devices: 0, disabledDevices: 0, modules: 0 })
    }
  })

  test('remove and insert: a device removed and created at once has only the new state', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    await registry.change(pump, (e) => report(e, { rpm: 1 }))
    const [, removed, inserted, changed, found] = await Promise.all([
      registry.change(pump, (e) => report(e, { rpm: 2 })),
      registry.remove(pump),
      registry.insert([entry(pump)]),
      registry.change(pump, (e) => report(e, { led: 'on' })),
      registry.find(agent),
    ])
    assert.deepEqual(removed, [pump, agent])
    assert.equal(inserted, 'inserted')
    assert.deepEqual(changed, report(entry(pump), { led: 'on' }))
    assert.equal(found, undefined)
    assert.deepEqual(await registry.find(pump), changed)
  })

  test('insert: of many that want the same ref at once, one wins', async () => {
    await using store = await opened(open)
    const { registry } = store
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map((rpm) => registry.insert([report(entry(pump), { rpm }), entry(agent)])),
    )
    const won = outcomes.indexOf('inserted')
    assert.deepEqual(outcomes.filter((outcome) => outcome === 'inserted').length, 1)
    const found = await registry.find(pump)
    assert.deepEqual(found, report(entry(pump), { rpm: won + 1 }))
  })

  test('remove: of many at once, one removes', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    const removals = await Promise.all([1, 2, 3].map(() => registry.remove(pump)))
    assert.deepEqual(removals.map(({ length }) => length).sort(), [0, 0, 2])
  })

  test('a mixture of everything at once loses no change and mixes up no two lives', async () => {
    await using store = await opened(open)
    const { registry } = store
    const changes = (await runAtOnce(mixture(), registry)).flatMap(changedBy)
    // Two changes that started from the same state would show as the same version.
    const states = changes.map(
      ({ ref, twin }) => `${refKey(ref)} ${twin.tags.life} ${twin.version}`,
    )
    assert.ok(states.length > 100)
    assert.equal(new Set(states).size, states.length)

    let modules = 0
    const devices = await registry.listDevices(100)
    for (const device of devices) {
      const members = await registry.listModules(device.ref.deviceId)
      modules += members.length
      for (const e of [device, ...members]) {
        assert.deepEqual(await registry.find(e.ref), e)
        const life = `${refKey(e.ref)} ${e.twin.tags.life} `
        assert.equal(states.filter((state) => state.startsWith(life)).length, e.twin.version - 1)
      }
    }
    const { length } = devices
    assert.deepEqual(await registry.count(), { devices: length, disabledDevices: 0, modules })
  })
}

/** 2,000 calls on 5 devices, the same in every run; each new life of an entry has its own tag. */
export function mixture(): ((registry: Registry) => Promise<unknown>)[] {
  let state = 20_240_601
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return Array.from({ length: 2000 }, (_, life) => {
    const device = { deviceId: `pump-${random(5)}` }
    const ref = random(2) === 0 ? device : { ...device, moduleId: `m${random(2)}` }
    const kind = random(20)
    if (kind < 3) return (registry) => registry.insert([withLife(entry(ref), life)])
    if (kind < 4) return (registry) => registry.remove(ref)
    if (kind < 8) return (registry) => registry.find(ref)
    return async (registry) => ({
      changed: await registry.change(
        ref,
        (e) => report(e, { [`k${life % 7}`]: life }),
        life % 2 === 0 ? 'passing' : undefined,
      ),
    })
  })
}

/** Twenty callers, each of which takes the next call when its last one is done. */
export async function runAtOnce(
  calls: readonly ((registry: Registry) => Promise<unknown>)[],
  registry: Registry,
): Promise<unknown[]> {
  const results: unknown[] = []
  let next = 0
  const caller = async () => {
    for (let call = calls[next++]; call; call = calls[next++]) results.push(await call(registry))
  }
  await Promise.all(Array.from({ length: 20 }, caller))
  return results
}

function changedBy(result: unknown): Entry[] {
  const { changed } = (result ?? {}) as { changed?: Entry }
  return changed ? [changed] : []
}

function withLife(e: Entry, life: number): Entry {
  return { ...e, twin: { ...e.twin, tags: { life } } }
}
