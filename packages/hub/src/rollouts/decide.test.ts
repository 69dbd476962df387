import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Decision, decide } from './decide.ts'
import type { Rollout, RolloutRules, WaveCounts } from './rollout.ts'

const RULES: RolloutRules = {
  successRatio: 0.9,
  failureRatio: 0.1,
  pauseMs: 100,
  waitMs: 1000,
  onFailure: 'rollback',
}
const wave = (sinceMs: number, planned = 1) => {
  return { size: 'rest', below: 1, planned, sinceMs, doneMs: 0 }
}

function at(
  nowMs: number,
  current: WaveCounts,
  change: Partial<Rollout> = {},
  all = current,
): Decision {
  const rollout = {
    ...{ rules: RULES, waves: [wave(1), wave(0)], wave: 0, calmSinceMs: 0 },
    ...change,
  } as Rollout
  return decide(rollout, { wave: current, all }, nowMs)
}

test('a wave that is well pauses, then the next begins; after the last it is complete', () => {
  const well = { applied: 10, succeeded: 9, failed: 1 }
  assert.deepEqual(at(50, well), { kind: 'stay', calmSinceMs: 50 })
  assert.deepEqual(at(149, well, { calmSinceMs: 50 }), { kind: 'stay', calmSinceMs: 50 })
  assert.deepEqual(at(150, well, { calmSinceMs: 50 }), { kind: 'advance' })
  const last = { calmSinceMs: 50, waves: [wave(1), wave(1)], wave: 1 }
  assert.deepEqual(at(150, well, last), { kind: 'complete' })
})

test('a wave that is no longer well pauses anew', () => {
  const less = { applied: 10, succeeded: 8, failed: 0 }
  assert.deepEqual(at(120, less, { calmSinceMs: 50 }), { kind: 'stay', calmSinceMs: 0 })
})

test('too many failures end it at once, be they of waves before', () => {
  const failing = { applied: 10, succeeded: 8, failed: 2 }
  const decision = at(2, failing)
  assert.equal(decision.kind, 'fail')
  assert.match(decision.kind === 'fail' ? decision.reason : '', /2 of 10 in wave 1 failed/)
  const well = { applied: 10, succeeded: 10, failed: 0 }
  const before = at(2, well, {}, { applied: 20, succeeded: 15, failed: 5 })
  assert.match(before.kind === 'fail' ? before.reason : '', /5 of 20 in waves 1 to 1/)
})

test('a wave that does not succeed in its time ends it', () => {
  const slow = { applied: 10, succeeded: 3, failed: 0 }
  assert.equal(at(1000, slow).kind, 'stay')
  const late = at(1001, slow)
  assert.match(late.kind === 'fail' ? late.reason : '', /Only 3 of 10/)
})

test('in an empty wave nobody is waited for; one that nobody took pauses all the same', () => {
  const nobody = { applied: 0, succeeded: 0, failed: 0 }
  const empty = { waves: [wave(1, 0), wave(0)] }
  assert.deepEqual(at(5, nobody, empty), { kind: 'advance' })
  assert.deepEqual(at(5, nobody), { kind: 'stay', calmSinceMs: 5 })
})
