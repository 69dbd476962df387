import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseline, check, failing } from '../../test/baselines.ts'
import { complianceOf, openChecks } from './baseline.ts'
import { BaselineStep } from './baseline-step.ts'
import { CIS_CHECKS, cisCheck } from './catalogue-cis.ts'
import { LEGACY_CHECKS } from './catalogue-legacy.ts'
import { nameCheck } from './check-id.ts'
import { countBaseline, countGroups, resultOf, sumResults } from './counts.ts'
import { disabledChecks, isCheckDisabled } from './disabled-checks.ts'

const DAY_MS = 24 * 3_600_000

test('catalogues: 94 legacy audits and 237 controls, each with a group and our words', () => {
  assert.equal(LEGACY_CHECKS.length, 94)
  assert.equal(new Set(LEGACY_CHECKS.map(({ msid }) => msid)).size, 94)
  assert.equal(CIS_CHECKS.length, 237)
  assert.equal(new Set(CIS_CHECKS.map(({ number }) => number)).size, 237)
  for (const { group, title } of [...LEGACY_CHECKS, ...CIS_CHECKS]) {
    assert.ok(group.length > 2 && title.length > 5 && !title.includes('|'), title)
  }
  assert.deepEqual(cisCheck('4.1.4'), {
    ...{ number: '4.1.4', group: 'Auditing', title: 'What starts before auditd is audited' },
    ...{ isScored: true, level: 2 },
  })
})

test('nameCheck: numbers and groups of every spelling', () => {
  const named = (id: string, group = '') => Object.values(nameCheck({ id, group }))
  assert.deepEqual(named('CIS-debian-9-Filesystem-1.1.2'), ['1.1.2', 'Filesystem'])
  assert.deepEqual(named('3.3.5'), ['3.3.5', 'TCP Wrappers'])
  assert.deepEqual(named('3.3.5', 'Mine'), ['3.3.5', 'Mine'])
  const trial = 'DEFENDER_FOR_IOT_TEST_CHECKS'
  assert.deepEqual(named(`CIS-debian-9-${trial}-0.0`), ['0.0', trial])
  // A number that nobody knows is valid.
  assert.deepEqual(named('CIS-debian-9-New_Group-9.9.9'), ['9.9.9', 'New Group'])
  assert.deepEqual(named('CCE-14027-7'), ['CCE-14027-7', 'Network Protocols'])
  assert.deepEqual(named('desc:12'), ['desc:12', 'Other'])
})

test('disabledChecks: groups and numbers of the effective configuration, however they are written', () => {
  const disabled = disabledChecks({
    Baseline_GroupsDisabled: { value: 'Time Synchronization, network_parameters-host,' },
    Baseline_ChecksDisabled: { value: '3.3.5, CIS-debian-9-Filesystem-1.1.2' },
  })
  const isOff = (id: string, group = '') => isCheckDisabled({ id, group }, disabled)
  assert.deepEqual(
    ['2.2.1.1', '3.1.1', '3.3.5', '1.1.2', 'CIS-debian-9-TCP_Wrappers-3.3.5'].map((id) =>
      isOff(id),
    ),
    [true, true, true, true, true],
  )
  assert.deepEqual(
    [isOff('3.3.4'), isOff('3.2.1'), isOff('x', 'timesynchronization')],
    [...[false, false, true]],
  )
  assert.deepEqual(disabledChecks({}), { groups: [], checks: [] })
})

test('counts: what is switched off is in no other number, and in no score', () => {
  const checks = [
    check({ id: '1.1.2' }),
    failing({ id: '1.1.3', severity: 'critical' }),
    check({ id: '1.1.4', result: 'error' }),
    check({ id: '1.1.5', result: 'skip' }),
    failing({ id: '3.3.5', group: 'TCP Wrappers', severity: 'critical' }),
  ]
  const one = baseline({ checks, disabled: { groups: ['TCP wrappers'], checks: [] } })
  const counts = { pass: 1, fail: 1, error: 1, skip: 1, disabled: 1, assumedPass: 0 }
  assert.deepEqual(countBaseline(one), counts)
  assert.equal(complianceOf(counts), 1 / 3)
  assert.equal(complianceOf({ pass: 0, fail: 0, error: 0 }), undefined)
  assert.deepEqual(
    openChecks(one).map(({ id }) => id),
    ['1.1.3', '1.1.4'],
  )
  assert.deepEqual(resultOf(one).critical, { pass: 0, fail: 1, error: 0 })
  assert.deepEqual(
    countGroups(one).map(({ group }) => group),
    ['Filesystem', 'TCP Wrappers'],
  )
})

test('counts: agents that tell no passes have passed what they are known to check', () => {
  const assumable = LEGACY_CHECKS.filter(({ isUbuntuOnly }) => !isUbuntuOnly).length
  const none = baseline({ benchmark: 'oms-linux-1', tellsPasses: false, checks: [] })
  assert.equal(countBaseline(none).pass, assumable)
  const failed = failing({ id: 'CCE-4030-3' })
  const counts = countBaseline({ ...none, checks: [failed, failing({ id: 'desc:1' })] })
  assert.deepEqual(counts, {
    ...{ pass: assumable - 2, fail: 2, error: 0, skip: 0, disabled: 0 },
    assumedPass: assumable - 2,
  })
  // Nobody knows what a set of an operator's own holds.
  assert.equal(countBaseline({ ...none, benchmark: 'custom:1' }).pass, 0)
  assert.equal(countBaseline({ ...none, tellsPasses: true }).pass, 0)
})

test('sumResults: benchmarks together; one that was forgotten counts no more', () => {
  const at = (evaluatedMs: number) => resultOf(baseline({ checks: [failing()], evaluatedMs }))
  assert.equal(sumResults([]), undefined)
  assert.equal(sumResults([at(20 * DAY_MS), at(6 * DAY_MS)])?.warning.fail, 2)
  assert.equal(sumResults([at(20 * DAY_MS), at(6 * DAY_MS - 1)])?.warning.fail, 1)
})

test('BaselineStep: a run that comes out as before changes only its time', async () => {
  const stored = baseline({ benchmark: 'b', checks: [check({ group: 'Other' })] })
  const step = new BaselineStep({ ofDevice: async () => [stored] })
  const sent = { ...check({ group: 'Other' }), benchmark: 'b' }
  const header = { ref: { deviceId: 'pump-1' }, era: 'micro', timeMs: 9_000, agentVersion: '4.6' }
  await step.take({ kind: 'baseline', hits: 1, checks: [sent], header } as never)
  assert.deepEqual(step.changes(), {
    baselines: [],
    removedBaselines: [],
    repeatedBaselines: [{ deviceId: 'pump-1', benchmark: 'b', evaluatedMs: 9_000 }],
  })
})
