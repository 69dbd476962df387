import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alert, recommendation } from '../../test/contracts/findings.ts'
import { FakeClock } from '../../test/fake-clock.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { subjectOf } from './finding-change.ts'
import { REMOVED_NOTE, retireFindings } from './removed-device.ts'

test('all findings of the device are closed and put away, once, and nothing of a neighbour', async () => {
  const [findings, clock] = [new MemoryFindingStore(), new FakeClock()]
  const alerts = Array.from({ length: 150 }, (_, n) => alert(`a${n}`, { endTimeMs: n + 1_001 }))
  const dismissed = alert('dismissed', { status: 'Dismissed' })
  const other = alert('other', { deviceId: 'pump-10' })
  const recommendations = [
    recommendation('IoT_A|pump-1'),
    recommendation('IoT_B|pump-1', { state: 'Exempt', exemptUntilMs: 9 }),
    recommendation('IoT_C|pump-1', { state: 'Resolved' }),
    recommendation('IoT_A|pump-10', { deviceId: 'pump-10' }),
  ]
  await findings.commit({ alerts: [...alerts, dismissed, other], recommendations })
  const told = await findings.lastChange()
  assert.equal(await retireFindings({ findings, clock }, 'pump-1'), true)
  const removedMs = clock.now()
  const { openAlerts, activeRecommendations } = await findings.summary()
  assert.deepEqual([openAlerts.Medium, activeRecommendations.Medium], [1, 1])
  const first = await findings.findAlert('a0')
  assert.equal(first?.history.at(-1)?.note, REMOVED_NOTE)
  assert.equal((await findings.findAlert('dismissed'))?.status, 'Dismissed')
  assert.equal(await findings.findAlertByKey(dismissed.dedupeKey), undefined)
  const { items } = await findings.listRecommendations({ deviceId: 'pump-1', limit: 10 })
  assert.deepEqual(
    items.map(({ id, state, deviceRemovedMs }) => `${id} ${state} ${deviceRemovedMs}`).sort(),
    ['A', 'B', 'C'].map((name) => `IoT_${name}|pump-1|${removedMs} Resolved ${removedMs}`),
  )
  const changes = (await findings.changesAfter(told, 1_000)).map(subjectOf)
  const news = changes.filter(
    ({ kind, isExpected }) => kind === 'recommendation-resolved' && !isExpected,
  )
  assert.deepEqual(
    news.map(({ findingId }) => findingId),
    ['IoT_A|pump-1', 'IoT_B|pump-1'],
  )

  await clock.advance(1_000)
  const before = await findings.lastChange()
  assert.equal(await retireFindings({ findings, clock }, 'pump-1'), false)
  assert.equal(await findings.lastChange(), before)
})
