import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { entry } from '../../test/contracts/registry-entries.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { Capacity } from './capacity.ts'

const isFull = (error: unknown) => error instanceof HubError && error.code === 'TooManyDevices'

test('use: a hub takes its limit and no more, also when many come at once', async () => {
  const registry = new MemoryRegistry()
  const capacity = new Capacity(registry, 20)
  const create = (id: string) =>
    capacity.use(3, async () => {
      await new Promise(setImmediate)
      const refs = [{ deviceId: id }, ...['a', 'b'].map((moduleId) => ({ deviceId: id, moduleId }))]
      return registry.insert(refs.map((ref) => entry(ref)))
    })
  const first = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => create(`d${n}`)))
  assert.equal(first.filter(({ status }) => status === 'fulfilled').length, 6)
  await assert.rejects(create('one-more'), isFull)
  assert.deepEqual(await registry.count(), { devices: 6, disabledDevices: 0, modules: 12 })
})

test('use: what was removed, or never came, makes room again', async () => {
  const registry = new MemoryRegistry()
  const capacity = new Capacity(registry, 2)
  const create = (deviceId: string) => capacity.use(1, () => registry.insert([entry({ deviceId })]))
  for (let attempt = 0; attempt < 5; attempt++) await create('a')
  await create('b')
  await assert.rejects(create('c'), isFull)
  await registry.remove({ deviceId: 'a' })
  assert.equal(await create('c'), 'inserted')
})
