import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { FakeClock, settle } from '../../test/fake-clock.ts'
import { header } from '../../test/records.ts'
import { MemoryCredentialStore } from '../adapters/memory/credential-store.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { MemoryModuleStore } from '../adapters/memory/module-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { MemoryTypeSwitchStore } from '../adapters/memory/type-switch-store.ts'
import { MemoryVulnerabilityStore } from '../adapters/memory/vulnerability-store.ts'
import { viewConfiguration } from '../configuration/view.ts'
import { NO_GROUPS } from '../groups/group-lookup.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import { normalise } from '../ingestion/normalise.ts'
import type { EventHeader } from '../ingestion/record.ts'
import { silentLog } from '../log.ts'
import { describeModule } from '../modules/state.ts'
import { updateAgent } from '../posture/agent-update.ts'
import { Serial } from '../serial.ts'
import { COMPARE_INTERVAL_MS } from './module-settings-watch.ts'
import { RecommendationService } from './recommendation-service.ts'
import { Round } from './round.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const agent = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

/** The service on stores in memory, fed with events as the evaluator feeds it, on a clock of its own. */
async function open(t: { after(run: () => Promise<void>): void }) {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const findings = new MemoryFindingStore()
  const stores = {
    ...{ platform, findings, modules: new MemoryModuleStore() },
    ...{ typeSwitches: new MemoryTypeSwitchStore(), credentials: new MemoryCredentialStore() },
    ...{ vulnerabilities: new MemoryVulnerabilityStore() },
  }
  const changes = new Serial()
  const createdMs = clock.now()
  const touched = new Set<string>()
  const look = async (deviceId: string) => {
    const modules = (await platform.listModules(deviceId)) ?? []
    const module = modules.find(({ ref }) => ref.moduleId === agent.moduleId)
    const known = await findings.findAgent(deviceId)
    const common = { deviceId, sinceMs: createdMs, modules }
    if (!module) return service.see({ ...common, state: 'absent' })
    const { state } = describeModule(module, known, clock.now())
    const seen = { ...common, state, module, configuration: viewConfiguration(module) }
    return service.see({ ...seen, ...(known && { agent: known }) })
  }
  const service = new RecommendationService(
    { ...stores, groups: NO_GROUPS, clock, log: silentLog },
    { keys: {}, changes, touched: (id) => void touched.add(id), look, agentGraceMs: HOUR_MS },
  )
  await service.start()
  t.after(() => service.close())
  let sequence = 0
  /** What the evaluator does with an event, and what the keeper does after it. */
  const send = async (
    name: string,
    payload: readonly JsonObject[],
    of: Partial<EventHeader> = {},
  ) => {
    const nowMs = clock.now()
    const event = {
      header: header({
        name,
        timeMs: nowMs,
        receivedMs: nowMs,
        isEmpty: payload.length === 0,
        ...of,
      }),
      payload,
    }
    await changes.run(async () => {
      const { deviceId } = event.header.ref
      const stored = await findings.findMemory(deviceId)
      const values = new Map(Object.entries(stored?.values ?? {}) as [string, JsonObject][])
      const memory = {
        get: (key: string) => values.get(key),
        set: (key: string, value: JsonObject) => void values.set(key, value),
      }
      const round = new Round({ findings, log: silentLog }, service.judgedBy)
      for (const record of normalise(event)) {
        await round.take(record, memory, DEFAULT_GROUP_SETTINGS)
      }
      const decoded = {
        schema: '1.0',
        agentVersion: '1',
        agentId: 'a',
        events: [event],
        rejections: [],
      }
      const message = { ref: event.header.ref, enqueuedTimeMs: nowMs, sequence: ++sequence }
      const before = await findings.findAgent(deviceId)
      await findings.commit({
        recommendations: round.changed(),
        memories: [{ deviceId, values: Object.fromEntries(values) }],
        agents: [updateAgent(before, message, decoded as never)],
      })
    })
    await look(event.header.ref.deviceId)
    await settle()
  }
  const stateOf = async (type: string, deviceId = 'pump-1') =>
    (await findings.findRecommendation(`${type}|${deviceId}`))?.state
  platform.addDevice('pump-1')
  await platform.createModule(agent, {})
  return { ...stores, clock, service, send, stateOf, look, touched }
}

const PORT = { Protocol: 'tcp', LocalAddress: '0.0.0.0', LocalPort: '80', RemotePort: '*' }

test('InstallAgent: after the grace, not before, and resolved by the agent', async (t) => {
  const { clock, look, send, stateOf, touched } = await open(t)
  await look('pump-1')
  await clock.advance(HOUR_MS - 60_000)
  assert.equal(await stateOf('IoT_InstallAgent'), undefined)
  await clock.advance(2 * 60_000)
  assert.equal(await stateOf('IoT_InstallAgent'), 'Active')
  assert.ok(touched.has('pump-1'))
  await send('ListeningPorts', [])
  assert.equal(await stateOf('IoT_InstallAgent'), 'Resolved')
})

test('a snapshot that stays away for three intervals makes what it said stale, and resolves nothing', async (t) => {
  const { clock, send, stateOf } = await open(t)
  await send('ListeningPorts', [PORT])
  await send('FirewallConfiguration', [])
  const snapshotMs = 13 * HOUR_MS
  await clock.advance(3 * snapshotMs - 60_000)
  assert.equal(await stateOf('IoT_OpenPorts'), 'Active')
  await send('FirewallConfiguration', [])
  await clock.advance(2 * 60_000)
  assert.equal(await stateOf('IoT_OpenPorts'), 'Stale')
  assert.equal(await stateOf('IoT_PermissiveFirewallPolicy'), 'Active', 'that snapshot came')
  await send('ListeningPorts', [PORT])
  assert.equal(await stateOf('IoT_OpenPorts'), 'Active')
})

test('an exemption ends by itself, whatever restarts', async (t) => {
  const { clock, send, service, stateOf } = await open(t)
  await send('ListeningPorts', [PORT])
  const untilMs = clock.now() + 2 * HOUR_MS
  const id = 'IoT_OpenPorts|pump-1'
  await service.list.change(id, { state: 'Exempt', reason: 'kiosk', untilMs }, 'robin')
  await clock.advance(2 * HOUR_MS - 60_000)
  assert.equal(await stateOf('IoT_OpenPorts'), 'Exempt')
  await clock.advance(2 * 60_000)
  assert.equal(await stateOf('IoT_OpenPorts'), 'Active')
  const { history = [] } = await service.list.find(id)
  assert.deepEqual(
    history.map(({ state, by }) => `${state} ${by}`),
    ['Active engine', 'Exempt robin', 'Active engine'],
  )
})

test('what became stale while it was exempt is stale when the exemption ends', async (t) => {
  const { clock, send, service, stateOf } = await open(t)
  await send('ListeningPorts', [PORT])
  const id = 'IoT_OpenPorts|pump-1'
  const untilMs = clock.now() + 9 * DAY_MS
  await service.list.change(id, { state: 'Exempt', reason: 'kiosk', untilMs }, 'robin')
  await clock.advance(4 * DAY_MS)
  assert.equal(await stateOf('IoT_OpenPorts'), 'Exempt')
  await service.list.change(id, { state: 'Active', reason: '' }, 'robin')
  assert.equal(await stateOf('IoT_OpenPorts'), 'Stale')
  await service.list.change(id, { state: 'Exempt', reason: 'kiosk', untilMs }, 'robin')
  await clock.advance(6 * DAY_MS)
  assert.equal(await stateOf('IoT_OpenPorts'), 'Stale')
  await send('ListeningPorts', [PORT])
  assert.equal(await stateOf('IoT_OpenPorts'), 'Active')
})

test('a type that is on again is judged again by the next look', async (t) => {
  const { clock, service, stateOf, look } = await open(t)
  await look('pump-1')
  await clock.advance(2 * HOUR_MS)
  assert.equal(await stateOf('IoT_InstallAgent'), 'Active')
  await service.list.switchType('IoT_InstallAgent', true, 'robin')
  await look('pump-1')
  assert.equal(await stateOf('IoT_InstallAgent'), 'Resolved')
  await service.list.switchType('IoT_InstallAgent', false, 'robin')
  await look('pump-1')
  assert.equal(await stateOf('IoT_InstallAgent'), 'Active')
})

test('AuditdNotActive: a legacy agent that tells of no process for a day, until it does', async (t) => {
  const { clock, send, stateOf } = await open(t)
  await send('ListeningPorts', [])
  for (let hour = 0; hour < 24; hour += 6) {
    await clock.advance(6 * HOUR_MS)
    await send('ListeningPorts', [])
  }
  assert.equal(await stateOf('IoT_AuditdNotActive'), undefined)
  await clock.advance(3 * HOUR_MS)
  assert.equal(await stateOf('IoT_AuditdNotActive'), 'Active')
  await send('ProcessCreate', [{ Executable: '/bin/ls', CommandLine: 'ls' }])
  assert.equal(await stateOf('IoT_AuditdNotActive'), 'Resolved')
})

test('AuditdNotActive: not of an agent that is silent, is told not to collect, or runs elsewhere', async (t) => {
  const { clock, send, stateOf, platform } = await open(t)
  await send('ListeningPorts', [])
  await clock.advance(3 * DAY_MS)
  assert.equal(await stateOf('IoT_AuditdNotActive'), undefined, 'nobody is heard at all')
  const off = { value: 'Off' }
  const settings = { eventPriorityProcessCreate: off, eventPriorityConnectionCreate: off }
  const key = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration'
  await platform.patchTwin(agent, { desired: { [key]: settings } })
  await send('ListeningPorts', [])
  assert.equal(await stateOf('IoT_AuditdNotActive'), undefined)
  await platform.patchTwin(agent, { desired: { [key]: null } })
  await send('SystemInformation', [{ OSName: 'Windows 10 IoT Core' }])
  assert.equal(await stateOf('IoT_AuditdNotActive'), undefined)
})

const MICRO = { era: 'micro', agentVersion: '4.6' } as const
const ENTRY = {
  id: 'DEBIAN-CVE-2024-1',
  summary: 'bad',
  severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  affected: [
    {
      package: { ecosystem: 'Debian:12', name: 'openssl' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '3.0.11-1~deb12u2' }] }],
    },
  ],
}

test('VulnerablePackage: by the feed that is imported before or after the packages', async (t) => {
  const { send, service, stateOf, findings } = await open(t)
  const packages = (version: string) => [
    { packages: [{ name: 'openssl', version, purl: 'pkg:deb/debian/openssl?distro=debian-12' }] },
  ]
  await send('Sbom', packages('3.0.11-1~deb12u1'), MICRO)
  assert.equal(await stateOf('IoT_VulnerablePackage'), undefined)
  await service.vulnerabilities.import([ENTRY], { source: 'debian', by: 'robin' })
  await settle()
  const found = await findings.findRecommendation('IoT_VulnerablePackage|pump-1')
  assert.deepEqual([found?.state, found?.severity], ['Active', 'High'])
  assert.deepEqual(JSON.parse(found?.additionalData.Packages ?? ''), [
    {
      Package: 'openssl',
      Version: '3.0.11-1~deb12u1',
      Vulnerability: 'DEBIAN-CVE-2024-1',
      Score: 9.8,
      FixedVersion: '3.0.11-1~deb12u2',
    },
  ])
  await send('Sbom', packages('3.0.11-1~deb12u2'), MICRO)
  assert.equal(await stateOf('IoT_VulnerablePackage'), 'Resolved')
  await send('Sbom', packages('3.0.9-1'), MICRO)
  assert.equal(await stateOf('IoT_VulnerablePackage'), 'Active')
  await service.vulnerabilities.remove({ source: 'debian' })
  await settle()
  assert.equal(await stateOf('IoT_VulnerablePackage'), 'Resolved')
})

test('InconsistentModuleSettings: the one device of many that runs something else', async (t) => {
  const { clock, platform, look, stateOf } = await open(t)
  const deploy = async (deviceId: string, image: string) => {
    const ref = { deviceId, moduleId: '$edgeAgent' }
    const desired = { modules: { camera: { settings: { image } } } }
    if (await platform.findModule(ref)) await platform.patchTwin(ref, { desired })
    else await platform.createModule(ref, { desired })
    await look(deviceId)
  }
  for (let n = 0; n < 20; n++) {
    platform.addDevice(`edge-${n}`)
    await deploy(`edge-${n}`, n === 7 ? 'camera:old' : 'camera:new')
  }
  await clock.advance(COMPARE_INTERVAL_MS)
  assert.equal(await stateOf('IoT_InconsistentModuleSettings', 'edge-7'), 'Active')
  assert.equal(await stateOf('IoT_InconsistentModuleSettings', 'edge-6'), undefined)
  await deploy('edge-7', 'camera:new')
  await clock.advance(COMPARE_INTERVAL_MS)
  assert.equal(await stateOf('IoT_InconsistentModuleSettings', 'edge-7'), 'Resolved')
})

test('SharedCredentials: what no notice told is found by the hour, and nothing kept opens anything', async (t) => {
  const { clock, platform, stateOf, credentials } = await open(t)
  for (const id of ['a', 'b', 'c']) platform.addDevice(id)
  platform.setKeys({ deviceId: 'a' }, ['secret', 'own-a'])
  platform.setKeys({ deviceId: 'b', moduleId: 'm' }, ['secret'])
  platform.setKeys({ deviceId: 'c' }, ['own-c'])
  await clock.advance(1_000)
  assert.equal(await stateOf('IoT_SharedCredentials', 'a'), 'Active')
  assert.equal(await stateOf('IoT_SharedCredentials', 'b'), 'Active')
  assert.equal(await stateOf('IoT_SharedCredentials', 'c'), undefined)
  const kept = JSON.stringify(await credentials.sharedBy('a', 9))
  assert.ok(!kept.includes('secret'))
  platform.removeDevice('b')
  await clock.advance(1_000)
  assert.equal(await stateOf('IoT_SharedCredentials', 'a'), 'Resolved')
})

test('a type that is off opens nothing, and a start makes good what a stop left undone', async (t) => {
  const { send, service, stateOf, typeSwitches } = await open(t)
  await send('ListeningPorts', [PORT])
  await typeSwitches.setDisabled('IoT_OpenPorts', true)
  await service.list.start()
  assert.equal(await stateOf('IoT_OpenPorts'), 'Resolved')
  await send('ListeningPorts', [{ ...PORT, LocalPort: '81' }])
  assert.equal(await stateOf('IoT_OpenPorts'), 'Resolved')
  await assert.rejects(service.list.switchType('IoT_Nothing', true, 'robin'), {
    code: 'GenericNotFound',
  })
})
