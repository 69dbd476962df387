import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_REJECTIONS, MAX_REJECTIONS_PER_DEVICE } from '../../src/data/finding-limits.ts'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { allPages, rejection, tokenOf } from './findings.ts'

/** How refused messages are kept, and how many. */
export function rejectionContract(open: () => Promise<FindingStore>): void {
  const sequences = async (store: FindingStore, deviceId?: string) => {
    const filter = deviceId === undefined ? {} : { deviceId }
    const all = await allPages((token) =>
      store.listRejections({ limit: 1_000, ...filter, ...token }),
    )
    return all.map(({ sequence }) => sequence)
  }

  test('listRejections: the last that was committed first, of all or of one device', async () => {
    const store = await open()
    await store.commit({ rejections: [rejection(1), rejection(2, 'pump-10')] })
    await store.commit({ rejections: [rejection(3)] })
    assert.deepEqual(await sequences(store), [3, 2, 1])
    assert.deepEqual(await sequences(store, 'pump-1'), [3, 1])
    assert.deepEqual(await sequences(store, 'pump'), [])
  })

  test('listRejections: pages join while rejections arrive and go', async () => {
    const store = await open()
    await store.commit({ rejections: [1, 2, 3, 4, 5].map((sequence) => rejection(sequence)) })
    const first = await store.listRejections({ limit: 2, deviceId: 'pump-1' })
    await store.commit({ rejections: [rejection(6), rejection(7, 'pump-10')] })
    const second = await store.listRejections({ limit: 9, deviceId: 'pump-1', ...tokenOf(first) })
    const seen = [...first.items, ...second.items].map(({ sequence }) => sequence)
    assert.deepEqual(seen, [5, 4, 3, 2, 1])
  })

  test('listRejections: a number is never given twice', async () => {
    const store = await open()
    await store.commit({ rejections: [rejection(1), rejection(2)] })
    const before = (await store.listRejections({ limit: 9 })).items.map(({ id }) => id)
    await store.removeDevice('pump-1')
    await store.commit({ rejections: [rejection(3)] })
    const after = (await store.listRejections({ limit: 9 })).items.map(({ id }) => id)
    assert.equal(after.length, 1)
    assert.ok(Math.min(...after) > Math.max(...before))
  })

  test('listRejections: a rejection without a module comes back without one', async () => {
    const store = await open()
    await store.commit({ rejections: [{ ...rejection(1), ref: { deviceId: 'pump-1' } }] })
    const { items } = await store.listRejections({ limit: 1 })
    assert.deepEqual(items[0]?.ref, { deviceId: 'pump-1' })
  })

  test('rejections: of one device the oldest are dropped, of its neighbours none', async () => {
    const store = await open()
    await store.commit({ rejections: [rejection(1, 'pump-10')] })
    const numbers = Array.from({ length: MAX_REJECTIONS_PER_DEVICE + 5 }, (_, index) => index)
    await store.commit({ rejections: numbers.map((sequence) => rejection(sequence)) })
    assert.deepEqual(await sequences(store, 'pump-1'), numbers.slice(5).reverse())
    await store.commit({ rejections: [rejection(9_998), rejection(9_999)] })
    const left = [9_999, 9_998, ...numbers.slice(7).reverse()]
    assert.deepEqual(await sequences(store, 'pump-1'), left)
    assert.deepEqual(await sequences(store, 'pump-10'), [1])
    await store.removeDevice('pump-1')
    await store.commit({ rejections: numbers.map((sequence) => rejection(sequence)) })
    assert.equal((await sequences(store, 'pump-1')).length, MAX_REJECTIONS_PER_DEVICE)
  })

  test('rejections: of all devices together the oldest are dropped', async () => {
    const store = await open()
    const devices = MAX_REJECTIONS / MAX_REJECTIONS_PER_DEVICE
    for (let device = 0; device < devices; device++) {
      const numbers = Array.from({ length: MAX_REJECTIONS_PER_DEVICE }, (_, index) => index)
      await store.commit({ rejections: numbers.map((n) => rejection(n, `pump-${device}`)) })
    }
    const most = MAX_REJECTIONS_PER_DEVICE
    const counts = async () => {
      const some = ['pump-0', 'pump-1', 'pump-99', 'another']
      return Promise.all(some.map(async (deviceId) => (await sequences(store, deviceId)).length))
    }
    assert.deepEqual(await counts(), [most, most, most, 0])
    const newest = [1, 2, 3].map((sequence) => rejection(sequence, 'another'))
    await store.commit({ rejections: newest })
    assert.deepEqual(await counts(), [most - 3, most, most, 3])
    assert.equal((await sequences(store, 'pump-0')).at(-1), 3)
    // There is room again.
    await store.removeDevice('pump-5')
    await store.commit({ rejections: newest })
    assert.deepEqual(await counts(), [most - 3, most, most, 6])
  })
}
