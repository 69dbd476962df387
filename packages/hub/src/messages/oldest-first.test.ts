import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oldestRecords } from './oldest-first.ts'

const arbitraryRecords = fc.array(fc.record({ enqueuedTimeMs: fc.nat(50), bytes: fc.nat(9) }), {
  maxLength: 12,
})

test('oldestRecords: takes the beginnings of partitions, the oldest first, and no more than it must', () => {
  fc.assert(
    fc.property(fc.array(arbitraryRecords, { maxLength: 4 }), fc.nat(120), (lists, bytes) => {
      const partitions = lists.map((list, partition) => ({
        partition,
        records: list.map((record, at) => ({ ...record, sequence: at + 1 })),
        hasMore: false,
      }))
      const removals = oldestRecords(partitions, bytes)
      const all = lists.flat().reduce((sum, record) => sum + record.bytes, 0)
      const gone = removals.reduce((sum, removal) => sum + removal.bytes, 0)
      assert.ok(gone >= Math.min(bytes, all))
      for (const { partition, through, count, bytes: size } of removals) {
        const beginning = lists[partition]?.slice(0, through) ?? []
        assert.equal(count, beginning.length)
        assert.equal(
          size,
          beginning.reduce((sum, record) => sum + record.bytes, 0),
        )
        assert.ok(count > 0)
        // Without the last one taken there would be too few.
        const isNeeded = removals.some((each) => {
          const final = lists[each.partition]?.[each.through - 1]?.bytes ?? 0
          return gone - final < bytes
        })
        assert.ok(isNeeded)
      }
    }),
  )
})

test('oldestRecords: in order of time when each partition is in order', () => {
  fc.assert(
    fc.property(fc.array(arbitraryRecords, { maxLength: 4 }), fc.nat(60), (lists, bytes) => {
      const partitions = lists.map((list, partition) => ({
        partition,
        records: list
          .map(({ enqueuedTimeMs }) => enqueuedTimeMs)
          .sort((a, b) => a - b)
          .map((enqueuedTimeMs, at) => ({ enqueuedTimeMs, bytes: 1, sequence: at + 1 })),
        hasMore: false,
      }))
      const removals = oldestRecords(partitions, bytes)
      const takenOf = (partition: number) =>
        removals.find((each) => each.partition === partition)?.through ?? 0
      const gone = partitions.flatMap(({ records, partition }) =>
        records.slice(0, takenOf(partition)).map(({ enqueuedTimeMs }) => enqueuedTimeMs),
      )
      const left = partitions.flatMap(({ records, partition }) =>
        records.slice(takenOf(partition)).map(({ enqueuedTimeMs }) => enqueuedTimeMs),
      )
      assert.equal(gone.length, Math.min(bytes, gone.length + left.length))
      assert.ok(Math.max(...gone, -1) <= Math.min(...left, 51))
    }),
  )
})

test('oldestRecords: stops where it is not known what follows', () => {
  const record = (sequence: number, enqueuedTimeMs: number) => ({
    sequence,
    enqueuedTimeMs,
    bytes: 1,
  })
  const known = { partition: 0, records: [record(1, 1), record(2, 2)], hasMore: true }
  const other = { partition: 1, records: [record(1, 5)], hasMore: false }
  assert.deepEqual(oldestRecords([known, other], 10), [
    { partition: 0, through: 2, count: 2, bytes: 2 },
  ])
})
