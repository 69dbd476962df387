import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { recommendation } from '../test/contracts/findings.ts'
import { FakeClock, settle } from '../test/fake-clock.ts'
import { RecordingTransport } from '../test/recording-transport.ts'
import { MemoryConfigurationStore } from './adapters/memory/configuration-store.ts'
import { MemoryCredentialStore } from './adapters/memory/credential-store.ts'
import { MemoryCustomCheckStore } from './adapters/memory/custom-check-store.ts'
import { MemoryEventSchemaStore } from './adapters/memory/event-schema-store.ts'
import { MemoryFindingStore } from './adapters/memory/finding-store.ts'
import { MemoryGroupStore } from './adapters/memory/group-store.ts'
import { MemoryIndicatorStore } from './adapters/memory/indicator-store.ts'
import { MemoryIngestionStore } from './adapters/memory/ingestion-store.ts'
import { MemoryModuleStore } from './adapters/memory/module-store.ts'
import { MemoryNotificationStore } from './adapters/memory/notification-store.ts'
import { MemoryPlatform } from './adapters/memory/platform.ts'
import { MemoryPostureHistoryStore } from './adapters/memory/posture-history-store.ts'
import { MemoryRuleSettingStore } from './adapters/memory/rule-setting-store.ts'
import { MemorySigmaStore } from './adapters/memory/sigma-store.ts'
import { MemorySuppressionStore } from './adapters/memory/suppression-store.ts'
import { MemoryTypeSwitchStore } from './adapters/memory/type-switch-store.ts'
import { MemoryVulnerabilityStore } from './adapters/memory/vulnerability-store.ts'
import type { EventRow, SecurityEventStore } from './data/event-store.ts'
import type { FindingBatch } from './data/finding-store.ts'
import { REMOVED_NOTE } from './findings/removed-device.ts'
import { RETRY_PAUSE_MS } from './ingestion/pipeline.ts'
import type { SecurityEvent } from './ingestion/record.ts'
import { silentLog } from './log.ts'
import { SecurityService } from './security.ts'

const agent = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const options = {
  securityModuleId: 'azureiotsecurity',
  acceptFromDevices: false,
  eventRetentionDays: 30,
}

/** What a columnar store promises, in memory: rows and cursor together. */
class MemoryEventStore implements SecurityEventStore {
  readonly rows: SecurityEvent[] = []
  through = 0

  async append(events: readonly SecurityEvent[], through: number) {
    this.rows.push(...events.filter(({ header }) => header.sequence > this.through))
    this.through = Math.max(this.through, through)
  }
  async cursor() {
    return this.through
  }
  async query() {
    return { items: [] as EventRow[], continuationToken: null }
  }
  async expire() {
    return 0
  }
  async close() {}
}

/** A finding store whose commits fail as long as a test wants, and which can be opened again. */
class FlakyFindingStore extends MemoryFindingStore {
  isFailing = false

  override async commit(batch: FindingBatch) {
    if (this.isFailing) throw new Error('no commit now')
    return super.commit(batch)
  }

  /** What it holds outlives the service, as a file does. */
  override async close() {}
}

async function open() {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const events = new MemoryEventStore()
  const findings = new FlakyFindingStore()
  const modules = new MemoryModuleStore()
  const ingestion = new MemoryIngestionStore()
  const eventSchemas = new MemoryEventSchemaStore()
  const configurations = new MemoryConfigurationStore()
  const indicators = new MemoryIndicatorStore()
  const ruleSettings = new MemoryRuleSettingStore()
  const suppressions = new MemorySuppressionStore()
  const stores = {
    ...{ events, findings, modules, configurations, ingestion, eventSchemas },
    ...{ indicators, ruleSettings, suppressions, groups: new MemoryGroupStore() },
    ...{ typeSwitches: new MemoryTypeSwitchStore(), credentials: new MemoryCredentialStore() },
    vulnerabilities: new MemoryVulnerabilityStore(),
    ...{ postureHistory: new MemoryPostureHistoryStore(), sigma: new MemorySigmaStore() },
    customChecks: new MemoryCustomCheckStore(),
  }
  const notifying = {
    notifications: new MemoryNotificationStore(),
    openTransport: () => new RecordingTransport(),
  }
  const ports = { platform, ...stores, ...notifying, clock, log: silentLog }
  const start = async () => {
    const service = new SecurityService(ports, options)
    await service.start()
    return service
  }
  platform.addDevice('pump-1')
  await platform.createModule(agent, {})
  return { ...ports, start }
}

let ids = 0

function message(commandLine: string): Uint8Array {
  const now = new Date(Date.UTC(2024, 0, 1)).toISOString()
  const process = { Executable: '/bin/sh', ProcessId: 1, ParentProcessId: 1, UserId: '0' }
  const event = {
    Id: `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    EventType: 'Security',
    Category: 'Triggered',
    Name: 'ProcessCreate',
    PayloadSchemaVersion: '1.0',
    TimestampLocal: now,
    TimestampUTC: now,
    IsEmpty: false,
    Payload: [{ ...process, CommandLine: commandLine }],
  }
  const envelope = { AgentVersion: '0.0.6', AgentId: '2f9a1a34-5d6b-4a2e-9d0c-7c1f2b3a4d5e' }
  const body = { ...envelope, MessageSchemaVersion: '1.0', Events: [event] }
  return Buffer.from(JSON.stringify(body))
}

test('findings that cannot be committed are tried again: nothing is lost, nothing counted twice', async () => {
  const { clock, platform, events, findings, start } = await open()
  const service = await start()
  findings.isFailing = true
  platform.sendMessage(agent, message('history -c'))
  await clock.advance(0)
  assert.match(service.unhealthy() ?? '', /not processed/)
  findings.isFailing = false
  await clock.advance(RETRY_PAUSE_MS)
  assert.equal(service.unhealthy(), undefined)
  const { items } = await service.findings.alerts({ limit: 10 })
  assert.deepEqual(
    items.map(({ alertType, count }) => [alertType, count]),
    [['IoT_ClearHistoryFile', 1]],
  )
  await service.close()
  assert.equal(events.rows.length, 1)
})

test('a service that starts anew goes on where both stores are', async () => {
  const { clock, platform, events, findings, start } = await open()
  const first = await start()
  platform.sendMessage(agent, message('history -c'))
  await clock.advance(0)
  await first.close()
  // As after a crash: findings were committed, the raw events were not.
  events.rows.length = 0
  events.through = 0
  const second = await start()
  platform.sendMessage(agent, message('iptables -F'))
  await clock.advance(0)
  const { items } = await second.findings.alerts({ limit: 10 })
  await second.close()
  assert.deepEqual(items.map(({ alertType, count }) => [alertType, count]).sort(), [
    ['IoT_ClearHistoryFile', 1],
    ['IoT_DisableFirewall', 1],
  ])
  assert.equal(events.rows.length, 2)
  assert.equal(await findings.cursor(), 2)
})

test('messages are released only when both stores hold them', async () => {
  const { clock, platform, events, start } = await open()
  const service = await start()
  platform.sendMessage(agent, message('ls'))
  await clock.advance(500)
  assert.equal((await platform.readMessages(0, 10)).length, 1, 'the rows still wait')
  await clock.advance(60_000)
  assert.equal(events.rows.length, 1)
  assert.equal((await platform.readMessages(0, 10)).length, 0)
  await service.close()
})

test('a status that a person sets is not lost to a find at the same moment', async () => {
  const { clock, platform, start } = await open()
  const service = await start()
  platform.sendMessage(agent, message('history -c'))
  await clock.advance(0)
  const [alert] = (await service.findings.alerts({ limit: 1 })).items
  assert.ok(alert)
  platform.sendMessage(agent, message('history -c'))
  const changed = service.findings.changeAlert(alert.id, { status: 'InProgress' }, 'operator')
  await clock.advance(0)
  await changed
  const after = await service.findings.alert(alert.id)
  assert.deepEqual([after.status, after.count], ['InProgress', 2])
  await service.close()
})

test('who may not send security messages is refused with a reason', async () => {
  const { clock, platform, start } = await open()
  const service = await start()
  await platform.createModule({ ...agent, moduleId: 'camera' }, {})
  platform.sendMessage({ ...agent, moduleId: 'camera' }, message('history -c'))
  await clock.advance(0)
  const { items } = await service.rejected({ limit: 10 })
  assert.match(items[0]?.reason ?? '', /camera is not a security module/)
  assert.deepEqual((await service.findings.alerts({ limit: 10 })).items, [])
  await service.close()
})

/** The alert of a device that did this, once it is there. */
async function alertAfter(world: Awaited<ReturnType<typeof open>>, command: string) {
  world.platform.sendMessage(agent, message(command))
  await world.clock.advance(0)
  const { items } = await world.findings.listAlerts({ deviceId: 'pump-1', limit: 10 })
  assert.ok(items[0], 'an alert was raised')
  return items[0]
}

test('what was open of a removed device is closed and kept, and no other of its id inherits it', async () => {
  const world = await open()
  const { clock, platform, findings, start } = world
  const service = await start()
  const alert = await alertAfter(world, 'history -c')
  await service.findings.changeAlert(alert.id, { status: 'Dismissed' }, 'robin')
  const id = 'IoT_OpenPorts|pump-1'
  await findings.commit({ recommendations: [recommendation(id)] })
  platform.removeDevice('pump-1')
  await settle()
  const [closed] = (await findings.listAlerts({ limit: 10 })).items
  assert.deepEqual([closed?.id, closed?.status], [alert.id, 'Dismissed'])
  assert.equal(await findings.findRecommendation(id), undefined)
  const [kept, ...more] = (await findings.listRecommendations({ limit: 10 })).items
  assert.deepEqual(more, [])
  assert.equal(kept?.state, 'Resolved')
  assert.equal(kept?.history?.at(-1)?.note, REMOVED_NOTE)
  assert.equal(await findings.findAgent('pump-1'), undefined)

  platform.addDevice('pump-1')
  await platform.createModule(agent, {})
  await clock.advance(0)
  platform.sendMessage(agent, message('history -c'))
  await clock.advance(0)
  const alerts = (await findings.listAlerts({ deviceId: 'pump-1', limit: 10 })).items
  assert.deepEqual(alerts.map(({ status }) => status).sort(), ['Active', 'Dismissed'])
  await findings.commit({ recommendations: [recommendation(id)] })
  const found = await findings.findRecommendation(id)
  assert.deepEqual([found?.reopened, found?.deviceRemovedMs], [1, undefined], 'as it was put there')
  await service.close()
})

test('a device that went while nobody listened is found by the next pass over all devices', async () => {
  const world = await open()
  const { clock, platform, start } = world
  const service = await start()
  const alert = await alertAfter(world, 'history -c')
  await service.close()
  platform.removeDevice('pump-1')
  const next = await start()
  await clock.advance(1_000)
  const closed = await next.findings.alert(alert.id)
  assert.deepEqual([closed.status, closed.history.at(-1)?.note], ['Resolved', REMOVED_NOTE])
  await next.close()
})

test('a fire drill where nobody can send as an agent begins at the pipeline, and tells no lie of the agent', async () => {
  const { start, platform, findings } = await open()
  platform.sendSecurityMessage = async () => {
    throw new HubError('NotImplemented', 'Only a module itself can send to this hub.')
  }
  const service = await start()
  const { steps, brokenAt } = await service.reporting.drill('pump-1')
  assert.deepEqual(
    steps.map(({ step, state }) => `${step} ${state}`),
    [
      ...['module passed', 'message skipped', 'pipeline passed', 'rule passed', 'alert passed'],
      ...['route failed', 'notification skipped', 'cleanup passed'],
    ],
  )
  assert.equal(brokenAt, 'route')
  const [alert, ...more] = (await findings.listAlerts({ limit: 10 })).items
  assert.deepEqual(more, [])
  assert.equal(alert?.status, 'Resolved')
  assert.equal(await findings.findAgent('pump-1'), undefined)
  await service.close()
})
