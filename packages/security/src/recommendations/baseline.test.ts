import assert from 'node:assert/strict'
import { test } from 'node:test'
import { header } from '../../test/records.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import type { BaselineCheck, BaselineRecord } from '../ingestion/record.ts'
import { baseline, benchmarkChecks, CHECK_PREFIX, MAX_CHECK_RECOMMENDATIONS } from './baseline.ts'
import { assess } from './recommendation.ts'

const NOTHING_OFF = { groups: [], checks: [] }

function check(id: string, result: BaselineCheck['result']): BaselineCheck {
  const texts = { error: '', description: '', remediation: '' }
  return { benchmark: '', id, group: '', result, severity: 'warning', ...texts }
}

function run(checks: readonly BaselineCheck[]): BaselineRecord {
  return { kind: 'baseline', header: header({ era: 'micro' }), checks } as BaselineRecord
}

/** What is known after a check failed. */
function known(id: string) {
  const [verdict] = benchmarkChecks.evaluateAll(run([check(id, 'fail')]), [], NOTHING_OFF)
  assert.ok(verdict)
  const found = assess(undefined, verdict.type, verdict.assessment, { deviceId: 'd', timeMs: 1 })
  assert.ok(found)
  return found
}

test('checks: what fails beyond the limit opens nothing, and is not resolved either', () => {
  const checks = Array.from({ length: MAX_CHECK_RECOMMENDATIONS + 5 }, (_, at) =>
    check(`1.${at}`, 'fail'),
  )
  const last = known(`1.${MAX_CHECK_RECOMMENDATIONS + 4}`)
  const verdicts = benchmarkChecks.evaluateAll(run(checks), [last], NOTHING_OFF)
  assert.equal(verdicts.length, MAX_CHECK_RECOMMENDATIONS)
  assert.ok(verdicts.every(({ assessment }) => !assessment.isGood))
})

test('checks: an error never closes, a pass and an absence do', () => {
  const types = (checks: readonly BaselineCheck[]) =>
    benchmarkChecks
      .evaluateAll(run(checks), [known('1.1')], NOTHING_OFF)
      .filter(({ assessment }) => assessment.isGood)
      .map(({ type }) => type.recommendationType)
  assert.deepEqual(types([check('1.1', 'error')]), [])
  assert.deepEqual(types([check('1.1', 'pass')]), [`${CHECK_PREFIX}1.1`])
  assert.deepEqual(types([check('1.2', 'pass')]), [`${CHECK_PREFIX}1.1`])
  assert.equal(baseline.evaluate(run([]), DEFAULT_GROUP_SETTINGS, {} as never), undefined)
})
