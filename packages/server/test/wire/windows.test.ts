import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, MemoryEventLog } from '@twinward/hub'
import sdk from 'azure-iot-device'
import { TestClock } from '../../../hub/test/clock.ts'
import { type MqttTestHub, startMqttHub, until } from '../../../hub/test/hub.ts'
import { mqttSdk } from '../../../hub/test/wire/device-sdk.ts'
import { ActivityWatch } from '../../../security/src/activity/activity-watch.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../../security/src/groups/group-settings.ts'
import {
  NO_RULES,
  type SecurityGroup,
  type TimeWindowRule,
} from '../../../security/src/groups/security-group.ts'
import { detectionWorld } from '../../../security/test/detection-world.ts'
import { EmbeddedPlatform } from '../../src/embedded-platform.ts'

// Rules on time windows, from the packets of an unmodified SDK to the alert, on a clock of our own.

const { Message } = sdk
const MINUTE_MS = 60_000
const pump = { deviceId: 'pump-1' }

const rule = (of: Partial<TimeWindowRule>): TimeWindowRule => ({
  ...{ ruleType: 'MqttD2CMessagesNotInAllowedRange', isEnabled: true },
  ...{ minThreshold: 0, maxThreshold: 2 ** 31 - 1, timeWindowMs: MINUTE_MS, ...of },
})

const RULES = [
  rule({ minThreshold: 1, maxThreshold: 5 }),
  rule({ ruleType: 'TwinUpdatesNotInAllowedRange', maxThreshold: 1 }),
  rule({ ruleType: 'DirectMethodInvokesNotInAllowedRange', maxThreshold: 0 }),
  rule({ ruleType: 'MqttC2DMessagesNotInAllowedRange', maxThreshold: 0 }),
  rule({ ruleType: 'QueuePurgesNotInAllowedRange', maxThreshold: 0 }),
  rule({ ruleType: 'UnauthorizedOperationsNotInAllowedRange', maxThreshold: 0 }),
  rule({ ruleType: 'AmqpD2CMessagesNotInAllowedRange', maxThreshold: 0 }),
]

async function watchOver(hub: MqttTestHub, clock: Clock) {
  const world = await detectionWorld()
  const group: SecurityGroup = {
    ...{ name: 'default', ...NO_RULES, timeWindowRules: RULES, settings: DEFAULT_GROUP_SETTINGS },
    ...{ version: 1, etag: 'a', changedMs: 0, by: 'owner' },
  }
  const groups = {
    list: () => [group],
    find: () => group,
    groupOf: async () => 'default',
    timeWindowRulesOf: () => RULES,
  }
  const platform = new EmbeddedPlatform(hub, new MemoryEventLog(), { listen: '127.0.0.1' })
  const { findings, changes, log } = world
  const options = { judge: world.detection.judge, groups, changes, touched: () => {} }
  const watch = new ActivityWatch({ platform, findings, clock, log }, options)
  await watch.load()
  watch.start()
  const types = async () => {
    const alerts = await world.alerts()
    return [...new Set(alerts.map(({ alertType }) => alertType))].sort()
  }
  return { watch, types }
}

test('mqtt: what a device does in a minute, against the rules of its group', async () => {
  const clock = new TestClock()
  await using hub = await startMqttHub({ clock })
  hub.activity.counters.start()
  const { watch, types } = await watchOver(hub, clock)
  await using device = await mqttSdk.connect(hub, pump)
  clock.advance(MINUTE_MS)

  const { client } = device
  const twin = await device.twin()
  const received: string[] = []
  client.on('message', (message) => received.push(message.getData().toString()))
  const onMethod = 'onDeviceMethod' in client ? client.onDeviceMethod.bind(client) : undefined
  assert.ok(onMethod)
  onMethod('reboot', (_request, response) => void response.send(200))
  await until(() => hub.sessions.find(pump)?.takesMethods === true, 'the subscription')
  for (let n = 0; n < 6; n++) await client.sendEvent(new Message(`${n}`))
  for (let n = 0; n < 2; n++) {
    await new Promise<void>((resolve, reject) => {
      twin.properties.reported.update({ n }, (error?: Error) => (error ? reject(error) : resolve()))
    })
  }
  const call = { name: 'reboot', payload: null, responseTimeoutMs: 5_000, connectTimeoutMs: 0 }
  assert.equal((await hub.methods.invoke(pump, call)).status, 200)
  await hub.cloudMessages.send(pump, {
    ...{ system: {}, application: {}, ack: 'none', body: Buffer.from('hello') },
  })
  await until(() => received.length === 1, 'the message')
  await until(async () => (await hub.cloudMessages.count(pump)) === 0, 'its settlement')
  await hub.cloudMessages.purge(pump)
  const wrong = (await hub.connectionString(pump)).replace(/SharedAccessKey=.*/, (text) => {
    return `SharedAccessKey=${Buffer.alloc(32).toString('base64').slice(0, text.length)}`
  })
  await assert.rejects(mqttSdk.connectWith(hub, wrong))
  await until(async () => (await hub.activity.audit.list({ limit: 1 })).length === 1, 'the refusal')

  clock.advance(2 * MINUTE_MS + 10_000)
  const expected = [
    'IoT_CA_DirectMethodInvokesNotInAllowedRange',
    'IoT_CA_MqttC2DMessagesNotInAllowedRange',
    'IoT_CA_MqttD2CMessagesNotInAllowedRange',
    'IoT_CA_QueuePurgesNotInAllowedRange',
    'IoT_CA_TwinUpdatesNotInAllowedRange',
    'IoT_CA_UnauthorizedOperationsNotInAllowedRange',
  ]
  await until(async () => (await types()).length >= expected.length, 'the alerts')
  assert.deepEqual(
    (await types()).filter((type) => type.startsWith('IoT_CA_')),
    expected,
  )
  await watch.close()
})
