import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { baseline, check, failing } from '../../test/baselines.ts'
import { NOW_MS, sampleAlert, sampleRecommendation } from '../../test/samples.ts'
import { CHECK_RESULTS, CHECK_SEVERITIES, type DeviceBaseline } from '../baseline/baseline.ts'
import { resultOf, sumResults } from '../baseline/counts.ts'
import { MODULE_STATES } from '../modules/state.ts'
import { type ExplainInput, explainScore, MAX_LOSSES } from './explain.ts'
import { postureScore, type ScoreInput } from './score.ts'

const DAY_MS = 24 * 3_600_000

function input(baselines: readonly DeviceBaseline[], rest: Partial<ScoreInput> = {}): ExplainInput {
  const counted = sumResults(baselines.map(resultOf))
  const healthy = { recommendations: [], alerts: [], state: 'active' } as const
  return { ...healthy, ...(counted && { baseline: counted }), baselines, ...rest }
}

const of = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, at) => `${prefix}.${at + 1}`)

test('explainScore: the worked example of the specification comes to 83, and says why', () => {
  const checks = [
    ...of(40, '5.4').map((id) => check({ id, severity: 'critical' })),
    ...of(2, '5.2').map((id) => failing({ id, severity: 'critical' })),
    ...of(10, '1.1').map((id) => failing({ id })),
  ]
  const given = input([baseline({ checks, evaluatedMs: NOW_MS })], {
    recommendations: [sampleRecommendation(), sampleRecommendation({ id: 'x', severity: 'Low' })],
    alerts: [sampleAlert({ endTimeMs: NOW_MS - 2 * DAY_MS })],
  })
  const explained = explainScore(given, NOW_MS)
  assert.equal(explained.score, 83)
  assert.equal(explained.rounding, 0.18)
  assert.deepEqual(
    explained.parts.map(({ part, points, lost }) => [part, points, lost]),
    [
      ['baseline', 31.82, 3.18],
      ['recommendations', 28, 7],
      ['alerts', 13, 7],
      ['health', 10, 0],
    ],
  )
  const [ofBaseline, ofRecommendations, ofAlerts, ofHealth] = explained.parts
  assert.deepEqual(
    ofBaseline?.losses.slice(0, 3).map(({ id, points }) => [id, points]),
    [
      ['5.2.1', 0.79],
      ['5.2.2', 0.79],
      ['1.1.1', 0.15],
    ],
  )
  assert.deepEqual(
    ofRecommendations?.losses.map(({ id, points }) => [id, points]),
    [
      ['IoT_OpenPorts|pump-1', 5.25],
      ['x', 1.75],
    ],
  )
  assert.deepEqual(
    ofAlerts?.losses.map(({ points }) => points),
    [7],
  )
  assert.deepEqual(ofHealth?.losses, [])
})

const anyInput = fc
  .record({
    checks: fc.array(
      fc.record({
        severity: fc.constantFrom(...CHECK_SEVERITIES),
        result: fc.constantFrom(...CHECK_RESULTS),
      }),
      { maxLength: 60 },
    ),
    ageMs: fc.integer({ min: 0, max: 20 * DAY_MS }),
    severities: fc.array(fc.constantFrom('High', 'Medium', 'Low', 'Informational'), {
      maxLength: 30,
    }),
    ages: fc.array(fc.integer({ min: 0, max: 10 * DAY_MS }), { maxLength: 30 }),
    state: fc.constantFrom(...MODULE_STATES),
  })
  .map(({ checks, ageMs, severities, ages, state }) => {
    const named = checks.map((fields, at) => check({ ...fields, id: `1.${at}` }))
    const baselines = [baseline({ checks: named, evaluatedMs: NOW_MS - ageMs })]
    return input(checks.length === 0 ? [] : baselines, {
      state,
      recommendations: severities.map((severity, at) =>
        sampleRecommendation({ id: `${at}`, severity }),
      ),
      alerts: ages.map((age, at) => sampleAlert({ id: `${at}`, endTimeMs: NOW_MS - age })),
    })
  })

test('explainScore: whatever the device is like, the points add up to its score exactly', () => {
  const exact = (points: number) => Math.round(points * 100)
  const sum = (all: readonly number[]) => all.reduce((total, one) => total + exact(one), 0)
  fc.assert(
    fc.property(anyInput, (given) => {
      const { score, parts, rounding } = explainScore(given, NOW_MS)
      assert.equal(score, postureScore(given, NOW_MS))
      assert.equal(sum(parts.map(({ points }) => points)) + exact(rounding), score * 100)
      assert.ok(Math.abs(rounding) <= 0.52, `${rounding}`)
      for (const { weight, points, lost, losses, others } of parts) {
        assert.equal(exact(points) + exact(lost), weight * 100)
        assert.equal(sum(losses.map((loss) => loss.points)) + exact(others.points), exact(lost))
        assert.ok(losses.length <= MAX_LOSSES && others.points >= 0 && others.count >= 0)
        if (lost > 0) assert.ok(losses.length > 0, 'what is lost has a reason')
        const costs = losses.map((loss) => loss.points)
        assert.deepEqual(
          costs,
          [...costs].sort((a, b) => b - a),
        )
      }
    }),
    fuzzRuns(300),
  )
})
