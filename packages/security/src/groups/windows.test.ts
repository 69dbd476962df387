import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isWithinWindow } from './windows.ts'

const HOUR_MS = 3_600_000
/** A Tuesday. */
const TUESDAY = Date.UTC(2023, 10, 14)

function isOpen(days: readonly number[], start: number, hours: number, atMs: number): boolean {
  return isWithinWindow([{ days, startMinute: start * 60, durationMinutes: hours * 60 }], atMs)
}

test('a window is open from its start until just before its end, on its days', () => {
  assert.ok(isOpen([2], 2, 2, TUESDAY + 2 * HOUR_MS))
  assert.ok(isOpen([2], 2, 2, TUESDAY + 4 * HOUR_MS - 1))
  assert.ok(!isOpen([2], 2, 2, TUESDAY + 4 * HOUR_MS))
  assert.ok(!isOpen([2], 2, 2, TUESDAY + 2 * HOUR_MS - 1))
  assert.ok(!isOpen([3], 2, 2, TUESDAY + 3 * HOUR_MS))
  assert.ok(isOpen([], 2, 2, TUESDAY + 3 * HOUR_MS))
})

test('a window that passes midnight belongs to the day on which it began', () => {
  assert.ok(isOpen([1], 23, 2, TUESDAY + HOUR_MS - 1))
  assert.ok(!isOpen([1], 23, 2, TUESDAY + HOUR_MS))
  assert.ok(!isOpen([2], 23, 2, TUESDAY))
  assert.ok(isOpen([3], 0, 7 * 24, TUESDAY), 'the Wednesday before, for a week')
})

test('property: a time is within a window exactly when it lies after one of its starts', () => {
  const days = fc.uniqueArray(fc.integer({ min: 0, max: 6 }))
  const minute = fc.integer({ min: 0, max: 1439 })
  const length = fc.integer({ min: 1, max: 7 * 1440 })
  const at = fc.integer({ min: 0, max: 14 * 24 * 60 }).map((m) => TUESDAY + m * 60_000)
  const property = fc.property(
    days,
    minute,
    length,
    at,
    (list, startMinute, durationMinutes, atMs) => {
      let expected = false
      for (let back = 0; back <= 8; back++) {
        const day = new Date(atMs)
        day.setUTCHours(0, 0, 0, 0)
        day.setUTCDate(day.getUTCDate() - back)
        const isDay = list.length === 0 || list.includes(day.getUTCDay())
        const sinceMinutes = (atMs - day.getTime()) / 60_000 - startMinute
        if (isDay && sinceMinutes >= 0 && sinceMinutes < durationMinutes) expected = true
      }
      const window = { days: list, startMinute, durationMinutes }
      assert.equal(isWithinWindow([window], atMs), expected)
    },
  )
  fc.assert(property)
})
