import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  defaultSettings,
  HubError,
  type JsonObject,
  LEGACY_CONFIGURATION_KEY,
  readConfiguration,
  type SettingRemark,
  writeConfiguration,
} from '@twinward/protocol'
import fc from 'fast-check'
import { arbitrarySettings } from '../../../protocol/test/arbitrary-settings.ts'
import { sampleModule } from '../../test/samples.ts'
import { mergePatch } from '../adapters/memory/merge.ts'
import { planPatch } from './plan.ts'

const OPTIONAL = ['hubResourceId', 'eventPriorityOperational', 'snapshotFrequency']

for (const era of ['early', 'legacy'] as const) {
  test(`planPatch: for ${era}, the patch alone and the twin after it say the same`, () => {
    const removals = fc.subarray(era === 'legacy' ? OPTIONAL : OPTIONAL.slice(1))
    const property = fc.property(
      arbitrarySettings(era),
      arbitrarySettings(era),
      removals,
      (before, changes, removed) => {
        const nulls = Object.fromEntries(removed.map((name) => [name, null]))
        const module = sampleModule({ desired: writeConfiguration(before, era) })
        const wanted: JsonObject = { ...defaultSettings(era), ...before, ...changes }
        const expected = mergePatch(wanted, nulls)
        const published = mergePatch(defaultSettings(era), expected)
        const plan = planPatch(module, { ...changes, ...nulls })
        const after = readConfiguration(mergePatch(module.desired, plan.desired), era)
        assert.deepEqual(after.settings, published)
        assert.deepEqual(plan.settings, published)
        const payload = readConfiguration(mergePatch({}, plan.desired), era)
        assert.deepEqual(payload.settings, after.settings)
      },
    )
    fc.assert(property, { numRuns: 60 })
  })
}

interface Vector {
  readonly name: string
  readonly moduleId: string
  readonly desired: JsonObject
  readonly changes: JsonObject
  readonly patch?: JsonObject
  readonly warnings?: readonly string[]
  readonly privileged?: readonly string[]
  readonly refused?: readonly string[]
}

const VECTORS = join(import.meta.dirname, '../../../../vectors/agent-configuration/planning.json')

test('planPatch: every vector is planned, or refused, as it says', () => {
  const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { cases: readonly Vector[] }
  assert.ok(cases.length > 0)
  for (const { name, moduleId, desired, changes, ...expected } of cases) {
    const module = sampleModule({ ref: { deviceId: 'pump-1', moduleId }, desired })
    if (expected.refused) {
      const refused = expected.refused
      assert.throws(
        () => planPatch(module, changes),
        (error) =>
          error instanceof HubError &&
          error.code === 'ArgumentInvalid' &&
          refused.every((part) => error.message.includes(part)),
        name,
      )
      continue
    }
    const plan = planPatch(module, changes)
    assert.deepEqual(plan.desired, expected.patch, name)
    assert.deepEqual(plan.warnings.map(nameOf), expected.warnings ?? [], name)
    assert.deepEqual(plan.privileged, expected.privileged ?? [], name)
  }
})

test('planPatch: the first change of a bare module writes the whole published configuration', () => {
  const { desired, warnings } = planPatch(sampleModule(), { snapshotFrequency: 'PT1H' })
  assert.deepEqual(desired, writeConfiguration({ snapshotFrequency: 'PT1H' }, 'legacy'))
  assert.deepEqual(warnings, [])
})

test('planPatch: the key of a fleet is used', () => {
  const keys = { legacy: 'fleet' }
  const module = sampleModule({ desired: { fleet: { hubResourceId: { value: 'x' } } } })
  const { desired } = planPatch(module, { hubResourceId: null }, { keys })
  assert.deepEqual(Object.keys(desired), ['fleet'])
  assert.equal((desired.fleet as JsonObject).hubResourceId, null)
})

test('planPatch: null goes back to what the layers say, in every era', () => {
  const layered = { snapshotFrequency: 'PT2H', Process_Mode: 2 }
  const own = writeConfiguration({ snapshotFrequency: 'PT1H' }, 'legacy')
  const legacy = planPatch(
    sampleModule({ desired: own }),
    { snapshotFrequency: null },
    { layered: { snapshotFrequency: 'PT2H' } },
  )
  assert.deepEqual(legacy.desired, writeConfiguration({ snapshotFrequency: 'PT2H' }, 'legacy'))
  const ref = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
  const desired = { Process_Mode: 3, Login_UsePAM: true, Of_Tomorrow: 1 }
  const changes = { Process_Mode: null, Login_UsePAM: null }
  const micro = planPatch(sampleModule({ ref, desired }), changes, { layered })
  assert.deepEqual(micro.desired, { Process_Mode: 2, Login_UsePAM: null })
  assert.deepEqual(micro.settings, { Process_Mode: 2, Of_Tomorrow: 1 })
})

test('planPatch: more changes than settings are refused without looking at them', () => {
  const changes = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`x${n}`, 1]))
  assert.throws(() => planPatch(sampleModule(), changes), { code: 'ArgumentInvalid' })
})

test('planPatch: a broken configuration object is replaced as a whole', () => {
  const module = sampleModule({ desired: { [LEGACY_CONFIGURATION_KEY]: 'off' } })
  const { desired } = planPatch(module, {})
  assert.deepEqual(mergePatch(module.desired, desired), writeConfiguration({}, 'legacy'))
})

function nameOf({ name }: SettingRemark): string {
  return name
}
