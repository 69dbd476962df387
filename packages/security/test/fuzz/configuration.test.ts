import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConfigurationKeys,
  EARLY_CONFIGURATION_KEY,
  eraOf,
  type JsonObject,
  type JsonValue,
  LEGACY_CONFIGURATION_KEY,
  settingsOf,
} from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { arbitrarySettings } from '../../../protocol/test/arbitrary-settings.ts'
import { mergePatch } from '../../src/adapters/memory/merge.ts'
import type { ConfigurationRecord } from '../../src/configuration/configuration-store.ts'
import { planInheritance } from '../../src/configuration/inherit.ts'
import { judgeLayer, layeredFor } from '../../src/configuration/layers.ts'
import { viewConfiguration } from '../../src/configuration/view.ts'
import { sampleModule } from '../samples.ts'

const KEYS: ConfigurationKeys = {}
const NAMES = [
  ...settingsOf('legacy').keys(),
  ...settingsOf('micro').keys(),
  ...['__proto__', 'constructor', 'value', 'latest_state', 'latest_invalid_fields', ''],
]
const value = fc.oneof(
  fc.jsonValue() as fc.Arbitrary<JsonValue>,
  fc.constantFrom<JsonValue>('PT1H', 'low', true, 4096, 1e308, { value: 'PT1H' }, { value: null }),
)
const members = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string()), value))
  .map((entries): JsonObject => Object.fromEntries(entries))
/** Whatever somebody wrote or reported, under the keys of every era. */
const section = fc
  .record(
    {
      [LEGACY_CONFIGURATION_KEY]: fc.oneof(members, value),
      [EARLY_CONFIGURATION_KEY]: fc.oneof(members, value),
    },
    { requiredKeys: [] },
  )
  .chain((objects) => members.map((flat) => ({ ...flat, ...objects }) as JsonObject))
const moduleId = fc.constantFrom('azureiotsecurity', 'DefenderIotMicroAgent')

test('whatever is in a twin, what is inherited is planned, and once it is written nothing is left', () => {
  const layers = fc.tuple(arbitrarySettings('legacy'), arbitrarySettings('micro'))
  const property = fc.property(moduleId, section, layers, (id, desired, [legacy, micro]) => {
    const module = sampleModule({
      ref: { deviceId: 'd', moduleId: id },
      desired: mergePatch({}, desired),
    })
    const hub = { group: null, legacy, micro, version: 1, changedMs: 1, by: 'owner' }
    const layered = layeredFor(eraOf(id, module), hub, undefined)
    const plan = planInheritance(module, layered, undefined, KEYS)
    assert.ok(plan)
    if (plan.desired === undefined) return
    const desiredVersion = module.desiredVersion + 1
    const after = { ...module, desiredVersion, desired: mergePatch(module.desired, plan.desired) }
    const record: ConfigurationRecord = { ref: module.ref, desiredVersion, ...plan.memory }
    const again = planInheritance(after, layered, record, KEYS)
    assert.deepEqual(again?.changes, [])
    assert.deepEqual(again.now.own, plan.now.own)
  })
  fc.assert(property, fuzzRuns(150))
})

test('whatever is desired and reported, the view of it is made', () => {
  const property = fc.property(moduleId, section, section, (id, desired, reported) => {
    const module = sampleModule({ ref: { deviceId: 'd', moduleId: id }, desired, reported })
    const { drift, effective } = viewConfiguration(module, KEYS)
    for (const { desired: wanted, reported: running } of drift) {
      for (const one of [wanted, running]) assert.notEqual(typeof one, 'function')
    }
    assert.ok(Object.keys(effective).length > 0)
  })
  fc.assert(property, fuzzRuns(150))
})

test('whatever is asked of a layer, it is judged name by name, and what is kept may be written', () => {
  const property = fc.property(members, (changes) => {
    const nothing = { legacy: {}, micro: {} }
    const judged = judgeLayer(nothing, changes)
    const kept = { ...judged.legacy, ...judged.micro }
    const again = judgeLayer(nothing, kept)
    assert.deepEqual(again.mistakes, [])
    assert.deepEqual({ ...again.legacy, ...again.micro }, kept)
  })
  fc.assert(property, fuzzRuns(150))
})
