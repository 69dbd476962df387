import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeConfiguration } from '@twinward/protocol'
import fc from 'fast-check'
import {
  NOW_MS,
  sampleAgent,
  sampleAlert,
  sampleModule,
  sampleRecommendation,
} from '../../test/samples.ts'
import type { Severity } from '../detection/alert.ts'
import { describeModule } from '../modules/state.ts'
import { MAX_SUMMARY_BYTES, type SummaryInput, summarisePosture } from './summary.ts'
import { twinBytes } from './twin-bytes.ts'

const HOUR_MS = 3_600_000
const desired = writeConfiguration({ snapshotFrequency: 'PT1H' }, 'legacy')
const reported = writeConfiguration({}, 'legacy')
const agent = sampleAgent()
const module = describeModule(sampleModule({ desired, reported }), agent, NOW_MS)

function summarise(changes: Partial<SummaryInput> = {}) {
  const nothing = { alerts: [], recommendations: [], group: 'default' }
  return summarisePosture({ ...nothing, agent, module, ...changes }, NOW_MS)
}

test('summarisePosture: a device in full', () => {
  const hour = NOW_MS / HOUR_MS
  const summary = summarise({
    group: 'outside',
    alerts: [
      sampleAlert({ severity: 'Medium', endTimeMs: NOW_MS - HOUR_MS }),
      sampleAlert({ severity: 'High', endTimeMs: NOW_MS - 2 * HOUR_MS, status: 'InProgress' }),
      sampleAlert({ alertType: 'IoT_Other', status: 'Resolved' }),
    ],
    recommendations: [
      sampleRecommendation({ additionalData: { Endpoints: '["0.0.0.0:22","0.0.0.0:80"]' } }),
      sampleRecommendation({ recommendationType: 'IoT_Baseline', state: 'Exempt' }),
    ],
    agent: sampleAgent({
      lastMessageMs: NOW_MS - 1,
      inventory: { osName: 'Linux', macs: ['1', '2', '3', '4', '5'] },
      hours: [
        { hour: hour - 24, messages: 1, events: 1, dropped: 1000, rejected: 1000 },
        { hour: hour - 23, messages: 1, events: 1, dropped: 2, rejected: 3 },
        { hour, messages: 1, events: 1, dropped: 5, rejected: 7 },
      ],
    }),
  })
  assert.deepEqual(summary, {
    posture: {
      score: 55,
      group: 'outside',
      era: 'legacy',
      openAlerts: { high: 1, medium: 1, low: 0 },
    },
    alerts: {
      IoT_Bruteforce_Success: {
        severity: 'High',
        openCount: 2,
        lastDetectionUtc: '2023-12-31T23:00:00Z',
      },
    },
    recommendations: {
      IoT_OpenPorts: {
        severity: 'Medium',
        state: 'Active',
        discoveredAtUtc: '2024-01-01T00:00:00Z',
        count: 2,
      },
    },
    agent: {
      kind: 'csharp',
      version: '0.0.6',
      lastMessageUtc: '2023-12-31T23:59:00Z',
      schema: '1.0',
      droppedEvents24h: 7,
      rejected24h: 10,
      state: 'configError',
    },
    inventory: { osName: 'Linux', macs: ['1', '2', '3', '4'] },
    config: {
      desiredVersion: 4,
      appliedVersion: 0,
      state: 'failed',
      drift: ['snapshotFrequency'],
    },
  })
})

test('summarisePosture: without a message yet, nothing is made up about the agent', () => {
  assert.deepEqual(summarise({ agent: undefined }).agent, { kind: 'csharp', state: 'configError' })
})

test('summarisePosture: a group whose name is too long to be configured is left out', () => {
  const group = 'g'.repeat(128)
  assert.equal(summarise({ group }).posture.group, group)
  assert.equal('group' in summarise({ group: `${group}g` }).posture, false)
  const none = { high: 0, medium: 0, low: 0 }
  assert.deepEqual(summarise({ group: '' }).posture.openAlerts, none)
})

test('summarisePosture: a type becomes a name that a twin takes', () => {
  const { recommendations } = summarise({
    recommendations: [sampleRecommendation({ recommendationType: 'IoT_CISBenchmarks_3.3 $5' })],
  })
  assert.deepEqual(Object.keys(recommendations), ['IoT_CISBenchmarks_3_3__5'])
})

test('summarisePosture: what an agent says of itself cannot break the twin', () => {
  const hostile = sampleAgent({ agentVersion: `\u0000${'9'.repeat(10_000)}`, schema: '\ud800x' })
  const { version, schema } = summarise({ agent: hostile }).agent
  assert.equal(version, '9'.repeat(63))
  assert.equal(schema, 'x')
})

test('summarisePosture: the least severe and the oldest go first, counted', () => {
  const severities: readonly Severity[] = ['Low', 'High', 'Medium']
  const alerts = Array.from({ length: 300 }, (_, n) =>
    sampleAlert({
      alertType: `IoT_Type_${n}`,
      severity: severities[n % 3] ?? 'Low',
      endTimeMs: NOW_MS - n * 1000,
    }),
  )
  const summary = summarise({
    alerts,
    recommendations: [sampleRecommendation({ severity: 'Low' })],
  })
  const kept = Object.keys(summary.alerts)
  assert.equal(kept[0], 'IoT_Type_1')
  assert.ok(kept.length > 50)
  assert.ok(Object.values(summary.alerts).every((one) => JSON.stringify(one).includes('"High"')))
  assert.deepEqual(summary.posture.leftOut, { alerts: 300 - kept.length, recommendations: 1 })
  assert.deepEqual(summary.posture.openAlerts, { high: 100, medium: 100, low: 100 })
})

test('summarisePosture: never takes more than its bytes, and is cut only when it must be', () => {
  const type = fc.string({ maxLength: 140 })
  const severity = fc.constantFrom<Severity>('Informational', 'Low', 'Medium', 'High')
  const findings = fc.array(fc.tuple(type, severity), { maxLength: 120 })
  const name = fc.string({ unit: 'grapheme', maxLength: 140 })
  fc.assert(
    fc.property(findings, findings, name, (alerts, recommendations, group) => {
      const summary = summarise({
        group,
        alerts: alerts.map(([alertType, one]) => sampleAlert({ alertType, severity: one })),
        recommendations: recommendations.map(([recommendationType, one]) =>
          sampleRecommendation({ recommendationType, severity: one }),
        ),
      })
      const bytes = twinBytes(summary)
      assert.ok(bytes <= MAX_SUMMARY_BYTES, `${bytes} bytes`)
      if (summary.posture.leftOut !== undefined) assert.ok(bytes > MAX_SUMMARY_BYTES - 400)
    }),
    { numRuns: 60 },
  )
})
