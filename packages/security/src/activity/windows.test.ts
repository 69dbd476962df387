import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  countFor,
  dueMs,
  judgeCount,
  MAX_OPEN_WINDOWS,
  type OpenWindow,
  windowStart,
} from './windows.ts'

const MINUTE_MS = 60_000
const START_MS = Date.UTC(2026, 0, 1)
const rule = { ruleType: 'MqttD2CMessagesNotInAllowedRange', timeWindowMs: 5 * MINUTE_MS } as const

test('windows are aligned to the epoch, whenever a rule began', () => {
  const quarter = 15 * MINUTE_MS
  assert.equal(windowStart(START_MS + quarter - 1, quarter), START_MS)
  assert.equal(windowStart(START_MS + quarter, quarter), START_MS + quarter)
  assert.equal(dueMs({ startMs: START_MS, sizeMs: quarter }), START_MS + quarter + MINUTE_MS)
})

test('a count is allowed from the minimum to the maximum, and too few only in a whole window', () => {
  const range = { minThreshold: 2, maxThreshold: 4 }
  const judged = [0, 1, 2, 3, 4, 5].map((count) => judgeCount(range, count, true) ?? '')
  assert.deepEqual(judged, ['below', 'below', '', '', '', 'above'])
  assert.equal(judgeCount(range, 0, false), undefined)
  assert.equal(judgeCount(range, 5, false), 'above')
  assert.equal(judgeCount({ minThreshold: 0, maxThreshold: 0 }, 0, true), undefined)
})

test('what comes after its window was judged counts to the one that is under way', () => {
  const nowMs = START_MS + 7 * MINUTE_MS
  const counted = { timeMs: START_MS + MINUTE_MS, times: 3 }
  const inTime = countFor([], rule, counted, { nowMs, judgedMs: START_MS + 5 * MINUTE_MS })
  assert.equal(inTime[0]?.startMs, START_MS)
  const late = countFor([], rule, counted, { nowMs, judgedMs: START_MS + 6 * MINUTE_MS })
  assert.deepEqual([late[0]?.startMs, late[0]?.count], [START_MS + 5 * MINUTE_MS, 3])
  const fromTheFuture = { timeMs: nowMs + 24 * 60 * MINUTE_MS, times: 1 }
  const now = countFor([], rule, fromTheFuture, { nowMs, judgedMs: nowMs })
  assert.equal(now[0]?.startMs, START_MS + 5 * MINUTE_MS)
})

test('property: in whatever order counts come in time, the windows are the same', () => {
  const counted = fc.record({
    timeMs: fc.integer({ min: 0, max: 14 * MINUTE_MS }).map((ms) => START_MS + ms),
    times: fc.integer({ min: 1, max: 50 }),
  })
  const nowMs = START_MS + 14 * MINUTE_MS
  const count = (all: readonly { timeMs: number; times: number }[]) => {
    const none: readonly OpenWindow[] = []
    const open = all.reduce((windows, one) => {
      return countFor(windows, rule, one, { nowMs, judgedMs: START_MS })
    }, none)
    return open.toSorted((a, b) => a.startMs - b.startMs)
  }
  fc.assert(
    fc.property(
      fc.array(counted, { maxLength: 40 }).chain((all) => {
        return fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))
      }),
      ([inOrder, shuffled]) => {
        const windows = count(inOrder)
        assert.deepEqual(count(shuffled), windows)
        const sum = windows.reduce((total, window) => total + window.count, 0)
        assert.equal(
          sum,
          inOrder.reduce((total, { times }) => total + times, 0),
        )
      },
    ),
  )
})

test('windows of one device are bounded', () => {
  let open: readonly OpenWindow[] = []
  for (let minute = 0; minute < 500; minute++) {
    const timeMs = START_MS + minute * MINUTE_MS
    const small = { ...rule, timeWindowMs: MINUTE_MS }
    open = countFor(open, small, { timeMs, times: 1 }, { nowMs: timeMs, judgedMs: 0 })
  }
  assert.equal(open.length, MAX_OPEN_WINDOWS)
})
