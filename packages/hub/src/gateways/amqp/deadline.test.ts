import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '../../../test/clock.ts'
import { Wheel } from '../wheel.ts'
import { Deadline } from './deadline.ts'

const NEVER = Number.POSITIVE_INFINITY

test('deadline: of 100,000 that idle none is looked at before its time, then each is once', () => {
  const clock = new TestClock()
  const wheel = new Wheel(clock)
  let looks = 0
  for (let n = 0; n < 100_000; n++) {
    const deadline = new Deadline(wheel, () => {
      looks++
      return NEVER
    })
    deadline.by(clock.now() + 240_000)
  }
  clock.advance(239_000)
  assert.equal(looks, 0)
  clock.advance(3000)
  assert.equal(looks, 100_000)
  clock.advance(3600_000)
  assert.equal(looks, 100_000)
})

test('deadline: the earliest of what falls due counts, whoever says it and when', () => {
  const clock = new TestClock()
  const wheel = new Wheel(clock)
  const startMs = clock.now()
  const seen: number[] = []
  const next = [60_000, NEVER]
  const deadline = new Deadline(wheel, (nowMs) => {
    seen.push(nowMs - startMs)
    if (seen.length === 1) deadline.by(startMs + 30_000)
    return startMs + (next.shift() ?? NEVER)
  })
  deadline.by(startMs + 50_000)
  deadline.by(startMs + 10_000)
  deadline.by(startMs + 20_000)
  clock.advance(120_000)
  assert.deepEqual(seen, [10_000, 30_000])
  deadline.by(startMs + 130_000)
  deadline.stop()
  deadline.by(startMs + 140_000)
  clock.advance(60_000)
  assert.equal(seen.length, 2, 'one that was stopped is not looked at')
})
