import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { alert, recommendation } from './findings.ts'

/** Which devices and types there is the most of. Called from each adapter's test of baselines. */
export function prevalenceContract(open: () => Promise<FindingStore>): void {
  test('prevalence: the most frequent of what is open, after every change', async () => {
    const store = await open()
    const none = { devices: [], alerts: [], recommendations: [] }
    assert.deepEqual(await store.prevalence(3), none)
    const one = { alertType: 'A', severity: 'High' } as const
    await store.commit({
      alerts: [
        alert('1', { ...one, deviceId: 'x' }),
        alert('2', { ...one, deviceId: 'y' }),
        alert('3', { ...one, deviceId: 'y', alertType: 'B' }),
        alert('4', { ...one, deviceId: 'z', status: 'Resolved' }),
      ],
      recommendations: [
        recommendation('R|x', { deviceId: 'x', recommendationType: 'R' }),
        recommendation('R|y', { deviceId: 'y', recommendationType: 'R', severity: 'Low' }),
        recommendation('S|y', { deviceId: 'y', recommendationType: 'S' }),
        recommendation('S|z', { deviceId: 'z', recommendationType: 'S' }),
        recommendation('S|u', { deviceId: 'u', recommendationType: 'S', state: 'Exempt' }),
      ],
    })
    const { severity } = recommendation('R|x')
    assert.deepEqual(await store.prevalence(2), {
      devices: [
        { deviceId: 'y', alerts: 2 },
        { deviceId: 'x', alerts: 1 },
      ],
      alerts: [
        { alertType: 'A', severity: 'High', alerts: 2 },
        { alertType: 'B', severity: 'High', alerts: 1 },
      ],
      recommendations: [
        { recommendationType: 'S', severity, devices: 2 },
        ...(severity < 'Low'
          ? [{ recommendationType: 'R', severity, devices: 1 }]
          : [{ recommendationType: 'R', severity: 'Low', devices: 1 }]),
      ],
    })
    await store.commit({
      alerts: [
        alert('1', { ...one, deviceId: 'x', status: 'Dismissed' }),
        alert('2', { ...one, deviceId: 'y', severity: 'Low' }),
        alert('4', { ...one, deviceId: 'z', status: 'Active' }),
      ],
    })
    assert.deepEqual((await store.prevalence(9)).alerts, [
      { alertType: 'A', severity: 'High', alerts: 1 },
      { alertType: 'A', severity: 'Low', alerts: 1 },
      { alertType: 'B', severity: 'High', alerts: 1 },
    ])
    for (const deviceId of ['x', 'y', 'z', 'u']) await store.removeDevice(deviceId)
    assert.deepEqual(await store.prevalence(3), none)
  })
}
