import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  configurationKey,
  type JsonObject,
  LEGACY_CONFIGURATION_KEY,
  readConfiguration,
  type Settings,
  shapeConfiguration,
  writeConfiguration,
} from '@twinward/protocol'
import fc from 'fast-check'
import { arbitrarySettings } from '../../../protocol/test/arbitrary-settings.ts'
import { sampleModule } from '../../test/samples.ts'
import { mergePatch } from '../adapters/memory/merge.ts'
import type { PlatformModule } from '../platform.ts'
import type { ConfigurationRecord } from './configuration-store.ts'
import { type InheritancePlan, planInheritance } from './inherit.ts'
import { isSame, publishedDefaults } from './provenance.ts'

const MODULE_IDS = {
  early: 'azureiotsecurity',
  legacy: 'azureiotsecurity',
  micro: 'DefenderIotMicroAgent',
} as const

type TestedEra = keyof typeof MODULE_IDS

function moduleOf(era: TestedEra, desired: JsonObject): PlatformModule {
  return sampleModule({ ref: { deviceId: 'pump-1', moduleId: MODULE_IDS[era] }, desired })
}

function plan(
  module: PlatformModule,
  hub: Settings,
  group: Settings = {},
  record?: ConfigurationRecord,
): InheritancePlan {
  const planned = planInheritance(module, { hub, group }, record)
  assert.ok(planned)
  return planned
}

/** The module and what is remembered of it after the plan has been carried out. */
function carryOut(module: PlatformModule, { desired, memory }: InheritancePlan) {
  const desiredVersion = module.desiredVersion + (desired ? 1 : 0)
  const after = mergePatch(module.desired, desired ?? {})
  const record: ConfigurationRecord = { ref: module.ref, desiredVersion, ...memory }
  return { module: { ...module, desired: after, desiredVersion }, record }
}

for (const era of ['early', 'legacy', 'micro'] as const) {
  const settings = arbitrarySettings(era)

  test(`planInheritance: for ${era}, layers arrive, own values stay, and then nothing is left`, () => {
    const property = fc.property(settings, settings, settings, (hub, group, own) => {
      const fresh = moduleOf(era, era === 'micro' ? {} : writeConfiguration({}, era))
      const first = carryOut(fresh, plan(fresh, hub, group))
      // Somebody writes past the service.
      const raw = { ...first.module, desired: mergePatch(first.module.desired, shape(era, own)) }
      const second = carryOut(raw, plan(raw, group, hub, first.record))
      const read = readConfiguration(second.module.desired, era).settings
      const expected = { ...publishedDefaults(era), ...group, ...hub }
      for (const [name, value] of Object.entries(own)) {
        // A value that the service had written itself is nobody's own.
        const before = { ...publishedDefaults(era), ...hub, ...group }[name]
        if (!isSame(era, name, before, value)) expected[name] = value
      }
      for (const name of new Set([...Object.keys(read), ...Object.keys(expected)])) {
        assert.ok(isSame(era, name, read[name], expected[name]), name)
      }
      const again = plan(second.module, group, hub, second.record)
      assert.deepEqual([again.desired, again.changes], [undefined, []])
      // Without layers everything that was inherited goes.
      const bare = carryOut(second.module, plan(second.module, {}, {}, second.record))
      const left = readConfiguration(bare.module.desired, era).settings
      for (const [name, value] of Object.entries(left)) {
        const kept = again.now.own[name] ?? publishedDefaults(era)[name]
        assert.ok(isSame(era, name, value, kept), name)
      }
    })
    fc.assert(property, { numRuns: 60 })
  })
}

function shape(era: TestedEra, settings: Settings): JsonObject {
  return shapeConfiguration(settings, era)
}

test('planInheritance: a legacy agent is told its complete object, a micro agent what differs', () => {
  const legacy = moduleOf('legacy', writeConfiguration({ eventPriorityLogin: 'Off' }, 'legacy'))
  assert.deepEqual(
    plan(legacy, { snapshotFrequency: 'PT1H' }).desired,
    writeConfiguration({ eventPriorityLogin: 'Off', snapshotFrequency: 'PT1H' }, 'legacy'),
  )
  const micro = moduleOf('micro', { Process_Mode: 1 })
  assert.deepEqual(plan(micro, { Process_Mode: 2, Login_UsePAM: true }).desired, {
    Login_UsePAM: true,
  })
})

test('planInheritance: what an automatic configuration sets, no layer writes over', () => {
  const layer = { snapshotFrequency: 'PT1H', eventPriorityLogin: 'Off' }
  for (const era of ['early', 'legacy'] as const) {
    const key = configurationKey(era) ?? ''
    const path = era === 'legacy' ? `${key}.snapshotFrequency.value` : `${key}.snapshotFrequency`
    const configured = { [path]: 'strict', 'another.eventPriorityLogin': 'odd' }
    // Its value is the default, as if the service had written it.
    const module = { ...moduleOf(era, writeConfiguration({}, era)), configured }
    const { desired, changes } = plan(module, layer)
    assert.deepEqual(desired, writeConfiguration({ eventPriorityLogin: 'Off' }, era))
    assert.deepEqual(changes, [{ name: 'eventPriorityLogin', old: 'High', new: 'Off' }])
  }
  const micro = { ...moduleOf('micro', {}), configured: { Process_Mode: 'strict' } }
  assert.equal(plan(micro, { Process_Mode: 2 }).desired, undefined)
})

test('planInheritance: another spelling of the same value is no reason to write', () => {
  const module = moduleOf('legacy', writeConfiguration({}, 'legacy'))
  assert.equal(plan(module, { snapshotFrequency: 'PT780M' }).desired, undefined)
  assert.equal(plan(module, {}).desired, undefined)
})

test('planInheritance: a twin without layers is left alone, however incomplete it is', () => {
  const partial = { [LEGACY_CONFIGURATION_KEY]: { eventPriorityLogin: { value: 'Off' } } }
  assert.equal(plan(moduleOf('legacy', partial), {}).desired, undefined)
  assert.equal(plan(moduleOf('legacy', {}), {}).desired, undefined)
})

test('planInheritance: what nobody can read is the device’s own, and goes along', () => {
  const raw = { snapshotFrequency: { value: 'soon' }, ofTomorrow: { value: [1] } }
  const module = moduleOf('legacy', { [LEGACY_CONFIGURATION_KEY]: raw })
  const { desired } = plan(module, { snapshotFrequency: 'PT1H', eventPriorityLogin: 'Off' })
  const object = desired?.[LEGACY_CONFIGURATION_KEY] as JsonObject
  assert.deepEqual(object.snapshotFrequency, { value: 'soon' })
  assert.deepEqual(object.ofTomorrow, { value: [1] })
  assert.deepEqual(object.eventPriorityLogin, { value: 'Off' })
  assert.deepEqual(object.lowPriorityMessageFrequency, { value: 'PT5H' })
})

test('planInheritance: a module made anew from its seed gets everything again', () => {
  const fresh = moduleOf('legacy', writeConfiguration({}, 'legacy'))
  const { record } = carryOut(fresh, plan(fresh, { snapshotFrequency: 'PT1H' }))
  const anew = { ...fresh, desiredVersion: 1 }
  const { changes } = plan(anew, { snapshotFrequency: 'PT1H' }, {}, record)
  assert.deepEqual(changes, [{ name: 'snapshotFrequency', old: 'PT13H', new: 'PT1H' }])
})

test('planInheritance: after a crash in a write, the twin tells whether it happened', () => {
  const fresh = moduleOf('micro', {})
  const first = carryOut(fresh, plan(fresh, { Process_Mode: 2 }))
  const next = plan(first.module, { Process_Mode: 3 }, {}, first.record)
  const intent = { baseVersion: first.module.desiredVersion, ...next.memory }
  const record = { ...first.record, intent }
  // It did not: the value is still inherited, and is written now.
  assert.deepEqual(plan(first.module, { Process_Mode: 3 }, {}, record).desired, { Process_Mode: 3 })
  // It did: there is nothing to do, and a later layer takes it back.
  const { module } = carryOut(first.module, next)
  assert.equal(plan(module, { Process_Mode: 3 }, {}, record).desired, undefined)
  assert.deepEqual(plan(module, {}, {}, record).desired, { Process_Mode: null })
})

test('planInheritance: who writes what layers said once has written a value of their own', () => {
  const fresh = moduleOf('micro', {})
  const first = carryOut(fresh, plan(fresh, { Process_Mode: 2 }))
  const own = { ...first.module, desired: { Process_Mode: 3 }, desiredVersion: 9 }
  const second = carryOut(own, plan(own, {}, {}, first.record))
  assert.deepEqual(second.module.desired, { Process_Mode: 3 })
  const back = { ...second.module, desired: { Process_Mode: 2 }, desiredVersion: 10 }
  assert.deepEqual(plan(back, {}, {}, second.record).now.own, { Process_Mode: 2 })
})

test('planInheritance: eras without twin configuration inherit nothing', () => {
  const module = sampleModule({ ref: { deviceId: 'a', moduleId: 'defender-iot-micro-agent' } })
  const layered = { hub: { Process_Mode: 2 }, group: {} }
  assert.equal(planInheritance(module, layered, undefined), undefined)
})
