import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceWindows } from '../../src/activity/windows.ts'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { alert } from './findings.ts'

const counted = (deviceId: string, count = 3): DeviceWindows => ({
  deviceId,
  open: [{ ruleType: 'MqttD2CMessagesNotInAllowedRange', startMs: 900_000, sizeMs: 60_000, count }],
})

/** What a FindingStore keeps of the hub's activity. */
export function findingActivityContract(open: () => Promise<FindingStore>): void {
  test('activity: windows come back page by page, change and go; the place only grows', async () => {
    const store = await open()
    const { activity } = store
    assert.equal(await activity.eventSequence(), 0)
    assert.deepEqual(await activity.windows(10), [])
    const windows = ['pump-3', 'pump-1', 'pump-2'].map((id) => counted(id))
    await store.commit({ alerts: [alert('a')], activity: { eventSequence: 7, windows } })
    assert.deepEqual(await activity.windows(2), [counted('pump-1'), counted('pump-2')])
    assert.deepEqual(await activity.windows(2, 'pump-2'), [counted('pump-3')])
    const changed = [counted('pump-1', 9), { deviceId: 'pump-2', open: [] }]
    await store.commit({ activity: { eventSequence: 5, windows: changed } })
    assert.deepEqual(await activity.windows(10), [counted('pump-1', 9), counted('pump-3')])
    assert.equal(await activity.eventSequence(), 7)
    await store.commit({})
    assert.equal(await activity.eventSequence(), 7)
    await store.removeDevice('pump-1')
    assert.deepEqual(await activity.windows(10), [counted('pump-3')])
  })

  test('summary: an alert about the hub counts among the alerts, not among the devices', async () => {
    const store = await open()
    await store.commit({
      alerts: [alert('a', { deviceId: '' }), alert('b', { deviceId: 'pump-1' })],
    })
    const { openAlerts, devicesWithOpenAlerts } = await store.summary()
    const all = Object.values(openAlerts).reduce((sum, count) => sum + count, 0)
    assert.deepEqual([all, devicesWithOpenAlerts], [2, 1])
    const { devices } = await store.prevalence(10)
    assert.deepEqual(
      devices.map(({ deviceId }) => deviceId),
      ['pump-1'],
    )
    const { items } = await store.listAlerts({ deviceId: '', limit: 10 })
    assert.deepEqual(
      items.map(({ id }) => id),
      ['a'],
    )
  })
}
