import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitrarySettings } from '../../../protocol/test/arbitrary-settings.ts'
import { isEmptyLayer, judgeLayer, layeredFor, overlay } from './layers.ts'

const NOTHING = { legacy: {}, micro: {} }
const layer = { group: null, version: 1, changedMs: 1, by: 'owner' }

for (const era of ['early', 'legacy', 'micro'] as const) {
  const settings = arbitrarySettings(era)

  test(`overlay: for ${era}, layers may be put together in any grouping, and once is enough`, () => {
    const property = fc.property(settings, settings, settings, (hub, group, device) => {
      assert.deepEqual(overlay(overlay(hub, group), device), overlay(hub, overlay(group, device)))
      assert.deepEqual(overlay(hub, hub), hub)
      assert.deepEqual(overlay(overlay(hub, group), group), overlay(hub, group))
      assert.deepEqual(overlay(hub, {}), hub)
      assert.deepEqual(overlay({}, hub), hub)
    })
    fc.assert(property, { numRuns: 50 })
  })

  test(`judgeLayer: for ${era}, a change that is made twice is made once`, () => {
    const property = fc.property(settings, settings, (before, changes) => {
      const first = judgeLayer(judgeLayer(NOTHING, before), changes)
      assert.deepEqual(first.mistakes, [])
      const { legacy, micro } = judgeLayer(first, changes)
      assert.deepEqual({ legacy, micro }, { legacy: first.legacy, micro: first.micro })
      const nulls = Object.fromEntries(Object.keys({ ...before, ...changes }).map((n) => [n, null]))
      assert.ok(isEmptyLayer(judgeLayer(first, nulls)))
    })
    fc.assert(property, { numRuns: 30 })
  })
}

test('judgeLayer: each name goes to the agents that know it', () => {
  const changes = { snapshotFrequency: 'PT1H', Process_Mode: 3, Firewall_Disabled: true }
  const { legacy, micro, warnings } = judgeLayer(NOTHING, changes)
  assert.deepEqual(legacy, { snapshotFrequency: 'PT1H' })
  assert.deepEqual(micro, { Process_Mode: 3, Firewall_Disabled: true })
  assert.deepEqual(
    warnings.map(({ name }) => name),
    ['Firewall_Disabled'],
  )
})

test('judgeLayer: every mistake is named at once, with what was probably meant', () => {
  const changes = {
    snapshotFrequncy: 'PT1H',
    eventPriorityLogin: 'Medium',
    Process_Mode: 9,
    nonsense: null,
    baselineCustomChecksFilePath: '/x; reboot',
    constructor: 1,
  }
  const { mistakes } = judgeLayer(NOTHING, changes)
  assert.deepEqual(
    mistakes.map(({ name }) => name),
    Object.keys(changes),
  )
  assert.match(mistakes[0]?.reason ?? '', /did you mean snapshotFrequency\?/)
})

test('judgeLayer: values that do not go together are warned about, also across changes', () => {
  const before = { legacy: { lowPriorityMessageFrequency: 'PT10M' }, micro: {} }
  const { mistakes, warnings } = judgeLayer(before, { highPriorityMessageFrequency: 'PT11M' })
  assert.deepEqual(mistakes, [])
  assert.match(warnings[0]?.reason ?? '', /conflict/)
})

test('judgeLayer: settings of the custom checks are privileged, taking them away too', () => {
  const changes = { baselineCustomChecksFilePath: null, snapshotFrequency: 'PT1H' }
  assert.deepEqual(judgeLayer(NOTHING, changes).privileged, ['baselineCustomChecksFilePath'])
})

test('layeredFor: an era gets what its agents know and no more', () => {
  const legacy = { snapshotFrequency: 'PT1H', aggregationEnabledProcessCreate: false }
  const hub = { ...layer, legacy, micro: { Process_Mode: 3, Of_Tomorrow: 1 } }
  assert.deepEqual(layeredFor('legacy', hub, undefined).hub, legacy)
  assert.deepEqual(layeredFor('early', hub, undefined).hub, { snapshotFrequency: 'PT1H' })
  assert.deepEqual(layeredFor('micro', hub, undefined).hub, hub.micro)
  assert.deepEqual(layeredFor('rtos', hub, hub), { hub: {}, group: {} })
})
