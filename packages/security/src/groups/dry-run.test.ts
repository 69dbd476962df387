import assert from 'node:assert/strict'
import { test } from 'node:test'
import { denying, openGroups as open } from '../../test/group-world.ts'
import { header } from '../../test/records.ts'
import type { EventRow } from '../data/event-store.ts'
import type { QueryEvents } from '../ingestion/replay.ts'
import { MAX_DRY_RUN_MS, MAX_PLACES } from './dry-run.ts'
import { readGroup } from './group-wire.ts'

/** Stored starts of a process, newest first, as a query gives them. */
function processes(count: number, exe: (at: number) => string, tickMs = 1_000): QueryEvents {
  const rows = Array.from({ length: count }, (_, at): EventRow => {
    const { era: _era, ...of } = header({ eventId: `e${at}`, timeMs: 1_000_000 - at * tickMs })
    const details = JSON.stringify({ Executable: exe(at), CommandLine: 'x' })
    return { ...of, details, row: 0, sequence: count - at }
  })
  return async ({ limit, fromMs = 0, toMs = Infinity, continuationToken = '0' }) => {
    const within = rows.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs)
    const start = Number(continuationToken)
    const items = within.slice(start, start + limit)
    const end = start + items.length
    return { items, continuationToken: end < within.length ? String(end) : null }
  }
}

test('dry run: counts per rule, names places and values, looks only at the group', async () => {
  const query = processes(60, (at) => (at % 2 === 0 ? '/bin/nc' : '/bin/sh'))
  const { platform, groups } = await open({ query })
  platform.addDevice('pump-1', { SecurityGroup: 'west' })
  const rules = denying('nc')
  const run = { group: 'west', rules, fromMs: 0, toMs: 2_000_000 }
  const outcome = await groups.dryRun.run(run)
  const [rule] = outcome.rules
  assert.deepEqual([rule?.ruleType, rule?.fired], ['ProcessDenied', 30])
  assert.equal(rule?.places.length, MAX_PLACES)
  const { deviceId, eventId, timeMs } = rule?.places[0] ?? assert.fail()
  assert.deepEqual([deviceId, eventId, timeMs], ['pump-1', 'e0', 1_000_000])
  assert.deepEqual(rule?.values, [{ value: '/bin/nc', count: 30 }])
  assert.deepEqual([outcome.events, outcome.devices, outcome.isComplete], [60, 1, true])
  const other = await groups.dryRun.run({ ...run, group: 'east' })
  assert.deepEqual([other.events, other.rules[0]?.fired, other.isComplete], [0, 0, true])
})

test('dry run: a window of an agent counts once, what the hub counts is not tried', async () => {
  const query = processes(60, () => '/bin/sh')
  const logins: QueryEvents = async (filter) => {
    const { items, continuationToken } = await query(filter)
    const details = JSON.stringify({ Result: 'Fail', UserName: 'root', Executable: '/bin/login' })
    return { items: items.map((row) => ({ ...row, name: 'Login', details })), continuationToken }
  }
  const { platform, groups } = await open({ query: logins })
  platform.addDevice('pump-1', { SecurityGroup: 'west' })
  const window = { isEnabled: true, maxThreshold: 5, timeWindowSize: 'PT1M' }
  const { draft: rules } = readGroup({
    timeWindowRules: [
      { ruleType: 'FailedLocalLoginsNotInAllowedRange', ...window },
      { ruleType: 'MqttD2CMessagesNotInAllowedRange', ...window },
    ],
  })
  const outcome = await groups.dryRun.run({ group: 'west', rules, fromMs: 0, toMs: 2_000_000 })
  const told = outcome.rules.map(({ ruleType, fired, values }) => [ruleType, fired, values])
  // One a second for a minute, which lies in two windows.
  const values = [{ value: 'more than 5', count: 2 }]
  assert.deepEqual(told, [['FailedLocalLoginsNotInAllowedRange', 2, values]])
})

test('dry run: one that was cut says so, and the next goes on where it ended', async () => {
  const all = processes(5_000, () => '/bin/nc', 10)
  let pages = 0
  const { clock, platform, groups } = await open({
    query: async (filter) => {
      if (++pages % 3 === 0) await clock.advance(MAX_DRY_RUN_MS)
      return all(filter)
    },
  })
  platform.addDevice('pump-1', { SecurityGroup: 'west' })
  const request = { group: 'west', rules: denying('nc'), fromMs: 0 }
  let [fired, toMs, runs] = [0, 2_000_000, 0]
  for (let isComplete = false; !isComplete; runs++) {
    const outcome = await groups.dryRun.run({ ...request, toMs })
    fired += outcome.rules[0]?.fired ?? 0
    assert.equal(outcome.isComplete, outcome.reason === '')
    assert.ok(outcome.coveredFromMs < toMs)
    isComplete = outcome.isComplete
    toMs = outcome.coveredFromMs
  }
  assert.ok(runs > 1)
  assert.equal(fired, 5_000)
})

test('dry run: an end before its beginning, and too many at once, are refused', async () => {
  const { groups } = await open()
  const request = { group: 'west', rules: denying('nc') }
  const refused = { code: 'ArgumentInvalid' }
  await assert.rejects(groups.dryRun.run({ ...request, fromMs: 5, toMs: 5 }), refused)
  const runs = await Promise.allSettled([1, 2, 3].map(() => groups.dryRun.run(request)))
  const outcomes = runs.map((run) => run.status === 'rejected' && run.reason.code)
  assert.deepEqual(outcomes, [false, false, 'ServiceUnavailable'])
})
