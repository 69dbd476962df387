import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { detectionWorld } from '../../../test/detection-world.ts'
import type { EventFilter, EventRow } from '../../data/event-store.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../groups/group-settings.ts'
import { MAX_NEW_ALERTS } from '../flood.ts'
import { sigmaTypeName } from '../sigma/alert-type.ts'
import { Explanations } from './explain.ts'

const HOUR_MS = 3_600_000

/** A world whose commands are stored as events too. */
async function open() {
  const world = await detectionWorld({ tags: { SecurityGroup: 'plant' } })
  const rows: EventRow[] = []
  const query = async ({ deviceId, eventId }: EventFilter) => ({
    items: rows.filter((row) => row.ref.deviceId === deviceId && row.eventId === eventId),
    continuationToken: null,
  })
  const run = async (commandLine: string): Promise<string> => {
    const sequence = await world.run(commandLine)
    const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
    const timeMs = world.clock.now()
    const names = { name: 'ProcessCreate', category: 'Triggered', eventType: 'Security' }
    const agent = { agentVersion: '0.0.6', agentId: 'a', timestampLocal: '', isEmpty: false }
    const details = JSON.stringify({ CommandLine: commandLine, UserName: 'root' })
    const place = { eventId: `e${sequence}-0`, sequence, row: 0, deviations: [] }
    rows.push({ ref, ...names, ...agent, ...place, timeMs, receivedMs: timeMs, details })
    return place.eventId
  }
  const { rules, judge } = world.detection
  const { sigma } = world.detection
  const loaded = { sets: [sigma.ruleSet], loaded: sigma }
  const explanations = new Explanations({ ...world, query }, { rules, judge, ...loaded })
  const explain = async (eventId: string, type?: string) => {
    const { rules: answers } = await explanations.explain('pump-1', eventId, type)
    return answers
  }
  return { ...world, run, explain }
}

test('explain: what opened an alert, what was counted in it, what is quiet and for lack of what', async () => {
  const { run, explain, alerts } = await open()
  const first = await run('history -c')
  const second = await run('history -c')
  const [alert] = await alerts()
  const [raised, ...others] = await explain(first)
  assert.deepEqual([raised?.outcome, raised?.alertId], ['raised', alert?.id])
  assert.ok(others.every(({ outcome }) => outcome === 'quiet' || outcome === 'notAsked'))
  const [counted] = await explain(second, 'IoT_ClearHistoryFile')
  assert.deepEqual([counted?.outcome, counted?.alertId], ['counted', alert?.id])
  const [fairware] = await explain(first, 'IoT_FairwareMalware')
  assert.deepEqual([fairware?.outcome, fairware?.condition], ['quiet', 'rm is called'])
  const [usb] = await explain(first, 'IoT_USBConnection')
  assert.equal(usb?.outcome, 'notAsked')
})

test('explain: a rule that is off, a suppression, learning and maintenance are named', async () => {
  const { groups, clock, detection, run, explain } = await open()
  await detection.settings.set('IoT_ClearHistoryFile', { isEnabled: false })
  const off = await run('history -c')
  assert.match((await explain(off))[0]?.because ?? '', /off for the hub/)
  await detection.settings.set('IoT_ClearHistoryFile', { isEnabled: false }, 'plant')
  assert.match((await explain(off))[0]?.because ?? '', /off for the group plant/)
  await detection.settings.set('IoT_ClearHistoryFile', {})
  await detection.settings.set('IoT_ClearHistoryFile', {}, 'plant')
  const about = { alertType: 'IoT_ClearHistoryFile', expiresUtc: 'never', reason: 'r' }
  const { id } = await detection.suppressions.create(about, 'owner')
  const [held] = await explain(off)
  assert.deepEqual([held?.outcome, held?.suppressionId], ['suppressed', id])
  await detection.suppressions.remove(id)
  assert.equal((await explain(off))[0]?.outcome, 'notRaised')

  const learningUntilMs = clock.now() + HOUR_MS
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, learningUntilMs }
  const learned = await run('useradd -o -u 0 bob')
  assert.match((await explain(learned))[0]?.because ?? '', /in the group plant it only collects/)
  const window = { fromMs: clock.now(), toMs: clock.now() + HOUR_MS, reason: 'firmware' }
  groups.settings = { ...DEFAULT_GROUP_SETTINGS, maintenanceWindows: [window] }
  const maintained = await run('iptables -F')
  assert.match((await explain(maintained))[0]?.because ?? '', /because of maintenance/)
})

test('explain: what a flood held back is found in the alert of the flood', async () => {
  const { run, explain, alerts } = await open()
  let last = ''
  for (let at = 0; at <= MAX_NEW_ALERTS; at++) last = await run(`iptables -F chain${at}`)
  const flood = (await alerts()).find(({ alertType }) => alertType === 'IoT_AlertFlood')
  const [answer] = await explain(last)
  assert.deepEqual([answer?.outcome, answer?.alertId], ['flood', flood?.id])
})

test('explain: a sequence tells how far it is, with the memory of now', async () => {
  const { run, explain } = await open()
  await run('whoami')
  const event = await run('uname -a')
  const [answer] = await explain(event, 'IoT_LinuxReconnaissance')
  assert.equal(answer?.outcome, 'quiet')
  assert.match(answer?.state ?? '', /here uname -a; user \S+ asked whoami, uname -a before/)
})

test('explain: what may be among the evidence that was not kept is not said for certain', async () => {
  const { run, explain, alerts, clock, detection } = await open()
  const about = { alertType: 'IoT_ClearHistoryFile', expiresUtc: 'never', reason: 'r' }
  await run('history -c')
  const { id } = await detection.suppressions.create(about, 'owner')
  const held = await run('history -c')
  await detection.suppressions.remove(id)
  const [quiet] = await explain(held, 'IoT_ClearHistoryFile')
  assert.equal(quiet?.outcome, 'notRaised', 'the alert keeps all its evidence, and not this')
  const events: string[] = []
  for (let at = 0; at < 14; at++) {
    await clock.advance(1)
    events.push(await run('history -c'))
  }
  const [last] = await explain(events.at(-1) ?? '', 'IoT_ClearHistoryFile')
  assert.match(last?.because ?? '', /^It is counted in the alert/)
  const [middle] = await explain(events[6] ?? '', 'IoT_ClearHistoryFile')
  assert.equal(middle?.alertId, (await alerts())[0]?.id)
  assert.match(middle?.because ?? '', /^It is most likely counted in the alert/)
})

test('explain: a loaded rule that is quiet tells which of its selections hold', async () => {
  const { run, explain, detection } = await open()
  const id = '0dbe9a55-3e14-4a0c-a9d6-6d1f5a1cd1a1'
  const rule = `title: Reads\nid: ${id}\nlogsource: {product: linux, category: process_creation}
detection:
  reads: {CommandLine|contains: cat}
  secret: {CommandLine|contains: shadow}
  condition: reads and secret\nlevel: low\n`
  await detection.sigma.import(rule, 'own', 'owner')
  const event = await run('cat /etc/hosts')
  const [quiet] = await explain(event, sigmaTypeName(id))
  assert.equal(quiet?.condition, 'its condition holds: "reads and secret"')
  assert.equal(quiet?.state, 'reads holds, secret does not hold')
  const [raised] = await explain(await run('cat /etc/shadow'), sigmaTypeName(id))
  assert.equal(raised?.outcome, 'raised')
  await detection.sigma.setEnabled(id, false, 'owner')
  const [off] = await explain(event, sigmaTypeName(id))
  assert.equal(off?.condition, 'the rule is enabled')
})

test('explain: an event that is not stored and a rule that is not there are named', async () => {
  const { run, explain } = await open()
  const event = await run('ls')
  const isNotFound = (text: RegExp) => (error: unknown) =>
    error instanceof HubError && error.code === 'GenericNotFound' && text.test(error.message)
  await assert.rejects(
    explain('nothing'),
    isNotFound(/No event nothing of device pump-1 is stored/),
  )
  await assert.rejects(explain(event, 'IoT_Nothing'), isNotFound(/No rule IoT_Nothing/))
})
