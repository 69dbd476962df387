import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConsumerGroupStore,
  MAX_CONSUMER_GROUPS,
} from '../../src/messages/consumer-group-store.ts'

/** What every ConsumerGroupStore must do. Each adapter's test calls this with a way to open an empty one. */
export function consumerGroupStoreContract(open: () => Promise<ConsumerGroupStore>): void {
  test('find, list: a group comes back as it was stored, in the order of names', async () => {
    const store = await open()
    assert.equal(await store.find('b'), undefined)
    assert.equal(await store.insert({ name: 'b', createdMs: 2 }), 'inserted')
    assert.equal(await store.insert({ name: 'A', createdMs: 1 }), 'inserted')
    assert.deepEqual(await store.find('a'), { name: 'A', createdMs: 1 })
    assert.deepEqual(await store.list(), [
      { name: 'A', createdMs: 1 },
      { name: 'b', createdMs: 2 },
    ])
  })

  test('insert: a name in any case is taken once', async () => {
    const store = await open()
    await store.insert({ name: 'plant', createdMs: 1 })
    assert.equal(await store.insert({ name: 'PLANT', createdMs: 2 }), 'taken')
    assert.deepEqual(await store.list(), [{ name: 'plant', createdMs: 1 }])
  })

  test('insert: of many at once no more than the limit come in; a taken name is told before that', async () => {
    const store = await open()
    const names = Array.from({ length: MAX_CONSUMER_GROUPS + 3 }, (_, n) => `group-${n}`)
    const outcomes = await Promise.all(names.map((name) => store.insert({ name, createdMs: 1 })))
    assert.equal(outcomes.filter((one) => one === 'inserted').length, MAX_CONSUMER_GROUPS)
    assert.equal(outcomes.filter((one) => one === 'full').length, 3)
    assert.equal(await store.insert({ name: 'Group-0', createdMs: 2 }), 'taken')
  })

  test('remove: takes one away, in any case, and makes room', async () => {
    const store = await open()
    await store.insert({ name: 'plant', createdMs: 1 })
    assert.equal(await store.remove('other'), false)
    assert.equal(await store.remove('Plant'), true)
    assert.equal(await store.remove('plant'), false)
    assert.deepEqual(await store.list(), [])
    assert.equal(await store.insert({ name: 'plant', createdMs: 2 }), 'inserted')
  })
}
