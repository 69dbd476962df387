import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Configuration } from '../../src/configurations/configuration.ts'
import type { ConfigurationStore, Pass } from '../../src/configurations/configuration-store.ts'

export const RESULTS = { system: { targetedCount: 5, appliedCount: 4 }, custom: { 'nörd "1"': 3 } }

export function configuration(id: string, revision = 1): Configuration {
  return {
    id,
    schemaVersion: null,
    labels: { __proto__: 'x', ü: '"' },
    content: { deviceContent: { 'properties.desired.a': { b: [1, null, 'x'] } } },
    targetCondition: "tags.site = 'nörd'",
    priority: 3,
    metricQueries: { ok: 'SELECT deviceId FROM devices' },
    createdMs: 1,
    updatedMs: 1 + revision,
    revision,
    sequence: 9,
    author: { name: 'service', rights: ['ServiceConnect'] },
  }
}

export function pass(configurationId: string, number: number): Pass {
  return { configurationId, number, step: 0 }
}

/** What every ConfigurationStore must do. Each adapter's test calls this with a way to open an empty one. */
export function configurationStoreContract(open: () => Promise<ConfigurationStore>): void {
  test('put: comes back as it was put, in the order of ids, each with the pass that it begins', async () => {
    const store = await open()
    assert.deepEqual([await store.list(), await store.passes()], [[], []])
    assert.equal(await store.put(configuration('b'), pass('b', 1)), true)
    assert.equal(await store.put(configuration('a'), pass('a', 1)), true)
    const ids = (await store.list()).map(({ configuration: { id } }) => id)
    assert.deepEqual(ids, ['a', 'b'])
    assert.deepEqual((await store.list())[0], { configuration: configuration('a') })
    assert.deepEqual(await store.passes(), [pass('a', 1), pass('b', 1)])
  })

  test('put: only on top of what is there, or no pass begins', async () => {
    const store = await open()
    assert.equal(await store.put(configuration('a', 2), pass('a', 7)), false)
    assert.equal(await store.put(configuration('a'), pass('a', 1)), true)
    for (const revision of [1, 3]) {
      assert.equal(await store.put(configuration('a', revision), pass('a', 8)), false)
    }
    assert.deepEqual(await store.passes(), [pass('a', 1)])
    assert.equal(await store.put(configuration('a', 2), pass('a', 2)), true)
    assert.deepEqual(await store.list(), [{ configuration: configuration('a', 2) }])
    assert.deepEqual(await store.passes(), [pass('a', 2)])
  })

  test('remove: leaves a pass for those that hold it, and what is not there none', async () => {
    const store = await open()
    assert.equal(await store.remove(pass('a', 1)), false)
    await store.put(configuration('a'), pass('a', 1))
    assert.equal(await store.remove(pass('a', 2)), true)
    assert.deepEqual(await store.list(), [])
    assert.deepEqual(await store.passes(), [pass('a', 2)])
    assert.equal(await store.put(configuration('a'), pass('a', 3)), true)
  })

  test('putResults: stay through changes of the configuration, and go with it', async () => {
    const store = await open()
    await store.putResults('a', RESULTS)
    await store.put(configuration('a'), pass('a', 1))
    await store.putResults('a', RESULTS)
    await store.put(configuration('a', 2), pass('a', 2))
    assert.deepEqual((await store.list())[0]?.results, RESULTS)
    await store.remove(pass('a', 3))
    await store.put(configuration('a'), pass('a', 4))
    assert.equal((await store.list())[0]?.results, undefined)
  })

  test('movePass, endPass: only of the pass that is under way', async () => {
    const store = await open()
    await store.put(configuration('a'), pass('a', 1))
    await store.movePass({ ...pass('a', 1), step: 1, after: '["ü",7]' })
    assert.deepEqual(await store.passes(), [{ ...pass('a', 1), step: 1, after: '["ü",7]' }])
    await store.put(configuration('a', 2), pass('a', 2))
    await store.movePass({ ...pass('a', 1), step: 2 })
    await store.endPass(pass('a', 1))
    assert.deepEqual(await store.passes(), [pass('a', 2)])
    await store.endPass({ ...pass('a', 2), step: 1, after: 'x' })
    assert.deepEqual(await store.passes(), [])
    await store.beginPass(pass('a', 3))
    await store.beginPass(pass('a', 4))
    assert.deepEqual(await store.passes(), [pass('a', 4)])
  })
}
