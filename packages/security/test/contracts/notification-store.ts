import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import type { Delivery } from '../../src/notifications/delivery.ts'
import { MAX_DEAD_LETTERS } from '../../src/notifications/limits.ts'
import type { NotificationStore, Progress } from '../../src/notifications/notification-store.ts'
import { EVERYTHING } from '../../src/notifications/route.ts'
import { allPages, ODD } from './findings.ts'

/** What every NotificationStore must do. Each adapter calls this with a way to open an empty one. */
export function notificationStoreContract(open: () => Promise<NotificationStore>): void {
  test('notifications: channels and routes come back as they were put', async () => {
    const store = await open()
    const settings = { url: 'https://a.example', secret: ODD }
    const channel = { id: 'soar', kind: 'webhook', description: ODD, isEnabled: true } as const
    const route = { ...EVERYTHING, id: 'all', channels: ['soar'] }
    await store.putChannel({ ...channel, settings: { url: 'https://b.example' } })
    await store.putChannel({ ...channel, settings })
    await store.putRoute({ ...route, limit: 1 })
    await store.putRoute(route)
    assert.deepEqual(await store.channels(), [{ ...channel, settings }])
    assert.deepEqual(await store.routes(), [route])
    await store.removeRoute('all')
    assert.deepEqual(await store.routes(), [])
  })

  test('notifications: a step is seen whole, and what waits keeps its order', async () => {
    const store = await open()
    assert.equal(await store.progress('a'), undefined)
    await store.commit('a', {
      progress: progress(3),
      put: [delivery(2), delivery(1), delivery(10)],
    })
    await store.commit('b', { progress: progress(7), put: [delivery(3, 'b')] })
    assert.deepEqual(await store.progress('a'), progress(3))
    assert.deepEqual([...(await store.channelsWithProgress())].sort(), ['a', 'b'])
    assert.deepEqual(await store.waiting('a', 0, 2), [delivery(1), delivery(2)])
    assert.deepEqual(await store.waiting('a', 2, 2), [delivery(10)])
    const tried = { ...delivery(2), attempts: 1, lastError: ODD }
    await store.commit('a', { progress: progress(4), put: [tried], remove: [delivery(1).id] })
    assert.deepEqual(await store.waiting('a', 0, 9), [tried, delivery(10)])
  })

  test('notifications: dead letters are found, paged, taken back and limited', async () => {
    const store = await open()
    const letter = (n: number, channel = 'a') => ({
      ...{ delivery: delivery(n, channel), deadMs: n, reason: ODD },
    })
    await store.commit('a', { progress: progress(1), dead: [letter(1), letter(2), letter(3)] })
    await store.commit('b', { progress: progress(1), dead: [letter(4, 'b')] })
    const list = (channelId?: string) =>
      allPages((token) =>
        store.deadLetters({ limit: 1, ...(channelId !== undefined && { channelId }), ...token }),
      )
    assert.deepEqual(await list(), [letter(4, 'b'), letter(3), letter(2), letter(1)])
    assert.deepEqual(await list('a'), [letter(3), letter(2), letter(1)])
    assert.deepEqual(await store.findDeadLetter(delivery(2).id), letter(2))
    await store.commit('a', {
      progress: progress(2),
      put: [delivery(5)],
      removeDead: [delivery(2).id],
    })
    assert.equal(await store.findDeadLetter(delivery(2).id), undefined)
    assert.equal(await store.countDeadLetters('a'), 2)
    const many = Array.from({ length: MAX_DEAD_LETTERS - 1 }, (_, n) => letter(100 + n))
    await store.commit('a', { progress: progress(3), dead: many })
    assert.equal(await store.countDeadLetters('a'), MAX_DEAD_LETTERS)
    assert.equal(await store.findDeadLetter(delivery(1).id), undefined)
    assert.deepEqual(await store.findDeadLetter(delivery(3).id), letter(3))
    assert.equal(await store.countDeadLetters('b'), 1)
    await assert.rejects(store.deadLetters({ limit: 0 }), HubError)
    await assert.rejects(store.deadLetters({ limit: 1, continuationToken: 'x' }), HubError)
  })

  test('notifications: a channel takes all that belongs to it along', async () => {
    const store = await open()
    for (const id of ['a', 'b']) {
      const dead = [{ delivery: delivery(2, id), deadMs: 1, reason: '' }]
      await store.commit(id, { progress: progress(1), put: [delivery(1, id)], dead })
    }
    await store.removeChannel('a')
    assert.deepEqual(await store.channelsWithProgress(), ['b'])
    assert.deepEqual(await store.waiting('a', 0, 9), [])
    assert.equal(await store.countDeadLetters('a'), 0)
    assert.equal((await store.waiting('b', 0, 9)).length, 1)
    assert.equal(await store.countDeadLetters('b'), 1)
  })

  test('notifications: drills are remembered until they are removed', async () => {
    const store = await open()
    const drill = { id: 'd', deviceId: ODD, startedMs: 1 }
    await store.putDrill({ ...drill, startedMs: 0 })
    await store.putDrill(drill)
    assert.deepEqual(await store.drills(), [drill])
    await store.removeDrill('d')
    assert.deepEqual(await store.drills(), [])
  })
}

function progress(cursor: number): Progress {
  return {
    ...{ cursor, lastNumber: cursor, windows: { [ODD]: { startMs: 1, endMs: 2, count: 3 } } },
    ...{ delivered: 1, deadLettered: 2, missed: 3, droppedDeadLetters: 4 },
    ...{ lastSuccessMs: 5, lastFailureMs: 6, lastFailure: ODD },
  }
}

function delivery(number: number, channelId = 'a'): Delivery {
  return {
    ...{ id: `${channelId}-${number}`, channelId, number, event: 'alert-opened', orderKey: ODD },
    ...{ severity: 'High', type: ODD, deviceId: ODD, createdMs: 1, attempts: 0, nextMs: 2 },
    lastError: '',
    body: { id: `${channelId}-${number}`, event: 'alert-opened', timeUtc: ODD, alert: { a: ODD } },
  }
}
