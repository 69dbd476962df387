import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  EARLY_CONFIGURATION_KEY,
  type JsonObject,
  LEGACY_CONFIGURATION_KEY,
  type Settings,
  shapeConfiguration,
  writeConfiguration,
} from '@twinward/protocol'
import { sampleModule } from '../../test/samples.ts'
import type { PlatformModule } from '../platform.ts'
import { viewConfiguration } from './view.ts'

/** What the C agent reports of the published defaults: other spellings, same meanings. */
const C_REPORT: Settings = {
  maxLocalCacheSizeInBytes: 2_560_000,
  maxMessageSizeInBytes: 204_800,
  highPriorityMessageFrequency: 'PT420S',
  lowPriorityMessageFrequency: 'PT5H',
  snapshotFrequency: 'PT13H',
  baselineCustomChecksEnabled: false,
  eventPriorityOSBaseline: 'low',
  eventPriorityConnectionCreate: 'low',
  eventPriorityDiagnostic: 'low',
  eventPriorityFirewallConfiguration: 'low',
  eventPriorityListeningPorts: 'high',
  eventPriorityLocalUsers: 'high',
  eventPriorityLogin: 'high',
  eventPriorityOperational: 'high',
  eventPriorityProcessCreate: 'low',
  eventPrioritySystemInformation: 'low',
  aggregationEnabledProcessCreate: true,
  aggregationIntervalProcessCreate: 'PT60M',
  aggregationEnabledConnectionCreate: true,
  aggregationIntervalConnectionCreate: 'PT1H',
}

function view(desired: Settings, reported: Settings, rest: Partial<PlatformModule> = {}) {
  return viewConfiguration(
    sampleModule({
      desired: writeConfiguration(desired, 'legacy'),
      reported: shapeConfiguration(reported, 'legacy'),
      ...rest,
    }),
  )
}

function namesOf({ drift }: { readonly drift: readonly { readonly name: string }[] }) {
  return drift.map(({ name }) => name)
}

test('viewConfiguration: other spellings and what the C agent cannot do are no drift', () => {
  const seen = view({ eventPriorityConnectedHardware: 'High' }, C_REPORT)
  assert.equal(seen.agentKind, 'c')
  assert.deepEqual(seen.drift, [])
  assert.equal(seen.appliedVersion, 4)
})

test('viewConfiguration: a value that means something else is drift, with both values', () => {
  const seen = view({ snapshotFrequency: 'PT1H', eventPriorityLogin: 'Off' }, C_REPORT)
  assert.deepEqual(seen.drift, [
    { name: 'snapshotFrequency', desired: 'PT1H', reported: 'PT13H' },
    { name: 'eventPriorityLogin', desired: 'Off', reported: 'High' },
  ])
})

test('viewConfiguration: without desired the C agent runs its own default cache', () => {
  const reported = { ...C_REPORT, maxLocalCacheSizeInBytes: 10_485_760 }
  const module = sampleModule({ reported: shapeConfiguration(reported, 'legacy') })
  const seen = viewConfiguration(module)
  assert.deepEqual(seen.drift, [])
  assert.deepEqual(seen.effective.maxLocalCacheSizeInBytes, {
    value: 10_485_760,
    source: 'default',
  })
})

test('viewConfiguration: the C# agent is held to what it implements, also if it says nothing', () => {
  const { eventPriorityOperational: _, ...common } = C_REPORT
  const reported = { ...common, eventPriorityConnectedHardware: 'Low', hubResourceId: '' }
  const seen = view(
    { eventPriorityOperational: 'Off', eventPriorityProcessTerminate: 'High' },
    reported,
  )
  assert.equal(seen.agentKind, 'csharp')
  assert.deepEqual(namesOf(seen), ['eventPriorityProcessTerminate'])
})

test('viewConfiguration: every value comes with its source', () => {
  const { effective } = view({ snapshotFrequency: 'PT1H' }, C_REPORT)
  assert.deepEqual(effective.snapshotFrequency, { value: 'PT1H', source: 'device' })
  assert.deepEqual(effective.baselineCustomChecksFilePath, { value: null, source: 'default' })
  assert.equal(Object.keys(effective).length, 30)
})

test('viewConfiguration: without a report nothing is known, and the last known version stays', () => {
  const desired = writeConfiguration({}, 'legacy')
  const tags = { config: { appliedVersion: 3 } }
  const seen = viewConfiguration(sampleModule({ desired, tags }))
  assert.deepEqual([seen.acknowledged, seen.drift, seen.appliedVersion], [false, [], 3])
  assert.equal(viewConfiguration(sampleModule({ desired })).appliedVersion, 0)
  const absurd = { config: { appliedVersion: 99 } }
  assert.equal(viewConfiguration(sampleModule({ desired, tags: absurd })).appliedVersion, 0)
})

test('viewConfiguration: a desired value that no agent can read is drift', () => {
  const desired = { [LEGACY_CONFIGURATION_KEY]: { snapshotFrequency: { value: 'soon' } } }
  const reported = shapeConfiguration(C_REPORT, 'legacy')
  const seen = viewConfiguration(sampleModule({ desired, reported }))
  assert.ok(namesOf(seen).includes('snapshotFrequency'))
})

test('viewConfiguration: an early agent is compared under its own key', () => {
  const settings = { snapshotFrequency: 'PT1H', eventPriorityLogin: 'Low' }
  const module = sampleModule({
    desired: writeConfiguration(settings, 'early'),
    reported: { [EARLY_CONFIGURATION_KEY]: { ...C_REPORT, snapshotFrequency: 'PT60M' } },
  })
  const seen = viewConfiguration(module)
  assert.equal(seen.era, 'early')
  assert.deepEqual(namesOf(seen), ['eventPriorityLogin'])
})

const micro = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }

function microView(reported: JsonObject, rest: Partial<PlatformModule> = {}) {
  const desired = { Process_Mode: 3, Login_UsePAM: false }
  return viewConfiguration(sampleModule({ ref: micro, desired, reported, ...rest }))
}

test('viewConfiguration: a micro agent answers with a verdict', () => {
  assert.deepEqual(namesOf(microView({})), ['Process_Mode'])
  const applied = microView({ latest_state: 'success' })
  assert.deepEqual([applied.drift, applied.appliedVersion], [[], 4])
  const refused = microView({ latest_state: 'failed', latest_invalid_fields: ['Process_Mode'] })
  assert.deepEqual([refused.failed, refused.refused], [true, ['Process_Mode']])
  assert.equal(refused.appliedVersion, 0)
})

test('viewConfiguration: a verdict from before the change says nothing about it', () => {
  const times = { reportedUpdatedMs: 1_000, desiredUpdatedMs: 2_000 }
  for (const latest_state of ['success', 'failed']) {
    const seen = microView({ latest_state }, times)
    assert.deepEqual([seen.acknowledged, seen.failed], [false, false])
    assert.deepEqual(namesOf(seen), ['Process_Mode'])
  }
})

const samples = process.env.TWINWARD_SECURITY_SAMPLES
test('viewConfiguration: the real C agent drifts by value only', {
  skip: samples ? false : 'TWINWARD_SECURITY_SAMPLES is not set',
}, () => {
  const text = readFileSync(join(samples ?? '', 'agent-c-0.0.6-reported.json'), 'utf8')
  const reported = JSON.parse(text) as JsonObject
  const same = {
    highPriorityMessageFrequency: 'PT10S',
    lowPriorityMessageFrequency: 'PT20S',
    snapshotFrequency: 'PT15S',
    eventPriorityOSBaseline: 'Off',
    eventPriorityOperational: 'Low',
    aggregationEnabledProcessCreate: false,
    aggregationEnabledConnectionCreate: false,
  }
  const module = sampleModule({ desired: writeConfiguration(same, 'legacy'), reported })
  const seen = viewConfiguration(module)
  assert.deepEqual([seen.agentKind, seen.drift, seen.appliedVersion], ['c', [], 4])
  const published = { ...module, desired: writeConfiguration({}, 'legacy') }
  // The switch of the operational events is not in the published configuration.
  assert.deepEqual(new Set(namesOf(viewConfiguration(published))), new Set(Object.keys(same)))
})
