import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { recommendation } from './findings.ts'

/** What every FindingStore must do for recommendations that time changes, and for their counts. */
export function recommendationNotesContract(open: () => Promise<FindingStore>): void {
  const memory = (deviceId: string, dueMs?: number) => ({
    deviceId,
    values: { other: { dueMs: 1 }, ...(dueMs !== undefined && { recommendations: { dueMs } }) },
  })

  test('dueMemories: the longest waiting first, in pages, without those of which nothing is due', async () => {
    const store = await open()
    const memories = [
      ...[memory('a', 30), memory('b', 10), memory('c', 0), memory('d'), memory('', 20)],
      ...[memory('e', 10), memory('f', 31)],
    ]
    await store.commit({ memories })
    const first = await store.dueMemories(30, 3)
    assert.deepEqual(
      first.map(({ deviceId, dueMs }) => `${dueMs}${deviceId}`),
      ['10b', '10e', '20'],
    )
    const rest = await store.dueMemories(30, 3, first.at(-1))
    assert.deepEqual(rest, [{ deviceId: 'a', dueMs: 30 }])
    await store.commit({ memories: [memory('b', 40)] })
    await store.removeDevice('e')
    assert.deepEqual(
      (await store.dueMemories(30, 9)).map(({ deviceId }) => deviceId),
      ['', 'a'],
    )
    await assert.rejects(store.dueMemories(1, 0), { name: 'HubError', code: 'ArgumentInvalid' })
  })

  test('recommendationCounts: by type, state and severity, through every change', async () => {
    const store = await open()
    const other = { recommendationType: 'IoT_Baseline', deviceId: 'pump-2' }
    await store.commit({
      recommendations: [
        recommendation('a'),
        recommendation('b', { deviceId: 'pump-2' }),
        recommendation('c', { severity: 'High' }),
        recommendation('d', other),
      ],
    })
    const counts = async () =>
      (await store.recommendationCounts()).map(
        ({ recommendationType, state, severity, count }) =>
          `${recommendationType} ${state} ${severity} ${count}`,
      )
    assert.deepEqual(await counts(), [
      'IoT_Baseline Active Medium 1',
      'IoT_OpenPorts Active High 1',
      'IoT_OpenPorts Active Medium 2',
    ])
    await store.commit({
      recommendations: [
        recommendation('a', { state: 'Stale' }),
        recommendation('a', { state: 'Resolved' }),
        recommendation('c', { severity: 'Medium' }),
      ],
    })
    assert.deepEqual(await counts(), [
      'IoT_Baseline Active Medium 1',
      'IoT_OpenPorts Active Medium 2',
      'IoT_OpenPorts Resolved Medium 1',
    ])
    await store.removeDevice('pump-2')
    assert.deepEqual(await counts(), [
      'IoT_OpenPorts Active Medium 1',
      'IoT_OpenPorts Resolved Medium 1',
    ])
  })
}
