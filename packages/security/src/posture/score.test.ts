import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NOW_MS, sampleAlert, sampleRecommendation } from '../../test/samples.ts'
import { type BaselineResult, postureScore } from './score.ts'

const DAY_MS = 24 * 3_600_000
const NONE = { pass: 0, fail: 0, error: 0 }

const baseline: BaselineResult = {
  critical: { pass: 40, fail: 2, error: 0 },
  important: NONE,
  warning: { pass: 0, fail: 10, error: 0 },
  informational: NONE,
  skip: 0,
  disabled: 0,
  evaluatedMs: NOW_MS,
}

const healthy = { recommendations: [], alerts: [], state: 'active' } as const

test('postureScore: the worked example of the specification comes to 83', () => {
  const input = {
    baseline,
    recommendations: [sampleRecommendation(), sampleRecommendation({ severity: 'Low' })],
    alerts: [sampleAlert({ endTimeMs: NOW_MS - 2 * DAY_MS })],
    state: 'active' as const,
  }
  assert.equal(postureScore(input, NOW_MS), 83)
})

test('postureScore: without a baseline, or with one of two weeks ago, half its part is given', () => {
  assert.equal(postureScore(healthy, NOW_MS), 83)
  const stale = { ...baseline, evaluatedMs: NOW_MS - 14 * DAY_MS - 1 }
  assert.equal(postureScore({ ...healthy, baseline: stale }, NOW_MS), 83)
  assert.equal(postureScore({ ...healthy, baseline }, NOW_MS), 97)
})

test('postureScore: a check that could not run counts as half a failure', () => {
  const half = { ...baseline, critical: { pass: 0, fail: 0, error: 1 }, warning: NONE }
  assert.equal(postureScore({ ...healthy, baseline: half }, NOW_MS), 83)
})

test('postureScore: what is closed, resolved or exempt costs nothing', () => {
  const closed = {
    ...healthy,
    alerts: [sampleAlert({ status: 'Resolved' }), sampleAlert({ status: 'Dismissed' })],
    recommendations: [
      sampleRecommendation({ state: 'Resolved' }),
      sampleRecommendation({ state: 'Exempt' }),
    ],
  }
  assert.equal(postureScore(closed, NOW_MS), postureScore(healthy, NOW_MS))
})

test('postureScore: alerts fade with age and never cost more than their part', () => {
  const at = (ageMs: number, count = 1) =>
    postureScore(
      {
        ...healthy,
        alerts: Array.from({ length: count }, () => sampleAlert({ endTimeMs: NOW_MS - ageMs })),
      },
      NOW_MS,
    )
  assert.deepEqual([at(DAY_MS), at(DAY_MS + 1), at(7 * DAY_MS + 1)], [73, 76, 79])
  assert.equal(at(0, 100), 63)
})

test('postureScore: an agent that is not well costs its part', () => {
  const states = ['active', 'pendingConfig', 'configError', 'silent', 'absent'] as const
  const scores = states.map((state) => postureScore({ ...healthy, state }, NOW_MS))
  assert.deepEqual(scores, [83, 78, 75, 73, 73])
})
