import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entry } from '../../../test/contracts/registry-entries.ts'
import { EntryCache, Slot } from './entry-cache.ts'
import { PendingChanges } from './pending-changes.ts'

const LENGTHS = { identity: 400, tags: 0, desired: 300, reported: 300, configured: 0 }

test('evict: the least recently used leave until the rest has room', () => {
  const cache = new EntryCache(5 * sizeOfOne())
  const slots = [0, 1, 2, 3, 4, 5, 6].map((n) => addTo(cache, `pump-${n}`))
  cache.get({ deviceId: 'pump-0' })
  cache.evict()
  assert.deepEqual(
    slots.map((slot) => cache.has(slot)),
    [true, false, false, true, true, true, true],
  )
  assert.equal(cache.get({ deviceId: 'pump-1' }), undefined)
  assert.equal(cache.bytes, 5 * sizeOfOne())
})

test('evict: an entry that is not durable yet stays', () => {
  const cache = new EntryCache(0)
  const slot = addTo(cache, 'pump-1')
  const pending = new PendingChanges(cache, () => {})
  pending.add(slot)
  cache.evict()
  assert.equal(cache.get({ deviceId: 'pump-1' }), slot)
  pending.committed(0)
  assert.equal(cache.get({ deviceId: 'pump-1' }), undefined)
  assert.equal(cache.bytes, 0)
})

test('pass: an entry leaves once it is durable, before all others, unless somebody asks for it', () => {
  const cache = new EntryCache(1e9)
  const stays = addTo(cache, 'pump-0')
  const slots = [1, 2, 3].map((n) => addTo(cache, `pump-${n}`))
  const pending = new PendingChanges(cache, () => {})
  for (const slot of slots) {
    pending.add(slot)
    cache.pass(slot)
  }
  cache.evict()
  assert.equal(cache.get({ deviceId: 'pump-2' }), slots[1])
  pending.committed(0)
  const here = [stays, ...slots].map((slot) => cache.has(slot))
  assert.deepEqual(here, [true, false, true, false])
  assert.equal(cache.bytes, 2 * sizeOfOne())
})

test('recount: follows the lengths of a slot, and leaves one that was forgotten alone', () => {
  const cache = new EntryCache(1e9)
  const slot = addTo(cache, 'pump-1')
  const before = cache.bytes
  slot.lengths.reported += 1000
  cache.recount(slot)
  assert.equal(cache.bytes, before + 1000)
  cache.forget({ deviceId: 'pump-1' })
  cache.recount(slot)
  assert.equal(cache.bytes, 0)
})

function addTo(cache: EntryCache, deviceId: string): Slot {
  const slot = new Slot({ id: 1, entry: entry({ deviceId }), lengths: { ...LENGTHS } })
  cache.add(slot)
  return slot
}

function sizeOfOne(): number {
  const cache = new EntryCache(1e9)
  addTo(cache, 'pump-1')
  return cache.bytes
}
