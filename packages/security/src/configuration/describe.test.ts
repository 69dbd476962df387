import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type JsonObject,
  LEGACY_CONFIGURATION_KEY,
  shapeConfiguration,
  writeConfiguration,
} from '@twinward/protocol'
import { FakeClock } from '../../test/fake-clock.ts'
import { NOW_MS, sampleAgent, sampleModule } from '../../test/samples.ts'
import { MemoryConfigurationStore } from '../adapters/memory/configuration-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { describeModule } from '../modules/state.ts'
import type { PlatformModule } from '../platform.ts'
import type { DevicePosture } from '../posture/keeper.ts'
import { describeConfiguration } from './describe.ts'
import { type LayeredSettings, NO_LAYERS } from './layers.ts'
import { ModuleWriter } from './module-writer.ts'

const MICRO = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
const RTOS = { deviceId: 'pump-1', moduleId: 'defender-iot-micro-agent' }

async function describe(changes: Partial<PlatformModule>, layered: LayeredSettings = NO_LAYERS) {
  const clock = new FakeClock()
  const configurations = new MemoryConfigurationStore()
  const ports = { platform: new MemoryPlatform(clock), configurations, clock }
  const module = sampleModule(changes)
  const sighting = await new ModuleWriter(ports, {}).look(module)
  const description = describeModule(module, sampleAgent(), NOW_MS)
  const posture = { module, description } as DevicePosture
  const described = { posture, sighting, layered, securityGroup: 'default', keys: {} }
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into all of it
  return describeConfiguration(described) as any
}

test('what layers say counts at once, and what is on its way is named', async () => {
  const desired = writeConfiguration({ eventPriorityLogin: 'Off' }, 'legacy')
  const hub = { snapshotFrequency: 'PT1H', eventPriorityLogin: 'Low' }
  const group = { eventPriorityLocalUsers: 'Off' }
  const view = await describe({ desired }, { hub, group })
  assert.deepEqual(view.effective.snapshotFrequency, { value: 'PT1H', source: 'hub' })
  assert.deepEqual(view.effective.eventPriorityLocalUsers, { value: 'Off', source: 'group' })
  assert.deepEqual(view.effective.eventPriorityLogin, { value: 'Off', source: 'device' })
  assert.deepEqual(view.effective.lowPriorityMessageFrequency, { value: 'PT5H', source: 'default' })
  assert.deepEqual(view.inheriting, ['snapshotFrequency', 'eventPriorityLocalUsers'])
  assert.equal(view.unified.snapshotInterval, 3600)
})

test('what an automatic configuration sets is named with it, and no layer stands above', async () => {
  const settings = { eventPriorityLogin: 'Off', snapshotFrequency: 'PT10M' }
  const desired = writeConfiguration(settings, 'legacy')
  const key = LEGACY_CONFIGURATION_KEY
  const configured = {
    [`${key}.snapshotFrequency.value`]: 'strict',
    [`${key}.eventPriorityLocalUsers.value`]: 'people',
    [`${key}.hubResourceId.value`]: 'absent',
    'another.eventPriorityLogin.value': 'odd',
  }
  const group = { snapshotFrequency: 'PT1H', eventPriorityLocalUsers: 'Off' }
  const view = await describe({ desired, configured }, { hub: {}, group })
  const { snapshotFrequency, eventPriorityLocalUsers, eventPriorityLogin } = view.effective
  const source = 'configuration'
  assert.deepEqual(snapshotFrequency, { value: 'PT10M', source, configuration: 'strict' })
  assert.deepEqual(eventPriorityLocalUsers, { value: 'High', source, configuration: 'people' })
  assert.equal(eventPriorityLogin.source, 'device')
  assert.deepEqual(view.inheriting, [])
  const micro = await describe({
    ...{ ref: MICRO, desired: { Process_Mode: 2 } },
    configured: { Process_Mode: 'strict' },
  })
  assert.equal(micro.effective.Process_Mode.configuration, 'strict')
})

test('without a value in the twin, each agent has its own default', async () => {
  const report = { maxLocalCacheSizeInBytes: 10_485_760, eventPriorityOperational: 'high' }
  const reported = shapeConfiguration(report, 'legacy')
  const view = await describe({ reported })
  const name = 'maxLocalCacheSizeInBytes'
  assert.deepEqual(view.effective[name], { value: 10_485_760, source: 'default' })
  const written = await describe({ reported, desired: writeConfiguration({}, 'legacy') })
  assert.deepEqual(written.effective[name], { value: 2_560_000, source: 'default' })
})

test('a micro agent’s refusal, unknown settings and loose spellings are all seen', async () => {
  const desired = { Process_Mode: 3, Login_UsePAM: 'True', Firewall_Disabled: true, nested: {} }
  const reported = { latest_state: 'failed', latest_invalid_fields: 'Process_Mode, constructor' }
  const view = await describe({ ref: MICRO, desired, reported })
  assert.equal(view.state, 'failed')
  assert.deepEqual(view.invalidFields, ['Process_Mode', 'constructor'])
  assert.deepEqual(view.drift.at(-1), { name: 'constructor', desired: null, reported: null })
  assert.deepEqual(view.effective.Firewall_Disabled, {
    value: true,
    source: 'device',
    isUnknown: true,
  })
  const warned = view.warnings.map(({ name }: { name: string }) => name)
  assert.deepEqual(warned, ['Firewall_Disabled', 'Login_UsePAM'])
  assert.deepEqual(Object.keys(view.unknown), ['Firewall_Disabled', 'nested'])
})

test('values that do not go together are warned about, wherever they come from', async () => {
  const desired = writeConfiguration({ lowPriorityMessageFrequency: 'PT10M' }, 'legacy')
  const hub = { highPriorityMessageFrequency: 'PT11M' }
  const view = await describe({ desired }, { hub, group: {} })
  assert.match(view.warnings[0].reason, /conflict/)
})

test('the constants of an RTOS module are shown, and nothing is to be configured', async () => {
  const layered = { hub: { Process_Mode: 3 }, group: {} }
  const view = await describe({ ref: RTOS, desired: { Process_Mode: 3 } as JsonObject }, layered)
  assert.equal(view.state, 'applied')
  assert.ok(view.constants.some(({ name }: { name: string }) => name === 'highInterval'))
  assert.deepEqual(view.inheriting, [])
})
