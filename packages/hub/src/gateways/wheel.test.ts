import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '../../test/clock.ts'
import { TICK_MS, type Watched, Wheel } from './wheel.ts'

test('wheel: looks no earlier than asked and at most two ticks later', () => {
  const clock = new TestClock(12_345)
  const wheel = new Wheel(clock)
  const seen: number[] = []
  const item = watched((nowMs) => void seen.push(nowMs))
  wheel.watch(item, 20_000)
  clock.advance(20_000 - 12_345 - 1)
  assert.deepEqual(seen, [])
  clock.advance(2 * TICK_MS)
  assert.equal(seen.length, 1)
  assert.ok(Number(seen[0]) >= 20_000)
})

test('wheel: what asks to be looked at again is, what is forgotten is not', () => {
  const clock = new TestClock(0)
  const wheel = new Wheel(clock)
  let looks = 0
  let gone = 0
  wheel.watch(
    watched((nowMs) => {
      looks++
      return nowMs + 5_000
    }),
    5_000,
  )
  const forgotten = watched(() => void gone++)
  wheel.watch(forgotten, 5_000)
  wheel.forget(forgotten)
  clock.advance(20_000)
  assert.equal(looks, 4)
  assert.equal(gone, 0)
})

test('wheel: ticks that were missed are made up for', () => {
  let nowMs = 0
  let turn = () => {}
  const clock = {
    now: () => nowMs,
    sleep: () => Promise.resolve(),
    every(_ms: number, run: () => void) {
      turn = run
      return () => {}
    },
  }
  const wheel = new Wheel(clock)
  const seen: string[] = []
  wheel.watch(
    watched(() => void seen.push('a')),
    3_000,
  )
  wheel.watch(
    watched(() => void seen.push('b')),
    900_000,
  )
  nowMs = 600_000
  turn()
  assert.deepEqual(seen, ['a'])
})

function watched(due: (nowMs: number) => number | undefined): Watched {
  return { tick: -1, due }
}
