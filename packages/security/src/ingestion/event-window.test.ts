import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { header } from '../../test/records.ts'
import {
  CHUNK_FINGERPRINTS,
  EventWindow,
  REMEMBERED_EVENTS,
  REMEMBERED_MS,
} from './event-window.ts'
import { type Fingerprint, fingerprint } from './fingerprint.ts'
import type { FingerprintChunk } from './ingestion-store.ts'

const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

function numbered(id: number, content = 1): Fingerprint {
  return [0, 0, 0, id, content]
}

/** What a store would hold: chunks by number, forgotten ones gone. */
class Stored {
  readonly chunks = new Map<number, FingerprintChunk>()

  take(window: EventWindow): void {
    const { chunks, forgotten } = window.changes()
    for (const { below } of forgotten) {
      for (const number of this.chunks.keys()) if (number < below) this.chunks.delete(number)
    }
    for (const chunk of chunks) this.chunks.set(chunk.number, chunk)
  }

  open(): EventWindow {
    return new EventWindow(
      ref,
      [...this.chunks.values()].sort((a, b) => a.number - b.number),
    )
  }
}

test('an event that comes again is repeated, with another content its id is reused', () => {
  const window = new EventWindow(ref, [])
  assert.equal(window.see(numbered(1), 0), 'new')
  assert.equal(window.see(numbered(1), 0), 'repeated')
  assert.equal(window.see(numbered(1, 2), 0), 'reused')
  assert.equal(window.see(numbered(1, 2), 0), 'repeated', 'each content is remembered')
  assert.equal(window.see(numbered(2), 0), 'new')
})

test('the last events are remembered, and not many more', () => {
  const window = new EventWindow(ref, [])
  const count = 10 * REMEMBERED_EVENTS
  for (let id = 0; id < count; id++) assert.equal(window.see(numbered(id), 0), 'new')
  for (let id = count - REMEMBERED_EVENTS; id < count; id++) {
    assert.equal(window.see(numbered(id), 0), 'repeated')
  }
  assert.equal(window.see(numbered(count - REMEMBERED_EVENTS - CHUNK_FINGERPRINTS - 1), 0), 'new')
  assert.equal(window.size, REMEMBERED_EVENTS + CHUNK_FINGERPRINTS)
})

test('what came long ago is forgotten when the next chunk begins', () => {
  const window = new EventWindow(ref, [])
  for (let id = 0; id < CHUNK_FINGERPRINTS; id++) window.see(numbered(id), 1_000)
  assert.equal(window.see(numbered(500), 1_001 + REMEMBERED_MS), 'new')
  assert.equal(window.see(numbered(0), 1_001 + REMEMBERED_MS), 'new')
})

test('where chunks are missing between others, those after the gap are known and go on', () => {
  const stored = new Stored()
  const window = new EventWindow(ref, [])
  for (let id = 0; id < 5 * CHUNK_FINGERPRINTS; id++) window.see(numbered(id), 0)
  stored.take(window)
  // A clock that was ahead for a while makes a store forget what came after before what came then.
  stored.chunks.delete(3)
  const again = stored.open()
  assert.equal(again.see(numbered(4 * CHUNK_FINGERPRINTS), 0), 'repeated')
  for (let id = 10_000; id < 10_000 + 2 * REMEMBERED_EVENTS; id++) {
    assert.equal(again.see(numbered(id), 0), 'new')
  }
  stored.take(again)
  assert.ok(!stored.chunks.has(1), 'what lies before the gap is forgotten in the store too')
  assert.equal(again.see(numbered(10_000 + 2 * REMEMBERED_EVENTS - 1), 0), 'repeated')
})

test('only what changed is stored, and what is stored knows the same', () => {
  const stored = new Stored()
  const window = new EventWindow(ref, [])
  for (let id = 0; id < 300; id++) window.see(numbered(id), id)
  stored.take(window)
  assert.equal(stored.chunks.size, 3)
  window.see(numbered(300), 300)
  const { chunks } = window.changes()
  assert.deepEqual(
    chunks.map(({ number, lastMs }) => [number, lastMs]),
    [[3, 300]],
  )
  assert.deepEqual(window.changes(), { chunks: [], forgotten: [] })
  const again = stored.open()
  for (let id = 0; id < 300; id++) assert.equal(again.see(numbered(id), 400), 'repeated')
  assert.equal(again.see(numbered(300), 400), 'new')
})

test('property: closed and opened at any time, a window says what one says that stays open', () => {
  const step = fc.record({
    id: fc.nat({ max: 3_000 }),
    content: fc.nat({ max: 1 }),
    times: fc.integer({ min: 1, max: 400 }),
    isReopened: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const stored = new Stored()
      const staying = new EventWindow(ref, [])
      let reopened = new EventWindow(ref, [])
      for (const { id, content, times, isReopened } of steps) {
        for (let index = 0; index < times; index++) {
          const event = numbered(id + index, content)
          assert.equal(reopened.see(event, 0), staying.see(event, 0))
        }
        stored.take(reopened)
        if (isReopened) reopened = stored.open()
      }
    }),
    { numRuns: 60 },
  )
})

test('property: a window says what a plain set of the last events would', () => {
  const ids = fc.array(fc.nat({ max: 900 }), { maxLength: 1_500 })
  fc.assert(
    fc.property(ids, (list) => {
      const window = new EventWindow(ref, [])
      const seen = new Set<number>()
      for (const id of list) {
        assert.equal(window.see(numbered(id), 0), seen.has(id) ? 'repeated' : 'new')
        seen.add(id)
      }
    }),
    { numRuns: 30 },
  )
})

test('ids that are not random take no longer than those that are', () => {
  const time = (make: (index: number) => Fingerprint) => {
    const window = new EventWindow(ref, [])
    const started = process.hrtime.bigint()
    for (let index = 0; index < 20_000; index++) window.see(make(index), 0)
    return Number(process.hrtime.bigint() - started)
  }
  const random = time(() => {
    const bytes = randomBytes(16)
    const word = (at: number) => bytes.readUInt32LE(at)
    return [word(0), word(4), word(8), word(12), 1]
  })
  for (const words of [
    (index: number) => [0, 0, 0, index, 1] as const,
    (index: number) => [index, 0, 0, 0, 1] as const,
    (index: number) => [0, index << 16, 0, 0, 1] as const,
  ]) {
    assert.ok(time(words) < 20 * random + 50_000_000)
  }
})

test('a fingerprint is of the whole event, whatever the case of its id', () => {
  const of = (fields: object, details = ['{"a":1}']) =>
    fingerprint(header({ eventId: '4f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c11', ...fields }), details)
  const base = of({})
  assert.deepEqual(of({ eventId: '4F7E2B1A-30A1-4C6D-8E52-9D1F6A7B0C11' }), base)
  assert.deepEqual(base.slice(0, 4), [0x4f7e2b1a, 0x30a14c6d, 0x8e529d1f, 0x6a7b0c11])
  assert.deepEqual(of({ sequence: 9, receivedMs: 9 }), base, 'not of its message')
  for (const other of [
    of({ name: 'Login' }),
    of({ timeMs: 5 }),
    of({ timestampLocal: 'x' }),
    of({}, ['{"a":2}']),
    of({}, ['{"a":1}', '{}']),
    of({}, ['{"a":1', '}']),
  ]) {
    assert.deepEqual(other.slice(0, 4), base.slice(0, 4))
    assert.notEqual(other[4], base[4])
  }
  const odd = of({ eventId: 'thirty-six characters, but no GUID..' })
  assert.notDeepEqual(
    odd.slice(0, 4),
    of({ eventId: 'thirty-six characters, but no GUID.!' }).slice(0, 4),
  )
})
