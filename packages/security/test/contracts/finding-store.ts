import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import type { FindingBatch, FindingStore } from '../../src/data/finding-store.ts'
import type { Alert } from '../../src/detection/alert.ts'
import { findingActivityContract } from './finding-activity.ts'
import { findingDayContract } from './finding-days.ts'
import { findingFeedContract } from './finding-feed.ts'
import { findingListContract } from './finding-lists.ts'
import { findingNoiseContract } from './finding-noise.ts'
import { findingPageContract } from './finding-pages.ts'
import { agent, alert, contents, ids, ODD, recommendation, rejection } from './findings.ts'
import { rejectionContract } from './rejections.ts'

/** What every FindingStore must do. Each adapter calls this with a way to open an empty one. */
export function findingStoreContract(open: () => Promise<FindingStore>): void {
  commitContract(open)
  findingListContract(open)
  findingPageContract(open)
  findingFeedContract(open)
  findingNoiseContract(open)
  findingDayContract(open)
  findingActivityContract(open)
  rejectionContract(open)
  summaryContract(open)
  removeContract(open)
  removedContract(open)
}

function commitContract(open: () => Promise<FindingStore>): void {
  test('commit: everything comes back exactly as it was stored', async () => {
    const store = await open()
    const given = { alert: alert(ODD), recommendation: recommendation('IoT_OpenPorts|pump-1') }
    const memory = JSON.parse('{"a":[1.5,null,{"b":true}],"__proto__":{"c":""}}')
    await store.commit({
      alerts: [given.alert],
      recommendations: [given.recommendation],
      agents: [agent('pump-1')],
      memories: [{ deviceId: 'pump-1', values: memory }],
      rejections: [{ ...rejection(1), reason: ODD, excerpt: ODD }],
    })
    assert.deepEqual(await store.findAlert(ODD), given.alert)
    assert.deepEqual(await store.findAlertByKey(given.alert.dedupeKey), given.alert)
    assert.deepEqual((await store.listAlerts({ limit: 1 })).items, [given.alert])
    assert.deepEqual(await store.openAlerts('pump-1', 1), [given.alert])
    assert.deepEqual(await store.findRecommendation('IoT_OpenPorts|pump-1'), given.recommendation)
    assert.deepEqual((await store.listRecommendations({ limit: 1 })).items, [given.recommendation])
    assert.deepEqual(await store.findAgent('pump-1'), agent('pump-1'))
    assert.deepEqual(await store.findMemory('pump-1'), { deviceId: 'pump-1', values: memory })
    const { items } = await store.listRejections({ limit: 1 })
    const { id = 0, ...stored } = items[0] ?? {}
    assert.deepEqual(stored, { ...rejection(1), reason: ODD, excerpt: ODD })
    assert.ok(Number.isSafeInteger(id))
  })

  test('agents are found by the time of their last message, a page at a time', async () => {
    const store = await open()
    const times = { a: 30, b: 10, c: 20, d: 20, e: 40 }
    const agents = Object.entries(times).map(([id, lastMessageMs]) => agent(id, { lastMessageMs }))
    await store.commit({ agents })
    await store.commit({ agents: [agent('b', { lastMessageMs: 35 })] })
    const page = (lastMessageMs: number, deviceId: string, limit: number) =>
      store.agentsByLastMessage({ after: { lastMessageMs, deviceId }, throughMs: 35, limit })
    const idsOf = (found: readonly { deviceId: string }[]) => found.map(({ deviceId }) => deviceId)
    assert.deepEqual(idsOf(await page(0, '', 10)), ['c', 'd', 'a', 'b'])
    assert.deepEqual(idsOf(await page(0, '', 1)), ['c'])
    assert.deepEqual(idsOf(await page(20, 'c', 2)), ['d', 'a'])
    assert.deepEqual(idsOf(await page(35, 'b', 2)), [])
    assert.deepEqual((await page(30, '', 1))[0], agent('a', { lastMessageMs: 30 }))
  })

  test('find: what was never stored is undefined', async () => {
    const store = await open()
    await store.commit({ alerts: [alert('a')], agents: [agent('pump-1')] })
    assert.equal(await store.findAlert('A'), undefined)
    assert.equal(await store.findAlertByKey(''), undefined)
    assert.equal(await store.findRecommendation('a'), undefined)
    assert.equal(await store.findAgent('pump-10'), undefined)
    assert.equal(await store.findMemory('pump-1'), undefined)
    assert.deepEqual(await store.openAlerts('pump-10', 5), [])
  })

  test('commit: the same id, or the same device, replaces what was there', async () => {
    const store = await open()
    const memory = { deviceId: 'pump-1', values: { a: 1 } }
    const first = [alert('a'), recommendation('r'), agent('pump-1')] as const
    await store.commit({ alerts: [first[0]], recommendations: [first[1]], agents: [first[2]] })
    await store.commit({ memories: [memory] })
    const later = alert('a', { status: 'Resolved', severity: 'High', endTimeMs: 9_000, count: 4 })
    const resolved = recommendation('r', { state: 'Resolved', stateChangedMs: 9_000 })
    const batch = {
      alerts: [later],
      recommendations: [resolved],
      agents: [agent('pump-1', { events: 8 })],
    }
    await store.commit({ ...batch, memories: [{ deviceId: 'pump-1', values: { b: 2 } }] })
    assert.deepEqual((await store.listAlerts({ limit: 9 })).items, [later])
    assert.deepEqual((await store.listAlerts({ limit: 9, status: 'Active' })).items, [])
    assert.deepEqual((await store.listRecommendations({ limit: 9 })).items, [resolved])
    assert.equal((await store.findAgent('pump-1'))?.events, 8)
    assert.deepEqual((await store.findMemory('pump-1'))?.values, { b: 2 })
  })

  test('commit: what the caller changes later does not reach the store', async () => {
    const store = await open()
    const values = { list: [1] }
    await store.commit({ memories: [{ deviceId: 'pump-1', values }] })
    values.list.push(2)
    assert.deepEqual((await store.findMemory('pump-1'))?.values, { list: [1] })
  })

  test('commit: one broken member, and nothing of the batch is there', async () => {
    const store = await open()
    await store.commit({ ...full('before', 'pump-1'), cursor: 5 })
    const devices = ['pump-1', 'pump-2']
    const before = await contents(store, devices)
    for (const broken of brokenBatches()) {
      await assert.rejects(store.commit(broken))
      assert.deepEqual(await contents(store, devices), before)
    }
    await store.commit({ ...full('after', 'pump-2'), cursor: 6 })
    assert.equal((await contents(store, devices)).alerts.length, 2)
  })

  test('commit: an empty batch changes nothing', async () => {
    const store = await open()
    await store.commit({})
    assert.deepEqual((await contents(store, [])).alerts, [])
  })

  test('cursor: starts at 0, moves with a batch and never goes back', async () => {
    const store = await open()
    assert.equal(await store.cursor(), 0)
    await store.commit({ cursor: 7 })
    await store.commit({ alerts: [alert('a')] })
    assert.equal(await store.cursor(), 7)
    await store.commit({ cursor: 3, alerts: [alert('b')] })
    assert.equal(await store.cursor(), 7)
    assert.deepEqual(await store.findAlert('b'), alert('b'))
    await store.commit({ cursor: 2 ** 40 })
    assert.equal(await store.cursor(), 2 ** 40)
  })

  test('cursor: of many commits at once the highest stays', async () => {
    const store = await open()
    const cursors = [4, 9, 1, 8, 3]
    await Promise.all(
      cursors.map((cursor) => store.commit({ cursor, alerts: [alert(`a${cursor}`)] })),
    )
    assert.equal(await store.cursor(), 9)
    assert.equal((await store.listAlerts({ limit: 9 })).items.length, 5)
  })

  test('close: may be called twice; afterwards everything is refused', async () => {
    const store = await open()
    const committed = store.commit({ cursor: 1 })
    await store.close()
    await committed
    await store.close()
    await assert.rejects(store.commit({ cursor: 2 }), isUnavailable)
    await assert.rejects(store.listAlerts({ limit: 1 }), isUnavailable)
    await assert.rejects(store.summary(), isUnavailable)
  })
}

function summaryContract(open: () => Promise<FindingStore>): void {
  test('summary: of an empty store is all zero', async () => {
    const store = await open()
    const none = { Informational: 0, Low: 0, Medium: 0, High: 0 }
    assert.deepEqual(await store.summary(), {
      openAlerts: none,
      activeRecommendations: none,
      devicesWithOpenAlerts: 0,
    })
  })

  test('summary: counts what is open or active through every change', async () => {
    const store = await open()
    const counted = async () => {
      const { openAlerts, activeRecommendations, devicesWithOpenAlerts } = await store.summary()
      const text = (counts: object) => Object.values(counts).join('')
      return `${text(openAlerts)} ${text(activeRecommendations)} ${devicesWithOpenAlerts}`
    }
    const put = async (...alerts: Alert[]) => {
      await store.commit({ alerts })
      return counted()
    }
    assert.equal(await put(alert('a'), alert('b', { severity: 'High' })), '0011 0000 1')
    assert.equal(await put(alert('c', { deviceId: 'pump-10' })), '0021 0000 2')
    assert.equal(await put(alert('d', { deviceId: 'x', status: 'Dismissed' })), '0021 0000 2')
    assert.equal(await put(alert('a', { count: 99, status: 'InProgress' })), '0021 0000 2')
    assert.equal(await put(alert('a', { severity: 'Low' })), '0111 0000 2')
    assert.equal(await put(alert('c', { status: 'Resolved' })), '0101 0000 1')
    assert.equal(await put(alert('a', { deviceId: 'pump-3' })), '0011 0000 2')
    assert.equal(await put(alert('d', { severity: 'Informational' })), '1011 0000 2')
    assert.equal(await put(alert('a', { status: 'Dismissed' })), '1001 0000 1')
    assert.equal(await put(alert('a', { deviceId: 'pump-3', severity: 'High' })), '1002 0000 2')
    await store.commit({ recommendations: [recommendation('r'), recommendation('s')] })
    assert.equal(await counted(), '1002 0020 2')
    const exempt = recommendation('r', { state: 'Exempt', severity: 'High' })
    await store.commit({ recommendations: [exempt, recommendation('s', { severity: 'Low' })] })
    assert.equal(await counted(), '1002 0100 2')
    await store.commit({ recommendations: [{ ...exempt, state: 'Active' }] })
    assert.equal(await counted(), '1002 0101 2')
    await store.removeDevice('pump-1')
    assert.equal(await counted(), '0001 0000 1')
  })
}

function removeContract(open: () => Promise<FindingStore>): void {
  test('removeDevice: takes everything of the device and nothing of its neighbours', async () => {
    const store = await open()
    const devices = ['pump-1', 'pump-10', 'PUMP-1']
    for (const deviceId of devices) await store.commit(full(`of ${deviceId}`, deviceId))
    await store.commit({ cursor: 4 })
    await store.removeDevice('pump-1')
    const left = await contents(store, devices)
    const deviceIds = (items: readonly { readonly deviceId: string }[]) =>
      items.map(({ deviceId }) => deviceId).sort()
    assert.deepEqual(deviceIds(left.alerts), ['PUMP-1', 'pump-10'])
    assert.deepEqual(deviceIds(left.recommendations), ['PUMP-1', 'pump-10'])
    assert.deepEqual(deviceIds(left.rejections.map(({ ref }) => ref)), ['PUMP-1', 'pump-10'])
    assert.deepEqual(left.devices[0], [undefined, undefined, []])
    assert.deepEqual(left.devices[1]?.[0], agent('pump-10'))
    assert.deepEqual(left.devices[1]?.[1], { deviceId: 'pump-10', values: { a: 1 } })
    assert.equal(left.summary.devicesWithOpenAlerts, 2)
    assert.equal(left.cursor, 4)
    await store.removeDevice('pump-1')
    await store.removeDevice('%')
    assert.deepEqual(await contents(store, devices), left)
  })
}

function removedContract(open: () => Promise<FindingStore>): void {
  test('removeDevice: what is marked as of a removed device stays', async () => {
    const store = await open()
    const kept = alert('kept', { status: 'Resolved', deviceRemovedMs: 5 })
    const old = recommendation('old', { state: 'Resolved', deviceRemovedMs: 5 })
    await store.commit({ alerts: [kept, alert('a')], recommendations: [old, recommendation('r')] })
    await store.removeDevice('pump-1')
    assert.deepEqual((await store.listAlerts({ limit: 9 })).items, [kept])
    assert.deepEqual((await store.listRecommendations({ limit: 9 })).items, [old])
  })

  test('expireRecommendations: only those of removed devices, the oldest first', async () => {
    const store = await open()
    const removed = (id: string, deviceRemovedMs: number) => recommendation(id, { deviceRemovedMs })
    const all = [removed('c', 30), removed('a', 10), removed('b', 20), removed('d', 40)]
    await store.commit({ recommendations: [...all, recommendation('there')] })
    const left = async () => ids((await store.listRecommendations({ limit: 9 })).items)
    assert.equal(await store.expireRecommendations(40, 2), 2)
    assert.equal(await left(), 'c d there')
    assert.equal(await store.expireRecommendations(40, 2), 1)
    assert.equal(await store.expireRecommendations(40, 2), 0)
    assert.equal(await left(), 'd there')
  })
}

/** One of everything, for the device. */
function full(id: string, deviceId: string): FindingBatch {
  return {
    alerts: [alert(id, { deviceId })],
    recommendations: [recommendation(id, { deviceId })],
    agents: [agent(deviceId)],
    memories: [{ deviceId, values: { a: 1 } }],
    rejections: [rejection(1, deviceId)],
  }
}

/** Each replaces and adds much before the member that cannot be stored. */
function brokenBatches(): FindingBatch[] {
  const good = { ...full('before', 'pump-2'), cursor: 99 }
  const loop: Record<string, string> = {}
  Object.assign(loop, { loop })
  const timeless = alert('z', { endTimeMs: Number.NaN })
  return [
    { ...good, alerts: [...(good.alerts ?? []), timeless] },
    { ...good, recommendations: [recommendation('z', { stateChangedMs: Number.NaN })] },
    { ...good, alerts: [alert('y'), alert('z', { startTimeMs: 1.5 })] },
    { ...good, agents: [agent('pump-1', { events: 9 }), { ...agent('pump-2'), ...loop }] },
    { ...good, memories: [{ deviceId: 'pump-1', values: loop }] },
    { ...good, alerts: [alert('y'), alert('z', { extendedProperties: loop })] },
  ]
}

function isUnavailable(error: unknown): boolean {
  return error instanceof HubError && error.code === 'ServiceUnavailable'
}
