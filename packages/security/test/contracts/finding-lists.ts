import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  AlertFilter,
  FindingStore,
  RecommendationFilter,
} from '../../src/data/finding-store.ts'
import type { Alert } from '../../src/detection/alert.ts'
import type { Recommendation } from '../../src/recommendations/recommendation.ts'
import { alert, allPages, ids, recommendation } from './findings.ts'

type Open = () => Promise<FindingStore>

/** Orders and filters of the lists. */
export function findingListContract(open: Open): void {
  orderContract(open)
  filterContract(open)
}

function orderContract(open: Open): void {
  test('listAlerts: newest end first, then by id, whatever the order of arrival', async () => {
    const store = await open()
    const ends = { d: 30, b: 10, c: 30, a: 30, e: 20, f: -5, g: 0 }
    const alerts = Object.entries(ends).map(([id, endTimeMs]) => alert(id, { endTimeMs }))
    await store.commit({ alerts })
    assert.deepEqual(ids((await store.listAlerts({ limit: 9 })).items), 'a c d e b g f')
    await store.commit({ alerts: [alert('b', { endTimeMs: 40 })] })
    assert.deepEqual(ids((await store.listAlerts({ limit: 9 })).items), 'b a c d e g f')
  })

  test('listRecommendations: last changed first, then by id', async () => {
    const store = await open()
    const changes = { d: 30, b: 10, c: 30, a: 30 }
    const recommendations = Object.entries(changes).map(([id, stateChangedMs]) =>
      recommendation(id, { stateChangedMs }),
    )
    await store.commit({ recommendations })
    assert.deepEqual(ids((await store.listRecommendations({ limit: 9 })).items), 'a c d b')
  })

  test('openAlerts: Active and InProgress of this device only, newest first, so many', async () => {
    const store = await open()
    await store.commit({
      alerts: [
        alert('a', { endTimeMs: 1 }),
        alert('b', { endTimeMs: 3, status: 'InProgress' }),
        alert('c', { endTimeMs: 2 }),
        alert('d', { endTimeMs: 9, status: 'Resolved' }),
        alert('e', { endTimeMs: 9, status: 'Dismissed' }),
        alert('f', { endTimeMs: 9, deviceId: 'pump-10' }),
      ],
    })
    assert.equal(ids(await store.openAlerts('pump-1', 9)), 'b c a')
    assert.equal(ids(await store.openAlerts('pump-1', 2)), 'b c')
  })

  test('findAlertByKey: the newest with exactly this key, whatever its status', async () => {
    const store = await open()
    const dedupeKey = 'pump-1|IoT_Bruteforce|root'
    await store.commit({
      alerts: [
        alert('a', { dedupeKey, endTimeMs: 5 }),
        alert('b', { dedupeKey, endTimeMs: 7, status: 'Dismissed' }),
        alert('c', { dedupeKey: `${dedupeKey}x`, endTimeMs: 9 }),
      ],
    })
    assert.equal((await store.findAlertByKey(dedupeKey))?.id, 'b')
    assert.equal(await store.findAlertByKey('pump-1|IoT_Bruteforce|roo'), undefined)
  })
}

const STATUSES = ['Active', 'InProgress', 'Resolved', 'Dismissed'] as const
const STATES = ['Active', 'Resolved', 'Stale', 'Exempt'] as const
const SEVERITIES = ['Informational', 'Low', 'Medium', 'High'] as const

function filterContract(open: Open): void {
  test('listAlerts: every combination of filters finds just what it says', async () => {
    const store = await open()
    const alerts = combine<Partial<Alert>>(
      ['pump-1', 'pump-10'].map((deviceId) => ({ deviceId })),
      ['IoT_Bruteforce', 'IoT_Mining', 'IoT'].map((alertType) => ({ alertType })),
      STATUSES.map((status) => ({ status })),
      SEVERITIES.map((severity) => ({ severity })),
    ).map((fields, index) => {
      const startTimeMs = (index % 7) * 100
      const endTimeMs = startTimeMs + (index % 5) * 100
      return alert(`a${1_000 + index}`, { ...fields, startTimeMs, endTimeMs })
    })
    await store.commit({ alerts })
    const filters = combine<Partial<AlertFilter>>(
      [{}, { deviceId: 'pump-1' }],
      [{}, { alertType: 'IoT_Bruteforce' }],
      [{}, { status: 'InProgress' }],
      [{}, { severity: 'High' }],
      [{}, { fromMs: 400 }, { toMs: 600 }, { fromMs: 100, toMs: 700 }],
    )
    let different = new Set<string>()
    for (const filter of filters) {
      const expected = ids(alerts.filter((one) => isAsked(one, filter)).sort(newestFirst))
      different = different.add(expected)
      const found = await allPages((token) => store.listAlerts({ limit: 7, ...filter, ...token }))
      assert.equal(ids(found), expected, JSON.stringify(filter))
    }
    assert.ok(different.size > filters.length / 2, 'the filters hardly differ')
  })

  test('listRecommendations: every combination of filters finds just what it says', async () => {
    const store = await open()
    const recommendations = combine<Partial<Recommendation>>(
      ['pump-1', 'pump-10'].map((deviceId) => ({ deviceId })),
      ['IoT_OpenPorts', 'IoT_Baseline'].map((type) => ({ recommendationType: type })),
      STATES.map((state) => ({ state })),
      SEVERITIES.map((severity) => ({ severity })),
    ).map((fields, index) =>
      recommendation(`r${1_000 + index}`, { ...fields, stateChangedMs: index % 7 }),
    )
    await store.commit({ recommendations })
    const filters = combine<Partial<RecommendationFilter>>(
      [{}, { deviceId: 'pump-1' }],
      [{}, { recommendationType: 'IoT_Baseline' }],
      [{}, { state: 'Exempt' }],
      [{}, { severity: 'High' }],
    )
    for (const filter of filters) {
      const expected = recommendations
        .filter((one) => hasFields(one, filter))
        .sort(lastChangedFirst)
      assert.ok(expected.length > 0)
      const found = await allPages((token) =>
        store.listRecommendations({ limit: 7, ...filter, ...token }),
      )
      assert.equal(ids(found), ids(expected), JSON.stringify(filter))
    }
  })

  test('listAlerts: from is the end at the earliest, to comes after the start', async () => {
    const store = await open()
    await store.commit({ alerts: [alert('a', { startTimeMs: 1_000, endTimeMs: 2_000 })] })
    const isFound = async (span: Partial<AlertFilter>) =>
      (await store.listAlerts({ limit: 1, ...span })).items.length === 1
    assert.equal(await isFound({ fromMs: 2_000 }), true)
    assert.equal(await isFound({ fromMs: 2_001 }), false)
    assert.equal(await isFound({ toMs: 1_001 }), true)
    assert.equal(await isFound({ toMs: 1_000 }), false)
    assert.equal(await isFound({ fromMs: 1_400, toMs: 1_500 }), true)
  })

  test('lists: a filter is a value, not a pattern or a piece of SQL', async () => {
    const store = await open()
    await store.commit({ alerts: [alert('a')], recommendations: [recommendation('r')] })
    for (const text of ["x' OR '1'='1", '%', 'pump-_', 'PUMP-1', '']) {
      assert.deepEqual((await store.listAlerts({ limit: 9, deviceId: text })).items, [])
      assert.deepEqual((await store.listAlerts({ limit: 9, alertType: text })).items, [])
      const { items } = await store.listRecommendations({ limit: 9, recommendationType: text })
      assert.deepEqual(items, [])
    }
  })
}

/** Every choice of one from each list, as one object. */
function combine<T extends object>(...lists: readonly (readonly T[])[]): T[] {
  return lists.reduce<T[]>(
    (chosen, list) => chosen.flatMap((one) => list.map((other) => ({ ...one, ...other }))),
    [{} as T],
  )
}

function isAsked(one: Alert, { fromMs, toMs, ...fields }: Partial<AlertFilter>): boolean {
  if (fromMs !== undefined && one.endTimeMs < fromMs) return false
  if (toMs !== undefined && one.startTimeMs >= toMs) return false
  return hasFields(one, fields)
}

function hasFields(one: object, fields: object): boolean {
  return Object.entries(fields).every(([key, value]) => Reflect.get(one, key) === value)
}

function newestFirst(a: Alert, b: Alert): number {
  return b.endTimeMs - a.endTimeMs || (a.id < b.id ? -1 : 1)
}

function lastChangedFirst(a: Recommendation, b: Recommendation): number {
  return b.stateChangedMs - a.stateChangedMs || (a.id < b.id ? -1 : 1)
}
