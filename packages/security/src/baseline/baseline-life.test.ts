import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { FakeClock } from '../../test/fake-clock.ts'
import { RecordingTransport } from '../../test/recording-transport.ts'
import { until } from '../../test/until.ts'
import { MemoryConfigurationStore } from '../adapters/memory/configuration-store.ts'
import { MemoryCredentialStore } from '../adapters/memory/credential-store.ts'
import { MemoryCustomCheckStore } from '../adapters/memory/custom-check-store.ts'
import { MemoryEventSchemaStore } from '../adapters/memory/event-schema-store.ts'
import { MemoryGroupStore } from '../adapters/memory/group-store.ts'
import { MemoryIndicatorStore } from '../adapters/memory/indicator-store.ts'
import { MemoryIngestionStore } from '../adapters/memory/ingestion-store.ts'
import { MemoryModuleStore } from '../adapters/memory/module-store.ts'
import { MemoryNotificationStore } from '../adapters/memory/notification-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { MemoryPostureHistoryStore } from '../adapters/memory/posture-history-store.ts'
import { MemoryRuleSettingStore } from '../adapters/memory/rule-setting-store.ts'
import { MemorySigmaStore } from '../adapters/memory/sigma-store.ts'
import { MemorySuppressionStore } from '../adapters/memory/suppression-store.ts'
import { MemoryTypeSwitchStore } from '../adapters/memory/type-switch-store.ts'
import { MemoryVulnerabilityStore } from '../adapters/memory/vulnerability-store.ts'
import { SqliteFindingStore } from '../adapters/sqlite/finding-store.ts'
import type { SecurityEventStore } from '../data/event-store.ts'
import { silentLog } from '../log.ts'
import { SecurityService } from '../security.ts'

const AGENT = { deviceId: 'gateway-1', moduleId: 'DefenderIotMicroAgent' }
const CIS = 'cis-dil-2.0.0'
const MINUTE_MS = 60_000

const folder = await mkdtemp(join(tmpdir(), 'baseline-life-'))
const closing: (() => Promise<void>)[] = []
after(async () => {
  for (const close of closing) await close()
  await rm(folder, { recursive: true })
})

/** Raw events that never become durable, so that a new service reads every message again. */
const forgetful: SecurityEventStore = {
  append: async () => {},
  cursor: async () => 0,
  query: async () => ({ items: [], continuationToken: null }),
  expire: async () => 0,
  close: async () => {},
}

/** A hub with one micro agent; services of it come and go. */
async function open() {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  platform.addDevice(AGENT.deviceId)
  await platform.createModule(AGENT, {})
  const stores = {
    ...{ modules: new MemoryModuleStore(), configurations: new MemoryConfigurationStore() },
    ...{ ingestion: new MemoryIngestionStore(), eventSchemas: new MemoryEventSchemaStore() },
    ...{ indicators: new MemoryIndicatorStore(), ruleSettings: new MemoryRuleSettingStore() },
    ...{ suppressions: new MemorySuppressionStore(), groups: new MemoryGroupStore() },
    ...{ typeSwitches: new MemoryTypeSwitchStore(), credentials: new MemoryCredentialStore() },
    ...{ vulnerabilities: new MemoryVulnerabilityStore(), sigma: new MemorySigmaStore() },
    ...{ postureHistory: new MemoryPostureHistoryStore(), events: forgetful },
    ...{ customChecks: new MemoryCustomCheckStore(), notifications: new MemoryNotificationStore() },
  }
  const openTransport = () => new RecordingTransport()
  /** @param file  of the findings */
  const start = async (file: string) => {
    const onFailure = (error: Error) => assert.fail(error)
    const findings = await SqliteFindingStore.open({ file: join(folder, file), onFailure })
    const ports = { ...stores, platform, findings, openTransport, clock, log: silentLog }
    const service = new SecurityService(ports, {
      ...{ securityModuleId: 'azureiotsecurity', acceptFromDevices: false },
      eventRetentionDays: 30,
    })
    await service.start()
    closing.push(() => service.close())
    return { service, findings }
  }
  return { clock, platform, start }
}

let ids = 0

function snapshot(clock: FakeClock, results: { readonly [id: string]: string }): Uint8Array {
  const time = new Date(clock.now()).toISOString()
  const texts = { description: 'd', error: '', remediation: 'r', severity: 'important' }
  const event = {
    Id: `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    ...{ EventType: 'Security', Category: 'Periodic', Name: 'Baseline', IsEmpty: false },
    ...{ PayloadSchemaVersion: '2.0', TimestampLocal: time, TimestampUTC: time },
    Payload: Object.entries(results).map(([checkId, result]) => ({
      ...{ benchmark: CIS, checkId, group: 'Filesystem', result, ...texts },
    })),
  }
  const envelope = { AgentVersion: '4.6.2', AgentId: '2f9a1a34-5d6b-4a2e-9d0c-7c1f2b3a4d5e' }
  return Buffer.from(JSON.stringify({ ...envelope, MessageSchemaVersion: '2.0', Events: [event] }))
}

test('baselines: after a crash messages are read again, and each counts once', async () => {
  const { clock, platform, start } = await open()
  const { service, findings } = await start('before.db')
  platform.sendMessage(AGENT, snapshot(clock, { '1.1.2': 'fail', '1.1.3': 'pass' }))
  await clock.advance(MINUTE_MS)
  platform.sendMessage(AGENT, snapshot(clock, { '1.1.2': 'error', '1.1.3': 'fail' }))
  await clock.advance(0)
  await until(async () => (await findings.cursor()) === 2)
  const known = await service.baselines.ofDevice(AGENT.deviceId)
  const totals = await service.baselines.totals()
  assert.equal(totals.benchmarks[0]?.fail, 2, 'an error closes no failure')

  // What a crash leaves: the file and its log as they are at this moment.
  for (const end of ['', '-wal']) {
    await copyFile(join(folder, `before.db${end}`), join(folder, `after.db${end}`))
  }
  await service.close()
  const next = await start('after.db')
  await clock.advance(0)
  assert.equal((await platform.readMessages(0, 10)).length, 2, 'both are there to be read again')
  assert.deepEqual(await next.service.baselines.ofDevice(AGENT.deviceId), known)
  assert.deepEqual(await next.service.baselines.totals(), totals)

  await clock.advance(MINUTE_MS)
  platform.sendMessage(AGENT, snapshot(clock, { '1.1.2': 'fail', '1.1.3': 'pass' }))
  await clock.advance(0)
  await until(async () => (await next.findings.cursor()) === 3)
  const [after] = await next.service.baselines.ofDevice(AGENT.deviceId)
  const states = after?.checks.map(({ id, result, firstFailedMs }) => [id, result, firstFailedMs])
  const [first] = known[0]?.checks ?? []
  assert.deepEqual(states, [
    ['1.1.2', 'fail', first?.firstFailedMs],
    ['1.1.3', 'pass', 0],
  ])
})

test('baselines: what the configuration switches off leaves score, lists and sums, and comes back', async () => {
  const { clock, platform, start } = await open()
  const { service } = await start('disabled.db')
  platform.sendMessage(AGENT, snapshot(clock, { '1.1.2': 'fail', '1.1.3': 'pass' }))
  const fleet = async () => {
    await clock.advance(1_000)
    const [sum] = (await service.baselines.totals()).benchmarks
    const { items } = await service.baselines.failures('1.1.2', CIS, { limit: 10 })
    return sum && { fail: sum.fail, disabled: sum.disabled, devices: items.length }
  }
  const scoreNow = async () => (await service.explainScore(AGENT.deviceId)).score
  await until(async () => (await fleet())?.devices === 1)
  const before = await scoreNow()

  const wanted = { Baseline_ChecksDisabled: '1.1.2' }
  await platform.patchTwin(AGENT, { desired: wanted })
  await until(async () => (await fleet())?.devices === 0)
  assert.deepEqual(await fleet(), { fail: 0, disabled: 1, devices: 0 })
  assert.ok((await scoreNow()) > before)
  const tag = async () => (await platform.findModule(AGENT))?.tags.posture
  const score = await scoreNow()
  await until(async () => {
    await clock.advance(1_000)
    return ((await tag()) as { readonly score?: number } | undefined)?.score === score
  })

  await platform.patchTwin(AGENT, { desired: { Baseline_ChecksDisabled: null } })
  await until(async () => (await fleet())?.devices === 1)
  assert.deepEqual(await fleet(), { fail: 1, disabled: 0, devices: 1 })
  assert.equal(await scoreNow(), before)
})
