import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alert, ids, recommendation } from '../../test/contracts/findings.ts'
import { FakeClock } from '../../test/fake-clock.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { Serial } from '../serial.ts'
import {
  EXPIRED_AT_ONCE,
  expireAlerts,
  expireRecommendations,
  REMOVED_DEVICE_DAYS,
} from './expiry.ts'

const DAY_MS = 24 * 3_600_000

test('closed alerts go after their time, however many; open ones and young ones stay', async () => {
  const [findings, clock] = [new MemoryFindingStore(), new FakeClock()]
  const agedDays = (id: string, days: number, status: 'Active' | 'Resolved') => {
    const timeMs = clock.now() - days * DAY_MS
    return alert(id, { status, startTimeMs: timeMs, endTimeMs: timeMs })
  }
  const old = Array.from({ length: EXPIRED_AT_ONCE + 1 }, (_, at) =>
    agedDays(`o${at}`, 366, 'Resolved'),
  )
  await findings.commit({
    alerts: [...old, agedDays('young', 364, 'Resolved'), agedDays('open', 4_000, 'Active')],
  })
  assert.equal(await expireAlerts({ findings, clock }, new Serial(), 365), old.length)
  assert.equal(ids((await findings.listAlerts({ limit: 10 })).items), 'young open')
})

test('recommendations of a removed device go after their time; those of devices that are there stay', async () => {
  const [findings, clock] = [new MemoryFindingStore(), new FakeClock()]
  const removedDays = (id: string, days: number) =>
    recommendation(id, { state: 'Resolved', deviceRemovedMs: clock.now() - days * DAY_MS })
  const old = Array.from({ length: EXPIRED_AT_ONCE + 1 }, (_, at) =>
    removedDays(`o${at}`, REMOVED_DEVICE_DAYS + 1),
  )
  const young = removedDays('young', REMOVED_DEVICE_DAYS - 1)
  const there = recommendation('there', { state: 'Resolved', stateChangedMs: 1 })
  await findings.commit({ recommendations: [...old, young, there] })
  assert.equal(await expireRecommendations({ findings, clock }, new Serial()), old.length)
  const { items } = await findings.listRecommendations({ limit: 10 })
  assert.equal(ids(items), 'young there')
})
