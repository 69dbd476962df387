import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { alert } from '../../test/contracts/findings.ts'
import { settle } from '../../test/fake-clock.ts'
import {
  addChannel,
  type NotificationWorld,
  newNotificationWorld,
  startNotifications,
} from '../../test/notification-world.ts'
import { FIRST_PAUSE_MS } from './limits.ts'
import type { Notifications } from './notifications.ts'

async function tell(world: NotificationWorld, ...ids: readonly string[]): Promise<void> {
  await world.findings.commit({ alerts: ids.map((id) => alert(id)) })
  world.feed.wake()
  await settle()
}

function arrived(world: NotificationWorld, channel: string): readonly string[] {
  return world.transports.get(channel)?.delivered.map(({ orderKey }) => orderKey) ?? []
}

/** A channel with one dead letter, whose other end works again. */
async function withDeadLetter(world: NotificationWorld, notifications: Notifications) {
  await addChannel(notifications, 'soar')
  const transport = world.transports.get('soar')
  assert.ok(transport)
  transport.fail = () => ({ reason: 'HTTP 400', isPermanent: true })
  await tell(world, 'a')
  transport.fail = () => undefined
  const [letter] = (await notifications.deadLetters({ limit: 1 })).items
  assert.ok(letter)
  return letter.delivery.id
}

test('two who retry or discard one dead letter at once: one does, the other is told that it is gone', async () => {
  const world = newNotificationWorld()
  const notifications = await startNotifications(world)
  const id = await withDeadLetter(world, notifications)
  const calls = [
    notifications.retryDeadLetter(id),
    notifications.retryDeadLetter(id),
    notifications.discardDeadLetter(id),
  ]
  const outcomes = await Promise.allSettled(calls)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  )
  await world.clock.advance(2 * FIRST_PAUSE_MS)
  assert.deepEqual(arrived(world, 'soar'), ['a'])
  await notifications.close()
})

test('a dead letter that is retried while its channel changes is sent, and once', async () => {
  const world = newNotificationWorld()
  const notifications = await startNotifications(world)
  const id = await withDeadLetter(world, notifications)
  await Promise.all([
    notifications.changeChannel('soar', { description: 'busy', settings: {} }),
    notifications.retryDeadLetter(id),
    notifications.changeChannel('soar', { description: 'busier', settings: {} }),
  ])
  await world.clock.advance(2 * FIRST_PAUSE_MS)
  assert.deepEqual(arrived(world, 'soar'), ['a'])
  assert.equal(notifications.status()[0]?.deadLetters, 0)
  await notifications.close()
})

test('a change that cannot be stored leaves the channel as it was, at work', async () => {
  const world = newNotificationWorld()
  const notifications = await startNotifications(world)
  await addChannel(notifications, 'soar')
  const broken = async () => {
    throw new HubError('ServiceUnavailable', 'The disk is busy.')
  }
  const { putChannel } = world.store
  world.store.putChannel = broken
  const change = { description: 'new', settings: {} }
  await assert.rejects(notifications.changeChannel('soar', change), /busy/)
  world.store.putChannel = putChannel
  assert.equal(notifications.channel('soar').description, '')
  await tell(world, 'a')
  assert.deepEqual(arrived(world, 'soar'), ['a'])

  await notifications.removeRoute('soar')
  const { removeChannel } = world.store
  world.store.removeChannel = broken
  await assert.rejects(notifications.removeChannel('soar'), /busy/)
  world.store.removeChannel = removeChannel
  await notifications.removeChannel('soar')
  assert.deepEqual(notifications.channels(), [])
  await notifications.close()
})

test('a route may be called like a member of every object', async () => {
  const world = newNotificationWorld()
  const notifications = await startNotifications(world)
  await addChannel(notifications, 'constructor', { limit: 1, windowSeconds: 10 })
  await tell(world, 'a', 'b')
  assert.deepEqual(arrived(world, 'constructor'), ['a'])
  await world.clock.advance(10_000)
  assert.deepEqual(arrived(world, 'constructor'), ['a', 'summary constructor'])
  await notifications.close()
})

test('what left the feed before a channel came to it is counted, and the rest is told', async () => {
  const world = newNotificationWorld()
  const first = await startNotifications(world)
  await addChannel(first, 'soar')
  await first.close()
  await tell(world, 'a', 'b', 'c')
  const { changesAfter } = world.findings
  world.findings.changesAfter = async (sequence, limit) =>
    changesAfter.call(world.findings, Math.max(sequence, 2), limit)
  const second = await startNotifications(world)
  await settle()
  assert.deepEqual(arrived(world, 'soar'), ['c'])
  assert.equal(second.status()[0]?.missed, 2)
  await second.close()
  const third = await startNotifications(world)
  assert.equal(third.status()[0]?.missed, 2)
  await third.close()
})
