import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { all, event } from '../../../test/contracts/event-store.ts'
import type { SecurityEvent } from '../../ingestion/record.ts'
import { DuckDbEventStore } from './event-store.ts'
import { CHUNK_ROWS } from './rows.ts'

const folder = await mkdtemp(join(tmpdir(), 'rows-'))
const store = await DuckDbEventStore.open(join(folder, 'rows.duckdb'))
let sequence = 0

after(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

/** Short ones lie in the column itself, long ones beside it; equal ones share. */
const text = fc.oneof(
  fc.constantFrom('', 'a', '0.0.6', '123456789012', '1234567890123', 'x'.repeat(500), 'ünïcödé ✓'),
  fc.string({ maxLength: 40, unit: 'grapheme' }),
)

test('property: every text, number and absence comes back as it was stored, in its row', async () => {
  const row = fc.record({
    name: text,
    category: text,
    agentVersion: text,
    timestampLocal: text,
    timestampSent: fc.option(text, { nil: undefined }),
    deviations: fc.constantFrom([], ['a'], ['a', 'bb']),
    isEmpty: fc.boolean(),
    details: fc.dictionary(fc.string({ maxLength: 4 }), text, {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  })
  const rows = fc.array(row, { minLength: 1, maxLength: 120 })
  await fc.assert(
    fc.asyncProperty(rows, async (list) => {
      await store.expire(Number.MAX_SAFE_INTEGER)
      const events = list.map(({ details, timestampSent, ...fields }): SecurityEvent => {
        const sent = timestampSent === undefined ? {} : { timestampSent }
        return event(++sequence, details, { ...fields, ...sent })
      })
      await store.append(events, sequence)
      const stored = (await all(store, 1_000)).toReversed()
      assert.equal(stored.length, events.length)
      for (const [index, { header, payload }] of events.entries()) {
        const { timeMs, receivedMs, sequence, name, category, agentVersion, isEmpty } = header
        const found = stored[index]
        assert.ok(found)
        assert.deepEqual(
          [found.timeMs, found.receivedMs, found.sequence, found.name, found.category],
          [timeMs, receivedMs, sequence, name, category],
        )
        assert.deepEqual([found.agentVersion, found.isEmpty], [agentVersion, isEmpty])
        assert.equal(found.timestampLocal, header.timestampLocal)
        assert.equal(found.timestampSent, header.timestampSent)
        assert.deepEqual(found.deviations, header.deviations)
        assert.deepEqual(JSON.parse(found.details), payload[0])
      }
    }),
    { numRuns: 40 },
  )
})

test('rows of several chunks keep their order and their places', async () => {
  await store.expire(Number.MAX_SAFE_INTEGER)
  const payload = Array.from({ length: 2 * CHUNK_ROWS + 7 }, (_, place) => ({ place }))
  await store.append([{ ...event(++sequence), payload }], sequence)
  const stored = await all(store, 1_000)
  assert.equal(stored.length, payload.length)
  for (const { row, details } of stored) assert.deepEqual(JSON.parse(details), { place: row })
})
