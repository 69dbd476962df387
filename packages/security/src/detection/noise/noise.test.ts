import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectionWorld } from '../../../test/detection-world.ts'
import type { HeldBack } from '../../data/noise.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../groups/group-settings.ts'
import { MAX_NEW_ALERTS } from '../flood.ts'
import { WATCH_INTERVAL_MS } from '../silence.ts'
import { MAX_MAINTENANCE_DELAY_MS } from './verdicts.ts'

const HOUR_MS = 3_600_000
const EXPIRES = '2999-01-01T00:00:00Z'
const CLEARING = { alertType: 'IoT_ClearHistoryFile', expiresUtc: EXPIRES, reason: 'known job' }

function counts(heldBack: readonly HeldBack[]): readonly string[] {
  return heldBack.map(({ reason, alertType, count }) => `${reason} ${alertType} ${count}`)
}

test('a rule that is off raises nothing, and each finding is counted', async () => {
  const { detection, findings, run, alerts } = await detectionWorld()
  await detection.settings.set('IoT_ClearHistoryFile', { isEnabled: false })
  await run('history -c')
  await run('unset HISTFILE')
  assert.deepEqual(await alerts(), [])
  assert.deepEqual(counts(await findings.noise.heldBack()), ['off IoT_ClearHistoryFile 2'])
})

test('a suppression holds back what it is about, counts it, and ends by itself', async () => {
  const { detection, clock, findings, run, alerts } = await detectionWorld()
  const { suppressions } = detection
  const expiresUtc = new Date(clock.now() + HOUR_MS).toISOString()
  const match = [{ name: 'CommandLine', operator: 'startsWith', value: 'history' }] as const
  const { id } = await suppressions.create({ ...CLEARING, expiresUtc, match }, 'owner')
  await run('history -c')
  assert.deepEqual(await alerts(), [])
  const [held] = (await suppressions.heldBack()).values()
  assert.deepEqual([held?.count, held?.lastDeviceId], [1, 'pump-1'])
  await run('unset HISTFILE')
  assert.equal((await alerts()).length, 1, 'its command line is another')
  await clock.advance(2 * HOUR_MS)
  await run('history -c')
  assert.equal((await alerts()).length, 2)
  await suppressions.remove(id)
  assert.deepEqual(await findings.noise.heldBack(), [])
})

test('a suppression of one group leaves the others alone', async () => {
  const { detection, run, alerts } = await detectionWorld({ tags: { SecurityGroup: 'West' } })
  await detection.suppressions.create({ ...CLEARING, group: 'East' }, 'owner')
  await run('history -c')
  assert.equal((await alerts()).length, 1)
  await detection.suppressions.create({ ...CLEARING, group: 'WEST' }, 'owner')
  await run('unset HISTFILE')
  assert.equal((await alerts())[0]?.count, 1)
})

test('maintenance: alerts open as Resolved with the reason, take each other in, and end with it', async () => {
  const { groups, clock, findings, run, alerts } = await detectionWorld()
  const fromMs = clock.now()
  const maintenanceWindows = [{ fromMs, toMs: fromMs + HOUR_MS, reason: 'new firmware' }]
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, maintenanceWindows }
  await run('history -c')
  await run('history -c')
  const [closed] = await alerts()
  assert.deepEqual([closed?.status, closed?.count, closed?.tags], ['Resolved', 2, ['maintenance']])
  assert.deepEqual(
    closed?.history.map(({ status, by, note }) => [status, by, note]),
    [
      ['Active', 'engine', ''],
      ['Resolved', 'engine', 'new firmware'],
    ],
  )
  assert.deepEqual(
    closed?.notes.map(({ by, text }) => [by, text]),
    [['engine', 'new firmware']],
  )
  assert.deepEqual(counts(await findings.noise.heldBack()), ['maintenance IoT_ClearHistoryFile 2'])
  await run('history -c', { timeMs: fromMs + HOUR_MS })
  const [open, ...others] = await alerts()
  assert.deepEqual([open?.status, open?.tags, others.length], ['Active', undefined, 1])
})

test('maintenance: what is told of a window long after it was is no maintenance', async () => {
  const { groups, clock, run, alerts } = await detectionWorld()
  const [fromMs, toMs] = [clock.now(), clock.now() + HOUR_MS]
  const maintenanceWindows = [{ fromMs, toMs, reason: 'new firmware' }]
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, maintenanceWindows }
  await clock.advance(MAX_MAINTENANCE_DELAY_MS)
  await run('history -c', { timeMs: fromMs })
  assert.equal((await alerts())[0]?.status, 'Resolved', 'a device that was offline meanwhile')
  await clock.advance(HOUR_MS)
  await run('iptables -F', { timeMs: fromMs })
  const firewall = (await alerts()).find(({ alertType }) => alertType === 'IoT_DisableFirewall')
  assert.equal(firewall?.status, 'Active', 'a device that chooses the times of its events')
})

test('maintenance: an alert that was open before takes what happens meanwhile, and stays open', async () => {
  const { groups, clock, run, alerts } = await detectionWorld()
  await run('history -c')
  const window = { fromMs: clock.now(), toMs: clock.now() + HOUR_MS, reason: '' }
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, maintenanceWindows: [window] }
  await run('history -c')
  const all = await alerts()
  assert.deepEqual(
    all.map(({ status, count }) => [status, count]),
    [['Active', 2]],
  )
})

test('maintenance: what is held back by a flood is Resolved too', async () => {
  const { groups, clock, findings, run, alerts } = await detectionWorld()
  const window = { fromMs: clock.now(), toMs: clock.now() + HOUR_MS, reason: 'drill' }
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, maintenanceWindows: [window] }
  for (let at = 0; at <= MAX_NEW_ALERTS; at++) await run(`iptables -F chain${at}`)
  const all = await alerts()
  assert.deepEqual([...new Set(all.map(({ status }) => status))], ['Resolved'])
  assert.equal(all.length, MAX_NEW_ALERTS + 1)
  const held = counts(await findings.noise.heldBack())
  assert.ok(held.includes('flood IoT_DisableFirewall 1'), held.join())
})

test('learning: the rules that learn only collect; what a fifth of the devices shows is proposed', async () => {
  const { groups, clock, detection, findings, run, sendEvents, alerts } = await detectionWorld({
    devices: 10,
    tags: { SecurityGroup: 'plant' },
  })
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, learningUntilMs: clock.now() + HOUR_MS }
  const login = (UserName: string, deviceId: string) =>
    sendEvents('Login', [{ UserName, Result: 'Success', Executable: '/bin/login' }], { deviceId })
  for (const at of [1, 2, 3]) await login('operator', `pump-${at}`)
  await login('operator', 'pump-1')
  await login('stranger', 'pump-4')
  for (const at of [5, 6, 7, 8, 9, 10]) await run('ls', { deviceId: `pump-${at}` })
  assert.deepEqual(await alerts(), [])
  await run('history -c')
  assert.equal((await alerts()).length, 1, 'other rules raise alerts meanwhile')
  const { devices, values } = await detection.proposals('Plant')
  assert.equal(devices, 10)
  assert.deepEqual(
    values.map(({ name, value, devices }) => [name, value, devices]),
    [['User Name', 'operator', 3]],
  )
  assert.deepEqual(counts(await findings.noise.heldBack()), ['learning IoT_SucessfulLocalLogin 5'])
  await clock.advance(2 * HOUR_MS)
  await login('operator', 'pump-1')
  assert.equal((await alerts()).length, 2)
})

test('a device that falls silent in maintenance: the alert is Resolved; suppressed, there is none', async () => {
  const { groups, clock, detection, findings, run, alerts } = await detectionWorld({ devices: 2 })
  await run('ls', { deviceId: 'pump-1' })
  await run('ls', { deviceId: 'pump-2' })
  await detection.suppressions.create(
    { alertType: 'IoT_DeviceSilent', deviceId: 'pump-2', expiresUtc: 'never', reason: 'on a ship' },
    'owner',
  )
  const window = {
    fromMs: clock.now() + 70 * HOUR_MS,
    toMs: clock.now() + 90 * HOUR_MS,
    reason: 'r',
  }
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, maintenanceWindows: [window] }
  await clock.advance(72 * HOUR_MS + 2 * WATCH_INTERVAL_MS)
  await detection.close()
  assert.deepEqual(
    (await alerts()).map(({ deviceId, status }) => [deviceId, status]),
    [['pump-1', 'Resolved']],
  )
  assert.deepEqual(counts(await findings.noise.heldBack()).toSorted(), [
    'maintenance IoT_DeviceSilent 1',
    'suppressed IoT_DeviceSilent 1',
  ])
})

test('a silence that was held back is told when nothing holds it back any more, and counted once', async () => {
  const { clock, detection, findings, run, alerts } = await detectionWorld()
  await run('ls')
  const suppression = await detection.suppressions.create(
    { alertType: 'IoT_DeviceSilent', expiresUtc: 'never', reason: 'on a ship' },
    'owner',
  )
  await clock.advance(72 * HOUR_MS + 5 * WATCH_INTERVAL_MS)
  assert.deepEqual(counts(await findings.noise.heldBack()), ['suppressed IoT_DeviceSilent 1'])
  await detection.suppressions.remove(suppression.id)
  await clock.advance(2 * WATCH_INTERVAL_MS)
  const told = (await alerts()).map(({ alertType, status, count }) => [alertType, status, count])
  assert.deepEqual(told, [['IoT_DeviceSilent', 'Active', 1]])
  await detection.close()
})

test('a batch whose commit fails is judged again, and nothing is counted twice', async () => {
  const { detection, findings, run } = await detectionWorld()
  await detection.suppressions.create(CLEARING, 'owner')
  findings.isFailing = true
  await assert.rejects(run('history -c'))
  findings.isFailing = false
  await run('history -c', { again: 1 })
  assert.deepEqual(counts(await findings.noise.heldBack()), ['suppressed IoT_ClearHistoryFile 1'])
})
