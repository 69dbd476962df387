import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FindingStore } from '../../src/data/finding-store.ts'
import type { Alert } from '../../src/detection/alert.ts'
import { alert, allPages, ids } from './findings.ts'

const DAY_MS = 24 * 3_600_000

function onDay(id: string, day: number, fields: Partial<Alert> = {}): Alert {
  const startTimeMs = day * DAY_MS + 5
  return alert(id, { startTimeMs, endTimeMs: startTimeMs + 10, ...fields })
}

/** What a FindingStore counts by day, and what it forgets by age. */
export function findingDayContract(open: () => Promise<FindingStore>): void {
  test('days: counts follow every change of an alert, and go with the last one', async () => {
    const store = await open()
    await store.commit({ alerts: [onDay('a', 3), onDay('b', 3), onDay('c', 4)] })
    await store.commit({ alerts: [onDay('b', 3, { status: 'Dismissed', severity: 'High' })] })
    const about = { alertType: 'IoT_Bruteforce', severity: 'Medium', status: 'Active' } as const
    assert.deepEqual(await store.days.counts({ fromDay: 3, toDay: 4 }), [
      { ...about, day: 4, count: 1 },
      { ...about, day: 3, severity: 'High', status: 'Dismissed', count: 1 },
      { ...about, day: 3, count: 1 },
    ])
    // Earlier evidence came late.
    await store.commit({ alerts: [onDay('c', 4, { startTimeMs: 3 * DAY_MS })] })
    assert.deepEqual(await store.days.counts({ fromDay: 4, toDay: 4 }), [])
    await store.removeDevice('pump-1')
    assert.deepEqual(await store.days.counts({ fromDay: 0, toDay: 9 }), [])
    await store.close()
  })

  test('days: counts are those of the alerts, whatever was committed in which order', async () => {
    const change = fc.record({
      id: fc.constantFrom('a', 'b', 'c'),
      day: fc.integer({ min: 1, max: 3 }),
      status: fc.constantFrom<Alert['status']>('Active', 'InProgress', 'Resolved', 'Dismissed'),
      alertType: fc.constantFrom('IoT_A', 'IoT_B'),
    })
    const store = await open()
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
        await store.removeDevice('pump-1')
        for (const { id, day, ...rest } of changes) {
          await store.commit({ alerts: [onDay(id, day, rest)] })
        }
        const last = new Map(changes.map((each) => [each.id, each]))
        for (const alertType of ['IoT_A', 'IoT_B']) {
          for (const day of [1, 2, 3]) {
            const counts = await store.days.counts({ fromDay: day, toDay: day, alertType })
            const sum = counts.reduce((total, { count }) => total + count, 0)
            const own = [...last.values()].filter((e) => e.day === day && e.alertType === alertType)
            assert.equal(sum, own.length)
          }
        }
      }),
      { numRuns: 10 },
    )
    await store.close()
  })

  test('days: devices of a type and day, page by page', async () => {
    const store = await open()
    const alerts = ['a', 'b', 'c', 'd'].map((deviceId) => onDay(deviceId, 3, { deviceId }))
    const more = onDay('a2', 3, { deviceId: 'a', status: 'Resolved', endTimeMs: 3 * DAY_MS + 99 })
    await store.commit({ alerts: [...alerts, more, onDay('x', 4, { deviceId: 'x' })] })
    const about = { alertType: 'IoT_Bruteforce', day: 3, limit: 2 }
    const devices = await allPages((token) => store.days.devices({ ...about, ...token }))
    assert.deepEqual(
      devices.map(({ deviceId, alerts, open }) => [deviceId, alerts, open]),
      [
        ['a', 2, 1],
        ['b', 1, 1],
        ['c', 1, 1],
        ['d', 1, 1],
      ],
    )
    assert.equal(devices[0]?.lastMs, 3 * DAY_MS + 99)
    await store.close()
  })

  test('listAlerts: those that began at a time or later', async () => {
    const store = await open()
    await store.commit({
      alerts: [onDay('a', 3), onDay('b', 4), onDay('c', 2, { endTimeMs: 9 * DAY_MS })],
    })
    const about = { startedFromMs: 3 * DAY_MS, toMs: 4 * DAY_MS, limit: 10 }
    assert.equal(ids((await store.listAlerts(about)).items), 'a')
    await store.close()
  })

  test('expireAlerts: closed ones by age, the oldest first, and never an open one', async () => {
    const store = await open()
    const closed = (id: string, endTimeMs: number, status: Alert['status'] = 'Resolved') =>
      alert(id, { startTimeMs: 1, endTimeMs, status })
    await store.commit({
      alerts: [
        ...[closed('a', 10), closed('b', 20, 'Dismissed'), closed('c', 30), closed('d', 40)],
        ...[closed('open', 5, 'Active'), closed('taken', 5, 'InProgress')],
      ],
    })
    assert.equal(await store.expireAlerts(40, 2), 2)
    assert.equal(ids((await store.listAlerts({ limit: 10 })).items), 'd c open taken')
    assert.equal(await store.expireAlerts(40, 2), 1)
    assert.equal(await store.expireAlerts(40, 2), 0)
    await store.close()
  })
}
