import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import type { BaselineCheck, BaselineRecord, EventHeader } from '../ingestion/record.ts'
import { CHECK_RESULTS, type DeviceBaseline, MAX_BENCHMARKS, MAX_CHECKS } from './baseline.ts'
import { BaselineStep } from './baseline-step.ts'
import { replaceSnapshot, snapshotsIn } from './snapshot.ts'

const HOUR_MS = 3_600_000

function check(fields: Partial<BaselineCheck> = {}): BaselineCheck {
  return {
    benchmark: '',
    id: 'CCE-14027-7',
    group: '',
    result: 'fail',
    severity: 'warning',
    error: '',
    description: 'RDS is blocked',
    remediation: '',
    ...fields,
  }
}

function record(checks: readonly BaselineCheck[], fields: Partial<EventHeader> = {}) {
  const header = {
    ref: { deviceId: 'pump-1' },
    era: 'legacy',
    timeMs: HOUR_MS,
    agentVersion: '0.0.6',
  }
  return { kind: 'baseline', hits: 1, checks, header: { ...header, ...fields } } as BaselineRecord
}

/** What a device's baseline is after these records. */
function after(records: readonly BaselineRecord[], before?: DeviceBaseline): DeviceBaseline {
  let known = before
  for (const one of records) {
    for (const snapshot of snapshotsIn(one)) known = replaceSnapshot(known, snapshot)
  }
  assert.ok(known)
  return known
}

const results = ({ checks }: DeviceBaseline) => checks.map(({ id, result }) => [id, result])

test('baseline: legacy agents and micro agents before 4.2 pass what they do not name any more', () => {
  const micro = { era: 'micro', agentVersion: '4.1.2' } as const
  for (const era of [{}, micro]) {
    const first = record([check({ id: 'CCE-1' }), check({ id: 'CCE-2' })], era)
    const second = record([check({ id: 'CCE-2' })], { ...era, timeMs: 2 * HOUR_MS })
    const { checks } = after([first, second])
    assert.deepEqual(
      checks.map(({ id, result }) => [id, result]),
      [
        ['CCE-1', 'pass'],
        ['CCE-2', 'fail'],
      ],
    )
    assert.deepEqual(
      checks.map(({ firstFailedMs, lastChangedMs }) => [firstFailedMs, lastChangedMs]),
      [
        [0, 2 * HOUR_MS],
        [HOUR_MS, HOUR_MS],
      ],
    )
    const none = after([first, record([], { ...era, timeMs: 3 * HOUR_MS })])
    assert.deepEqual(
      none.checks.map(({ result }) => result),
      ['pass', 'pass'],
    )
  }
})

test('baseline: agents that tell passes have only the checks that they name', () => {
  const micro = { era: 'micro', agentVersion: '4.2.4' } as const
  const first = record([check({ id: '1.1.2' }), check({ id: '1.1.3', result: 'pass' })], micro)
  const next = record([check({ id: '1.1.3', result: 'skip' })], { ...micro, timeMs: 2 * HOUR_MS })
  assert.deepEqual(results(after([first, next])), [['1.1.3', 'skip']])
  // Nothing at all says nothing.
  assert.deepEqual(snapshotsIn(record([], micro)), [])
  // An agent of our days names its benchmark, whatever its version.
  const own = record([check({ id: '1', benchmark: 'Custom:ABC' })], {
    ...micro,
    agentVersion: '0.1.0',
  })
  const [snapshot] = snapshotsIn(own)
  assert.equal(snapshot?.tellsPasses, true)
  assert.equal(snapshot?.benchmark, 'custom:abc')
})

test('baseline: an error never closes a failure', () => {
  const failed = record([check()])
  const broke = record([check({ result: 'error', error: 'no python' })], { timeMs: 2 * HOUR_MS })
  const [still] = after([failed, broke]).checks
  assert.equal(still?.result, 'fail')
  assert.equal(still?.error, 'no python')
  assert.equal(still?.firstFailedMs, HOUR_MS)
  assert.equal(still?.lastChangedMs, HOUR_MS)
  const [onlyBroke] = after([broke]).checks
  assert.equal(onlyBroke?.result, 'error')
  assert.equal(onlyBroke?.firstFailedMs, 0)
})

test('baseline: two checks of one CCE are two; a check named twice is as it was worst', () => {
  const two = [check({ description: 'IPv4' }), check({ description: 'IPv6', result: 'error' })]
  assert.equal(after([record(two)]).checks.length, 2)
  const micro = { era: 'micro', agentVersion: '4.2.4' } as const
  const twice = [
    check({ id: '1.1.2', result: 'pass' }),
    check({ id: 'CIS-debian-9-Filesystem-1.1.2' }),
  ]
  const { checks, benchmark } = after([record(twice, micro)])
  assert.deepEqual([benchmark, checks.length, checks[0]?.result], ['cis-dil-2.0.0', 1, 'fail'])
  assert.equal(checks[0]?.group, 'Filesystem')
})

test('baseline: what is switched off and not named stays, to be shown', () => {
  const micro = { era: 'micro', agentVersion: '4.2.4' } as const
  const before = after([record([check({ id: '3.3.5' }), check({ id: '1.1.2' })], micro)])
  const [snapshot] = snapshotsIn(
    record([check({ id: '1.1.2' })], { ...micro, timeMs: 2 * HOUR_MS }),
  )
  assert.ok(snapshot)
  const next = replaceSnapshot(before, snapshot, { groups: ['TCP_wrappers'], checks: [] })
  assert.deepEqual(results(next), [
    ['1.1.2', 'fail'],
    ['3.3.5', 'fail'],
  ])
})

test('baseline: a snapshot from before changes nothing, the same one twice neither', () => {
  const first = record([check()])
  const known = after([first])
  assert.deepEqual(after([first], known), known)
  assert.equal(after([record([], { timeMs: 1 })], known), known)
})

const anyCheck = fc
  .record({ id: fc.integer({ min: 1, max: 5 }), result: fc.constantFrom(...CHECK_RESULTS) })
  .map(({ id, result }) => check({ id: `1.1.${id}`, result }))

test('baseline: whatever comes, a failure has its first time, and nothing else has one', () => {
  const snapshots = fc.array(fc.array(anyCheck, { maxLength: 6 }), { minLength: 1, maxLength: 8 })
  const version = fc.constantFrom('3.11', '4.1.2', '4.2.4')
  fc.assert(
    fc.property(snapshots, version, (given, agentVersion) => {
      const micro = { era: 'micro', agentVersion } as const
      let known: DeviceBaseline | undefined
      for (const [at, checks] of given.entries()) {
        const timeMs = (at + 1) * HOUR_MS
        for (const snapshot of snapshotsIn(record(checks, { ...micro, timeMs }))) {
          const before = known
          known = replaceSnapshot(known, snapshot)
          for (const { id, result, firstFailedMs, lastChangedMs } of known.checks) {
            assert.equal(firstFailedMs > 0, result === 'fail')
            assert.ok(firstFailedMs <= timeMs && lastChangedMs <= timeMs)
            const old = before?.checks.find((one) => one.id === id)
            assert.equal(old?.result === result, old?.lastChangedMs === lastChangedMs)
          }
          assert.deepEqual(replaceSnapshot(known, snapshot), known)
        }
      }
    }),
    fuzzRuns(100),
  )
})

test('baseline: checks, texts and benchmarks of one device are bounded', async () => {
  const many = Array.from({ length: MAX_CHECKS + 5 }, (_, at) =>
    check({ id: `CCE-${at}`, description: `${at} ${'x'.repeat(2_000)}` }),
  )
  const kept = after([record(many)])
  assert.equal(kept.checks.length, MAX_CHECKS)
  assert.equal(kept.leftOut, 5)
  assert.ok(JSON.stringify(kept).length < 600_000)
  // What lost its texts is the same check the next time.
  const again = after([record(many, { timeMs: 2 * HOUR_MS })], kept)
  assert.equal(
    again.checks.every(({ lastChangedMs }) => lastChangedMs === HOUR_MS),
    true,
  )

  const step = new BaselineStep({ ofDevice: async () => [] })
  for (let at = 0; at <= MAX_BENCHMARKS; at++) {
    const one = check({ benchmark: `b${at}` })
    await step.take(record([one], { era: 'micro', timeMs: at + 1 }))
  }
  const { baselines, removedBaselines } = step.changes()
  assert.equal(baselines.length, MAX_BENCHMARKS)
  assert.deepEqual(removedBaselines, [{ deviceId: 'pump-1', benchmark: 'b0' }])
})
