import assert from 'node:assert/strict'
import { test } from 'node:test'
import { header } from '../../test/records.ts'
import { CLOCK_SAMPLES, estimateClockOffset, newestOffset } from './clock-offset.ts'
import type { EventHeader } from './record.ts'

const receivedMs = Date.UTC(2024, 0, 1)

function offsetOf(...events: readonly Partial<EventHeader>[]) {
  return newestOffset(
    events.map((fields) => ({ header: header({ receivedMs, ...fields }), payload: [] })),
  ).clockOffsetMs
}

test('the newest event of a message tells the offset, as it was sent and not as it was clamped', () => {
  assert.equal(offsetOf(), undefined)
  assert.equal(offsetOf({ timeMs: receivedMs - 5_000 }, { timeMs: receivedMs - 90_000 }), -5_000)
  const clamped = { timeMs: receivedMs + 600_000, timestampSent: '2024-01-01T02:00:00Z' }
  assert.equal(offsetOf({ timeMs: receivedMs }, clamped), 2 * 3_600_000)
})

test('one message without delay among the last ones tells delay from error', () => {
  assert.equal(estimateClockOffset([]), undefined)
  assert.equal(estimateClockOffset([-3_600_000, -2_000, -60_000]), -2_000)
  const behind = Array.from({ length: CLOCK_SAMPLES }, (_, index) => -86_400_000 - index)
  assert.equal(estimateClockOffset([0, ...behind]), -86_400_000, 'only the last ones count')
})
