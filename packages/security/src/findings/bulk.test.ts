import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { alert } from '../../test/contracts/findings.ts'
import { FakeClock } from '../../test/fake-clock.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { Serial } from '../serial.ts'
import { AggregatedAlerts } from './aggregated.ts'
import { BulkChanges, MAX_BULK_ALERTS } from './bulk.ts'

const DAY_MS = 24 * 3_600_000

async function open(count = 3) {
  const findings = new MemoryFindingStore()
  const clock = new FakeClock()
  const alerts = Array.from({ length: count }, (_, at) =>
    alert(`a${at}`, {
      deviceId: `pump-${at}`,
      assignee: '',
      startTimeMs: 5 * DAY_MS,
      endTimeMs: 5 * DAY_MS + at,
    }),
  )
  await findings.commit({ alerts })
  const touched: string[] = []
  const bulk = new BulkChanges({ findings, clock }, new Serial(), (id) => void touched.push(id))
  const aggregated = new AggregatedAlerts({ findings, clock, bulk })
  return { findings, clock, bulk, aggregated, touched }
}

const dismiss = { status: 'Dismissed', note: 'scanner' } as const

test('bulk: by a filter, page by page; each alert gets one entry of its history', async () => {
  const { findings, bulk, touched } = await open(250)
  const request = { change: dismiss, isDryRun: false }
  const filter = { status: 'Active', limit: 200 } as const
  const first = await bulk.run({ ...request, filter }, 'owner')
  assert.deepEqual([first.matched, first.changed, first.refusedCount], [200, 200, 0])
  assert.ok(first.continuationToken)
  const next = { ...filter, continuationToken: first.continuationToken }
  const second = await bulk.run({ ...request, filter: next }, 'owner')
  assert.deepEqual([second.changed, second.continuationToken], [50, null])
  const { items } = await findings.listAlerts({ limit: 1_000 })
  for (const { history, status } of items) {
    assert.equal(status, 'Dismissed')
    assert.deepEqual(
      history.map(({ by, note }) => [by, note]),
      [
        ['engine', ''],
        ['owner', 'scanner'],
      ],
    )
  }
  assert.equal(new Set(touched).size, 250)
})

test('bulk: ids one by one: what is refused is named, what is so already is left', async () => {
  const { findings, bulk } = await open()
  await findings.commit({ alerts: [alert('a1', { status: 'Resolved' }), alert('a2', dismiss)] })
  const ids = ['a0', 'a1', 'a2', 'a0', 'nothing']
  const outcome = await bulk.run({ ids, change: dismiss, isDryRun: false }, 'owner')
  assert.deepEqual([outcome.matched, outcome.changed, outcome.unchanged], [4, 1, 1])
  assert.deepEqual(outcome.refused, [
    { id: 'a1', reason: 'An alert that is Resolved can become Active, not Dismissed.' },
    { id: 'nothing', reason: 'There is no such alert.' },
  ])
})

test('bulk: a dry run only counts; an assignee and a note alone are changes too', async () => {
  const { findings, bulk } = await open()
  const filter = { limit: 10 }
  const dry = await bulk.run({ filter, change: dismiss, isDryRun: true }, 'owner')
  assert.deepEqual([dry.matched, dry.changed], [3, 0])
  const change = { assignee: 'robin', note: 'mine' }
  await bulk.run({ filter, change, isDryRun: false }, 'owner')
  const again = await bulk.run({ filter, change: { assignee: 'robin' }, isDryRun: false }, 'owner')
  assert.deepEqual([again.changed, again.unchanged], [0, 3])
  const found = await findings.findAlert('a0')
  assert.deepEqual(
    [found?.status, found?.assignee, found?.notes.at(-1)?.text],
    ['Active', 'robin', 'mine'],
  )
})

test('bulk: both or neither of ids and filter, and too many ids, are refused', async () => {
  const { bulk } = await open()
  const isWrong = (error: unknown) => error instanceof HubError && error.code === 'ArgumentInvalid'
  const rest = { change: dismiss, isDryRun: false }
  await assert.rejects(bulk.run(rest, 'owner'), isWrong)
  await assert.rejects(bulk.run({ ...rest, ids: [], filter: { limit: 1 } }, 'owner'), isWrong)
  const ids = Array.from({ length: MAX_BULK_ALERTS + 1 }, (_, at) => `${at}`)
  await assert.rejects(bulk.run({ ...rest, ids }, 'owner'), isWrong)
})

test('aggregated: one record per type and day, with what was done about it', async () => {
  const { findings, aggregated, clock } = await open()
  await findings.commit({
    alerts: [
      alert('b', {
        alertType: 'IoT_WebShell',
        severity: 'High',
        startTimeMs: 6 * DAY_MS,
        endTimeMs: 6 * DAY_MS,
      }),
      alert('c', { status: 'Resolved', startTimeMs: 6 * DAY_MS, endTimeMs: 6 * DAY_MS }),
    ],
  })
  const list = await aggregated.list(5 * DAY_MS, 6 * DAY_MS + 1)
  assert.deepEqual(
    list.map(({ name, count, severity, actionTaken }) => [name, count, severity, actionTaken]),
    [
      ['IoT_Bruteforce/1970-01-07', 1, 'Medium', 'Resolved'],
      ['IoT_WebShell/1970-01-07', 1, 'High', ''],
      ['IoT_Bruteforce/1970-01-06', 3, 'Medium', ''],
    ],
  )
  const author = { by: 'owner', note: 'a test' }
  assert.deepEqual(await aggregated.dismiss('IoT_Bruteforce', '1970-01-06', author), {
    dismissed: 3,
    isComplete: true,
  })
  assert.equal((await aggregated.get('IoT_Bruteforce', '1970-01-06')).actionTaken, 'Dismissed')
  assert.equal((await findings.findAlert('c'))?.status, 'Resolved', 'of another day')
  await findings.commit({
    alerts: [alert('late', { startTimeMs: 5 * DAY_MS, endTimeMs: 6 * DAY_MS })],
  })
  assert.equal((await aggregated.get('IoT_Bruteforce', '1970-01-06')).actionTaken, '')
  assert.ok(clock.now() > 7 * DAY_MS)
  assert.ok(list.every(({ isNew }) => !isNew))
})

test('aggregated: wrong dates, spans and names are refused', async () => {
  const { aggregated } = await open()
  const code = (expected: string) => (error: unknown) =>
    error instanceof HubError && error.code === expected
  await assert.rejects(aggregated.get('IoT_Bruteforce', 'today'), code('ArgumentInvalid'))
  await assert.rejects(aggregated.get('IoT_Bruteforce', '1970-13-01'), code('ArgumentInvalid'))
  await assert.rejects(aggregated.get('IoT_Nothing', '1970-01-06'), code('GenericNotFound'))
  await assert.rejects(aggregated.list(0, 31 * DAY_MS), code('ArgumentInvalid'))
  await assert.rejects(aggregated.list(DAY_MS, 0), code('ArgumentInvalid'))
})
