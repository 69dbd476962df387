import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type DeviceScore,
  MAX_HISTORY_DAYS,
  type PostureHistoryStore,
} from '../../src/posture/history-store.ts'

/** What every PostureHistoryStore must do. Each adapter calls this with a way to open an empty one. */
export function postureHistoryContract(open: () => Promise<PostureHistoryStore>): void {
  test('scores: totals follow devices as they come, change, move and go', async () => {
    const store = await open()
    assert.deepEqual(await store.totals(), NOBODY)
    await store.record(score('a', { score: 90, weight: 3, worst: 'High' }), 10)
    await store.record(score('b', { score: 50, worst: 'Low' }), 10)
    await store.record(score('c', { score: 10, group: 'press' }), 10)
    assert.deepEqual(await store.find('a'), score('a', { score: 90, weight: 3, worst: 'High' }))
    assert.equal(await store.find('x'), undefined)
    const all = { devices: 3, score: 330 / 5, high: 1, medium: 0, low: 1 }
    assert.deepEqual(await store.totals(), all)
    const pumps = { devices: 2, score: 320 / 4, high: 1, medium: 0, low: 1 }
    assert.deepEqual(await store.totals('pumps'), pumps)
    await store.record(score('a', { score: 70, group: 'press', worst: 'Medium' }), 11)
    assert.deepEqual(await store.totals('press'), {
      ...{ devices: 2, score: 40, high: 0, medium: 1, low: 0 },
    })
    await store.remove('b', 12)
    await store.remove('b', 12)
    assert.deepEqual(await store.totals('pumps'), NOBODY)
    const totals = { devices: 2, score: 40, high: 0, medium: 1, low: 0 }
    assert.deepEqual(await store.totals(), totals)
    assert.deepEqual(await store.groups({ limit: 10 }), {
      items: [{ group: 'press', ...totals }],
      continuationToken: null,
    })
  })

  test('scores: groups are listed in pages by name', async () => {
    const store = await open()
    for (const group of ['c', 'a', 'b', 'default']) await store.record(score(group, { group }), 1)
    const first = await store.groups({ limit: 3 })
    assert.deepEqual(
      first.items.map(({ group }) => group),
      ['a', 'b', 'c'],
    )
    assert.ok(first.continuationToken)
    const rest = await store.groups({ limit: 3, continuationToken: first.continuationToken })
    assert.deepEqual(
      rest.items.map(({ group }) => group),
      ['default'],
    )
    assert.equal(rest.continuationToken, null)
    await assert.rejects(store.groups({ limit: 0 }), { code: 'ArgumentInvalid' })
    await assert.rejects(store.groups({ limit: 1, continuationToken: 'x' }), {
      code: 'ArgumentInvalid',
    })
  })

  test('scores: history has how each day ended, and the last day before the asked ones', async () => {
    const store = await open()
    await store.record(score('a', { score: 90 }), 10)
    await store.record(score('a', { score: 80 }), 10)
    await store.record(score('b', { score: 40 }), 12)
    await store.record(score('a', { score: 60 }), 15)
    await store.remove('b', 16)
    assert.deepEqual(await store.deviceDays('a', 0), [
      { day: 10, score: 80 },
      { day: 15, score: 60 },
    ])
    assert.deepEqual(await store.deviceDays('a', 15), [
      { day: 10, score: 80 },
      { day: 15, score: 60 },
    ])
    assert.deepEqual(await store.deviceDays('b', 0), [])
    for (const group of [undefined, 'pumps']) {
      const days = await store.days(group, 13)
      assert.deepEqual(
        days.map(({ day, score: mean, devices }) => [day, mean, devices]),
        [
          [12, 60, 2],
          [15, 50, 2],
          [16, 60, 1],
        ],
      )
    }
    assert.deepEqual(await store.days('none', 0), [])
  })

  test('scores: old days go', async () => {
    const store = await open()
    await store.record(score('a', { score: 1 }), 1)
    await store.record(score('a', { score: 2 }), 2)
    await store.record(score('a', { score: 3 }), 2 + MAX_HISTORY_DAYS)
    const kept = [2 + MAX_HISTORY_DAYS]
    assert.deepEqual(
      (await store.deviceDays('a', 0)).map(({ day }) => day),
      kept,
    )
    assert.deepEqual(
      (await store.days(undefined, 0)).map(({ day }) => day),
      kept,
    )
    assert.deepEqual(
      (await store.days('pumps', 0)).map(({ day }) => day),
      kept,
    )
  })
}

const NOBODY = { devices: 0, score: null, high: 0, medium: 0, low: 0 }

export function score(deviceId: string, fields: Partial<DeviceScore> = {}): DeviceScore {
  return { deviceId, score: 50, group: 'pumps', weight: 1, worst: 'none', ...fields }
}
