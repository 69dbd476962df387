import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { detectionWorld, type FlakyFindingStore } from '../../test/detection-world.ts'
import { header } from '../../test/records.ts'
import { FindingEvaluator } from '../detection/evaluator.ts'
import { STORM_CONNECTS } from '../detection/hub/connection-storm.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import { NO_RULES, type SecurityGroup, type TimeWindowRule } from '../groups/security-group.ts'
import type { IngestedMessage } from '../ingestion/pipeline.ts'
import { silentLog } from '../log.ts'
import { ActivityWatch } from './activity-watch.ts'
import type { DeviceUse } from './hub-activity.ts'

const MINUTE_MS = 60_000
const GROUP = 'default'

type World = Awaited<ReturnType<typeof world>>

function windowRule(of: Partial<TimeWindowRule> = {}): TimeWindowRule {
  return {
    ...{ ruleType: 'MqttD2CMessagesNotInAllowedRange', isEnabled: true },
    ...{ minThreshold: 0, maxThreshold: 10, timeWindowMs: MINUTE_MS, ...of },
  }
}

/** A watch on one group, in which all devices are, at the start of a minute. */
async function world(timeWindowRules: readonly TimeWindowRule[] = [], devices = 2) {
  const base = await detectionWorld({ devices })
  const group: SecurityGroup = {
    ...{ name: GROUP, ...NO_RULES, timeWindowRules, settings: DEFAULT_GROUP_SETTINGS },
    ...{ version: 1, etag: 'a', changedMs: 0, by: 'owner' },
  }
  const groups = {
    list: () => [group],
    find: (name: string) => (name === GROUP ? group : undefined),
    groupOf: async () => GROUP,
    timeWindowRulesOf: (name: string) => (name === GROUP ? timeWindowRules : []),
  }
  const { judge } = base.detection
  const { changes, touch: touched } = base
  const begin = async () => {
    const watch = new ActivityWatch(base, { judge, groups, changes, touched })
    await watch.load()
    watch.start()
    return watch
  }
  const watch = await begin()
  const hub = base.platform.activity
  /** The device does this in the minute under way, which then ends. */
  const minute = async (counts: DeviceUse['counts'] | undefined, isComplete = true) => {
    const minuteMs = base.clock.now()
    await base.clock.advance(MINUTE_MS)
    const devices = counts ? [{ deviceId: 'pump-1', counts }] : []
    if (counts || !isComplete) hub.addMinute(minuteMs, devices, isComplete)
  }
  const told = async () =>
    (await base.alerts())
      .toSorted((a, b) => a.startTimeMs - b.startTimeMs)
      .map(({ alertType, deviceId, count }) => `${alertType} ${deviceId} ${count}`)
  return { ...base, hub, watch, begin, minute, told, groups }
}

/** Time for every window so far to be judged. */
const JUDGED_MS = 3 * MINUTE_MS

test('an event of the hub becomes an alert about the hub or about its device', async () => {
  const { hub, clock, alerts, told, touched, watch } = await world()
  hub.addEvent({ kind: 'ca.add', outcome: 'success', subject: 'plant', principal: 'iothubowner' })
  hub.addEvent({
    ...{ kind: 'auth.failure', outcome: 'failure', reason: 'sasExpired', isConnected: true },
    ...{ ref: { deviceId: 'pump-1', moduleId: 'agent' }, address: '203.0.113.9' },
  })
  await clock.advance(0)
  assert.deepEqual((await told()).toSorted(), [
    'IoT_CertificateSuccessfullyAddedToHub  1',
    'IoT_Expired_SAS_Token pump-1 1',
  ])
  const alert = (await alerts()).find(({ deviceId }) => deviceId === 'pump-1')
  assert.equal(alert?.extendedProperties['Connected At The Time'], 'true')
  assert.equal(alert?.extendedProperties.Address, '203.0.113.9')
  assert.match(alert?.evidence[0]?.summary ?? '', /203\.0\.113\.9.*was connected/)
  assert.deepEqual(touched, ['', 'pump-1'])
  await watch.close()
})

test('events are taken once: after a restart and after a commit that failed', async () => {
  const { hub, clock, findings, told, watch, begin } = await world()
  const flaky = findings as FlakyFindingStore
  flaky.isFailing = true
  hub.addEvent({ kind: 'ca.delete', outcome: 'success', subject: 'plant' })
  await clock.advance(0)
  assert.deepEqual(await told(), [])
  flaky.isFailing = false
  await clock.advance(MINUTE_MS)
  assert.deepEqual(await told(), ['IoT_CertificateSuccessfullyDeletedFromHub  1'])
  await watch.close()
  const again = await begin()
  await clock.advance(2 * MINUTE_MS)
  hub.addEvent({ kind: 'ca.delete', outcome: 'success', subject: 'plant' })
  await clock.advance(0)
  assert.deepEqual(await told(), ['IoT_CertificateSuccessfullyDeletedFromHub  2'])
  await again.close()
})

test('an unusual policy is one that others came before, also after a restart', async () => {
  const { hub, clock, told, watch, begin } = await world()
  const change = (principal: string) =>
    hub.addEvent({ kind: 'security.change', outcome: 'success', principal, subject: 'x' })
  change('iothubowner')
  await clock.advance(0)
  await watch.close()
  const again = await begin()
  change('iothubowner')
  await clock.advance(0)
  assert.deepEqual(await told(), [])
  change('service')
  await clock.advance(0)
  assert.deepEqual(await told(), ['IoT_UnusualPrincipal  1'])
  await again.close()
})

test('a device that connects again and again is told of', async () => {
  const { clock, minute, told, watch } = await world()
  await minute({ connects: STORM_CONNECTS - 1 })
  await minute({ connects: STORM_CONNECTS })
  await clock.advance(MINUTE_MS)
  assert.deepEqual(await told(), ['IoT_ConnectionStorm pump-1 1'])
  await watch.close()
})

test('windows: too much is one alert per window; those without a pause between are one alert', async () => {
  const { clock, minute, alerts, told, watch } = await world([windowRule()])
  const startMs = clock.now()
  await minute({ mqttD2C: 10 })
  await minute({ mqttD2C: 11 })
  await minute({ mqttD2C: 30, amqpD2C: 500 })
  await minute({ mqttD2C: 1 })
  await minute({ mqttD2C: 12 })
  await clock.advance(JUDGED_MS)
  const type = 'IoT_CA_MqttD2CMessagesNotInAllowedRange pump-1'
  assert.deepEqual(await told(), [`${type} 2`, `${type} 1`])
  const first = (await alerts()).find(({ count }) => count === 2)
  assert.deepEqual(
    [first?.startTimeMs, first?.endTimeMs, first?.severity],
    [startMs + MINUTE_MS, startMs + 3 * MINUTE_MS, 'Low'],
  )
  assert.match(first?.evidence[0]?.summary ?? '', /11, more than 10/)
  assert.deepEqual([...watch.counts.devices], [])
  await watch.close()
})

test('windows: an alert comes one minute after the end of its window, not before', async () => {
  const { clock, minute, told, watch } = await world([windowRule()])
  await minute({ mqttD2C: 11 })
  await clock.advance(59_000)
  assert.deepEqual(await told(), [])
  await clock.advance(10_000)
  assert.equal((await told()).length, 1)
  await watch.close()
})

test('windows: what was counted survives a restart', async () => {
  const quarter = windowRule({ timeWindowMs: 15 * MINUTE_MS })
  const { clock, minute, told, watch, begin, findings } = await world([quarter])
  await minute({ mqttD2C: 8 })
  await clock.advance(MINUTE_MS)
  await watch.close()
  assert.equal((await findings.activity.windows(9)).length, 1)
  const again = await begin()
  await minute({ mqttD2C: 3 })
  await clock.advance(15 * MINUTE_MS)
  assert.equal((await told()).length, 1)
  assert.deepEqual(await findings.activity.windows(9), [])
  await again.close()
})

async function tooFew(prepare: (world: World) => Promise<void>): Promise<readonly string[]> {
  const rule = windowRule({ minThreshold: 2, maxThreshold: 100, timeWindowMs: 5 * MINUTE_MS })
  const opened = await world([rule])
  // The window that is under way when the watch begins is not seen whole.
  opened.hub.connect('pump-1')
  await opened.clock.advance(5 * MINUTE_MS)
  await prepare(opened)
  await opened.clock.advance(JUDGED_MS)
  await opened.watch.close()
  return opened.told()
}

const type = 'IoT_CA_MqttD2CMessagesNotInAllowedRange pump-1'

test('windows: too few, also nothing at all, of a device that was connected all the time', async () => {
  const nothing = await tooFew(({ clock }) => clock.advance(5 * MINUTE_MS))
  // The first window too: it began when the watch did, and pump-1 was connected by then.
  assert.deepEqual(nothing, [`${type} 2`])
  const one = await tooFew(async ({ minute, clock }) => {
    await minute({ mqttD2C: 2 })
    await clock.advance(4 * MINUTE_MS)
  })
  assert.deepEqual(one, [`${type} 1`])
})

test('windows: too few says nothing of a window that was not seen whole', async () => {
  const reconnected = await tooFew(async ({ clock, hub }) => {
    await clock.advance(2 * MINUTE_MS)
    hub.disconnect('pump-1')
    hub.connect('pump-1')
    await clock.advance(3 * MINUTE_MS)
  })
  assert.deepEqual(reconnected, [`${type} 1`], 'only the window before')
  const incomplete = await tooFew(async ({ clock, minute }) => {
    await clock.advance(2 * MINUTE_MS)
    await minute(undefined, false)
    await clock.advance(2 * MINUTE_MS)
  })
  assert.deepEqual(incomplete, [`${type} 1`])
  const moved = await tooFew(async ({ clock, platform }) => {
    await clock.advance(2 * MINUTE_MS)
    platform.addDevice('pump-1', { SecurityGroup: GROUP })
    await clock.advance(3 * MINUTE_MS)
  })
  assert.deepEqual(moved, [`${type} 1`])
})

test('windows: failed logins and connections are counted with the messages that bring them', async () => {
  const logins = windowRule({ ruleType: 'FailedLocalLoginsNotInAllowedRange', maxThreshold: 2 })
  const connections = windowRule({
    ruleType: 'ActiveConnectionsNotInAllowedRange',
    maxThreshold: 1,
  })
  const { clock, watch, detection, groups, told, changes, findings } = await world([
    logins,
    connections,
  ])
  const rules = {
    ...{
      groups: {
        ...groups,
        settingsFor: async () => DEFAULT_GROUP_SETTINGS,
        rulesFor: async () => [],
      },
    },
    ...{ alerts: [], judge: detection.judge, recommendations: [], windows: watch.counts },
  }
  const evaluator = new FindingEvaluator({ findings, log: silentLog }, rules, () => {})
  const send = (sequence: number, name: string, payload: readonly JsonObject[]) => {
    const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
    const event = { header: header({ ref, name, timeMs: clock.now(), sequence }), payload }
    const message = { ref, sequence, enqueuedTimeMs: clock.now(), body: new Uint8Array() }
    const decoded = {
      schema: '1.0',
      agentVersion: '1',
      agentId: 'a',
      events: [event],
      rejections: [],
    }
    const one = { message, decoded } as unknown as IngestedMessage
    return changes.run(() => evaluator.evaluate([one], sequence))
  }
  const failed = { UserName: 'root', Result: 'Fail', Executable: '/bin/login' }
  await send(1, 'Login', [failed, failed, { ...failed, Result: 'Success' }])
  await send(2, 'Login', [failed])
  await send(3, 'ConnectionCreate', [
    { RemoteAddress: '192.0.2.1', RemotePort: '1', Direction: 'Out', Protocol: 'tcp' },
  ])
  await clock.advance(JUDGED_MS)
  assert.deepEqual(await told(), ['IoT_CA_FailedLocalLoginsNotInAllowedRange pump-1 1'])
  await watch.close()
})
