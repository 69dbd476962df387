import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { MAX_CHANGES } from '../../src/data/finding-limits.ts'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { subjectOf } from '../../src/findings/finding-change.ts'
import { alert, ODD, recommendation } from './findings.ts'

/** What every FindingStore must say about what changed. Part of `findingStoreContract`. */
export function findingFeedContract(open: () => Promise<FindingStore>): void {
  test('feed: each commit appends what it changed, with what was before', async () => {
    const store = await open()
    assert.deepEqual([await store.changesAfter(0, 10), await store.lastChange()], [[], 0])
    const first = alert(ODD, { severity: 'Low' })
    const second = { ...first, count: 4, severity: 'High' as const }
    const third = { ...second, status: 'Resolved' as const }
    const wanted = recommendation('r')
    await store.commit({ alerts: [first], recommendations: [wanted], cursor: 1 })
    await store.commit({ alerts: [second] })
    await store.commit({ alerts: [third] })
    assert.deepEqual(await store.changesAfter(0, 10), [
      { sequence: 1, alert: first },
      { sequence: 2, recommendation: wanted },
      { sequence: 3, before: { status: 'Active', severity: 'Low', count: 3 }, alert: second },
      { sequence: 4, before: { status: 'Active', severity: 'High', count: 4 }, alert: third },
    ])
    assert.equal(await store.lastChange(), 4)
    const page = await store.changesAfter(1, 2)
    assert.deepEqual(page.map(subjectOf), [
      {
        ...{ kind: 'recommendation-opened', findingId: 'r', deviceId: 'pump-1' },
        ...{ type: 'IoT_OpenPorts', severity: 'Medium' },
      },
      {
        ...{ kind: 'alert-updated', findingId: ODD, deviceId: 'pump-1' },
        ...{ type: 'IoT_Bruteforce', severity: 'High' },
      },
    ])
  })

  test('feed: what is stored as it was is no change', async () => {
    const store = await open()
    await store.commit({ alerts: [alert('a')], recommendations: [recommendation('r')] })
    await store.commit({ alerts: [alert('a')], recommendations: [recommendation('r')], cursor: 9 })
    assert.equal(await store.lastChange(), 2)
  })

  test('feed: a commit that is refused appends nothing', async () => {
    const store = await open()
    const broken = alert('b', { endTimeMs: Number.NaN })
    await assert.rejects(store.commit({ alerts: [alert('a'), broken] }))
    assert.deepEqual(await store.changesAfter(0, 10), [])
  })

  test('feed: what is said about a device that was removed stays', async () => {
    const store = await open()
    await store.commit({ alerts: [alert('a')] })
    await store.removeDevice('pump-1')
    assert.deepEqual(await store.changesAfter(0, 10), [{ sequence: 1, alert: alert('a') }])
    assert.equal(await store.findAlert('a'), undefined)
  })

  test('feed: the newest are kept, and their numbers say how many went', async () => {
    const store = await open()
    const step = 2_000
    for (let n = 0; n <= MAX_CHANGES; n += step) {
      const alerts = Array.from({ length: step }, (_, at) => alert(`a${n + at}`))
      await store.commit({ alerts })
    }
    const last = await store.lastChange()
    assert.equal(last, MAX_CHANGES + step)
    const [oldest] = await store.changesAfter(0, 1)
    assert.equal(oldest?.sequence, last - MAX_CHANGES + 1)
  })

  test('feed: a limit out of range is refused', async () => {
    const store = await open()
    for (const limit of [0, 1_001, 1.5]) {
      await assert.rejects(store.changesAfter(0, limit), HubError)
    }
  })
}
