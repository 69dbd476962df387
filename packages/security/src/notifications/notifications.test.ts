import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { alert, recommendation } from '../../test/contracts/findings.ts'
import { settle } from '../../test/fake-clock.ts'
import {
  addChannel,
  newNotificationWorld,
  startNotifications,
} from '../../test/notification-world.ts'
import { RecordingTransport } from '../../test/recording-transport.ts'
import { MAX_AGE_MS, MAX_CHANNELS, MAX_PAUSE_MS } from './limits.ts'

async function open() {
  const world = newNotificationWorld()
  const notifications = await startNotifications(world)
  const transport = (id: string) => {
    const found = world.transports.get(id) ?? new RecordingTransport()
    world.transports.set(id, found)
    return found
  }
  const commit = async (...alerts: ReturnType<typeof alert>[]) => {
    await world.findings.commit({ alerts })
    world.feed.wake()
    await settle()
  }
  const arrived = (id: string) =>
    transport(id).delivered.map(({ event, orderKey }) => `${event} ${orderKey}`)
  return { ...world, notifications, transport, commit, arrived }
}

test('a new channel is told what comes from now on, in order', async () => {
  const { notifications, commit, arrived } = await open()
  await commit(alert('before'))
  await addChannel(notifications, 'soar')
  await commit(alert('a'), alert('b'))
  await commit(alert('a', { count: 4 }))
  await commit(alert('a', { count: 4, status: 'Resolved' }))
  assert.deepEqual(arrived('soar'), [
    ...['alert-opened a', 'alert-opened b', 'alert-updated a', 'alert-status-changed a'],
  ])
  await notifications.close()
})

test('routes choose by severity, type, kind, device and group; recommendations too', async () => {
  const world = newNotificationWorld()
  const notifications = await startNotifications(world, { 'pump-1': 'plant-2' })
  await addChannel(notifications, 'high', { minimumSeverity: 'High' })
  await addChannel(notifications, 'type', { types: ['IoT_*Ports', 'x'] })
  await addChannel(notifications, 'kind', { kinds: ['alert-opened'] })
  await addChannel(notifications, 'device', { devices: ['valve-?'] })
  await addChannel(notifications, 'group', { groups: ['PLANT-2'] })
  const far = alert('far', { deviceId: 'valve-1', severity: 'High' })
  await world.findings.commit({ alerts: [alert('a'), far], recommendations: [recommendation('r')] })
  world.feed.wake()
  await settle()
  const told = (id: string) => world.transports.get(id)?.delivered.map(({ orderKey }) => orderKey)
  assert.deepEqual(told('high'), ['far'])
  assert.deepEqual(told('type'), ['r'])
  assert.deepEqual(told('kind'), ['a', 'far'])
  assert.deepEqual(told('device'), ['far'])
  assert.deepEqual(told('group'), ['a', 'r'])
  await notifications.close()
})

test('what is expected is not told: maintenance, and more of what was dismissed', async () => {
  const { notifications, commit, arrived } = await open()
  await addChannel(notifications, 'soar')
  await commit(alert('maintenance', { status: 'Resolved' }), alert('a'))
  await commit(alert('a', { status: 'Dismissed' }))
  await commit(alert('a', { status: 'Dismissed', count: 9 }))
  assert.deepEqual(arrived('soar'), ['alert-opened a', 'alert-status-changed a'])
  await notifications.close()
})

test('a failing channel tries one at a time, later and later, and delays no other', async () => {
  const { notifications, clock, commit, transport, arrived } = await open()
  await addChannel(notifications, 'dead')
  await addChannel(notifications, 'alive')
  transport('dead').fail = () => ({ reason: 'connection refused' })
  await commit(alert('a'), alert('b'), alert('c'))
  assert.equal(arrived('alive').length, 3)
  assert.equal(transport('dead').attempts, 3)
  // Chance says one half: three quarters of 1 s, 2 s, 4 s …
  await clock.advance(749)
  assert.equal(transport('dead').attempts, 3)
  await clock.advance(1)
  assert.equal(transport('dead').attempts, 4)
  await clock.advance(1_500)
  assert.equal(transport('dead').attempts, 5)
  const [status] = notifications.status().filter(({ channelId }) => channelId === 'dead')
  assert.equal(status?.waiting, 3)
  assert.equal(status?.lastFailure, 'connection refused')
  assert.ok((status?.pausedUntilMs ?? 0) > clock.now())
  const before = transport('dead').attempts
  await clock.advance(MAX_PAUSE_MS * 6)
  assert.ok(transport('dead').attempts - before < 20)
  transport('dead').fail = () => undefined
  await clock.advance(MAX_PAUSE_MS)
  assert.deepEqual(arrived('dead'), ['alert-opened a', 'alert-opened b', 'alert-opened c'])
  await notifications.close()
})

test('what fails keeps back only later news of the same finding', async () => {
  const { notifications, clock, commit, transport, arrived } = await open()
  await addChannel(notifications, 'soar')
  transport('soar').fail = ({ orderKey }) => (orderKey === 'a' ? { reason: 'HTTP 500' } : undefined)
  await commit(alert('a'), alert('b'))
  await commit(alert('a', { count: 4 }), alert('b', { count: 4 }))
  await clock.advance(60_000)
  assert.deepEqual(arrived('soar'), ['alert-opened b', 'alert-updated b'])
  transport('soar').fail = () => undefined
  await clock.advance(MAX_PAUSE_MS)
  assert.deepEqual(arrived('soar').slice(2), ['alert-opened a', 'alert-updated a'])
  await notifications.close()
})

test('each attempt has the same id', async () => {
  const { notifications, clock, commit, transport } = await open()
  await addChannel(notifications, 'soar')
  const ids = new Set<string>()
  transport('soar').fail = ({ id, body }) => {
    ids.add(`${id} ${body.id}`)
    return ids.size > 0 && transport('soar').attempts < 4 ? { reason: 'HTTP 503' } : undefined
  }
  await commit(alert('a'))
  await clock.advance(60_000)
  assert.equal(transport('soar').delivered.length, 1)
  assert.equal(transport('soar').attempts, 4)
  assert.equal(ids.size, 1)
  await notifications.close()
})

test('what is refused for good, or too old, is a dead letter that can be retried or discarded', async () => {
  const { notifications, clock, commit, transport, arrived } = await open()
  await addChannel(notifications, 'soar')
  transport('soar').fail = ({ orderKey }) =>
    orderKey === 'bad' ? { reason: 'HTTP 400', isPermanent: true } : { reason: 'HTTP 503' }
  await commit(alert('bad'), alert('old'))
  const list = async () => (await notifications.deadLetters({ limit: 9 })).items
  assert.deepEqual(
    (await list()).map(({ delivery, reason }) => `${delivery.orderKey} ${reason}`),
    ['bad HTTP 400'],
  )
  await clock.advance(MAX_AGE_MS + MAX_PAUSE_MS)
  const [old, bad] = await list()
  assert.equal(old?.reason, 'HTTP 503')
  assert.equal(notifications.status()[0]?.waiting, 0)
  assert.equal(notifications.status()[0]?.deadLetters, 2)
  transport('soar').fail = () => undefined
  await notifications.retryDeadLetter(old?.delivery.id ?? '')
  await notifications.discardDeadLetter(bad?.delivery.id ?? '')
  await clock.advance(1)
  assert.deepEqual(arrived('soar'), ['alert-opened old'])
  assert.equal(transport('soar').delivered[0]?.id, old?.delivery.id)
  assert.deepEqual(await list(), [])
  await assert.rejects(notifications.discardDeadLetter('x'), HubError)
  await notifications.close()
})

test('a route over its limit tells the rest in one summary', async () => {
  const { notifications, clock, commit, transport, arrived } = await open()
  await addChannel(notifications, 'soar', { limit: 2, windowSeconds: 60 })
  await commit(...['a', 'b', 'c', 'd'].map((id) => alert(id)))
  await commit(alert('e', { severity: 'High' }))
  assert.deepEqual(arrived('soar'), ['alert-opened a', 'alert-opened b'])
  await clock.advance(59_999)
  assert.equal(arrived('soar').length, 2)
  await clock.advance(1)
  const { body, severity } = transport('soar').delivered[2] ?? {}
  assert.equal(severity, 'High')
  assert.deepEqual(body?.counts, { 'Medium IoT_Bruteforce': 2, 'High IoT_Bruteforce': 1 })
  assert.deepEqual(body?.findings, ['c', 'd', 'e'])
  await commit(alert('f'))
  assert.equal(arrived('soar').at(-1), 'alert-opened f')
  await notifications.close()
})

test('a channel that pauses between its messages tells all that came meanwhile at once', async () => {
  const world = newNotificationWorld()
  world.transports.set('mail', new RecordingTransport({ batch: 50, pauseMs: 60_000 }))
  const notifications = await startNotifications(world)
  await addChannel(notifications, 'mail')
  for (const id of ['a', 'b', 'c']) {
    await world.findings.commit({ alerts: [alert(id)] })
    world.feed.wake()
    await settle()
  }
  assert.equal(world.transports.get('mail')?.delivered.length, 1)
  await world.clock.advance(60_000)
  assert.equal(world.transports.get('mail')?.delivered.length, 3)
  await notifications.close()
})

test('a restart goes on where it stopped, and lost notices are made up for', async () => {
  const world = newNotificationWorld()
  const first = await startNotifications(world)
  await addChannel(first, 'soar')
  const transport = world.transports.get('soar')
  assert.ok(transport)
  transport.fail = () => ({ reason: 'HTTP 503' })
  await world.findings.commit({ alerts: [alert('a')] })
  world.feed.wake()
  await settle()
  await first.close()
  await world.findings.commit({ alerts: [alert('b')] })
  transport.fail = () => undefined
  const second = await startNotifications(world)
  await world.clock.advance(10_000)
  assert.deepEqual(transport.delivered.map(({ orderKey }) => orderKey).sort(), ['a', 'b'])
  await world.findings.commit({ alerts: [alert('c')] })
  await world.clock.advance(5_000)
  assert.equal(transport.delivered.at(-1)?.orderKey, 'c')
  await second.close()
})

test('a disabled channel is told nothing of that time', async () => {
  const { notifications, commit, arrived } = await open()
  await addChannel(notifications, 'soar')
  await notifications.changeChannel('soar', { isEnabled: false, settings: {} })
  await commit(alert('a'))
  await notifications.changeChannel('soar', { isEnabled: true, settings: {} })
  await commit(alert('b'))
  assert.deepEqual(arrived('soar'), ['alert-opened b'])
  await notifications.close()
})

test('channels and routes are limited, and refuse what is wrong', async () => {
  const { notifications } = await open()
  const channel = (id: string) => ({ id, kind: 'webhook', settings: { url: 'https://x' } }) as const
  for (let n = 0; n < MAX_CHANNELS; n++) await notifications.createChannel(channel(`c${n}`))
  await assert.rejects(notifications.createChannel(channel('more')), /the most/)
  await assert.rejects(notifications.createChannel(channel('c0')), /already/)
  await assert.rejects(notifications.createChannel(channel('default')), /TWINWARD_WEBHOOK_URL/)
  await assert.rejects(notifications.createRoute({ id: 'r', channels: ['nobody'] }), /no channel/)
  await assert.rejects(notifications.createRoute({ id: 'r', channels: [] }), /at least one/)
  await notifications.close()
})
