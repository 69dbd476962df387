import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import type { Alert } from '../../src/detection/alert.ts'
import { BulkChanges } from '../../src/findings/bulk.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../src/groups/group-settings.ts'
import { detectionWorld } from '../detection-world.ts'

// Whatever agents send again, people change and operators set meanwhile: each finding is counted
// exactly once, in one alert or under one reason, and each alert's status follows from its history.

const COMMANDS = ['history -c', 'iptables -F', 'useradd -o -u 0 bob', 'ls'] as const
/** Findings of each of them. */
const FINDS = [1, 1, 1, 0] as const
const HOUR_MS = 3_600_000
const TYPES = ['IoT_ClearHistoryFile', 'IoT_DisableFirewall', 'IoT_SuspiciousUseradd'] as const
const STATUSES = ['Active', 'InProgress', 'Resolved', 'Dismissed'] as const

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('run'), command: fc.nat({ max: 3 }) }) },
  fc.record({ kind: fc.constant('fail'), command: fc.nat({ max: 3 }) }),
  fc.record({ kind: fc.constant('wait'), hours: fc.nat({ max: 3 }) }),
  fc.record({
    kind: fc.constant('suppress'),
    type: fc.nat({ max: 2 }),
    hours: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('maintain'), hours: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('learn'), hours: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('off'), type: fc.nat({ max: 2 }), isEnabled: fc.boolean() }),
  fc.record({ kind: fc.constant('bulk'), status: fc.constantFrom(...STATUSES) }),
)

test('alerts: nothing is lost, counted twice or in a state that does not follow', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = await detectionWorld()
      const { clock, groups, detection, findings, changes, touch } = world
      const bulk = new BulkChanges({ findings, clock }, changes, touch)
      let finds = 0
      for (const one of steps) {
        const hours = 'hours' in one ? one.hours : 0
        const toMs = clock.now() + hours * HOUR_MS
        if ('command' in one) {
          const command = COMMANDS[one.command] ?? 'ls'
          if (one.kind === 'fail') {
            // The pipeline tries a batch again when its commit failed.
            findings.isFailing = true
            await assert.rejects(world.run(command, { again: 10_000 + finds }))
            findings.isFailing = false
          }
          await world.run(command, one.kind === 'fail' ? { again: 10_000 + finds } : {})
          finds += FINDS[one.command] ?? 0
        } else if (one.kind === 'wait') await clock.advance(hours * HOUR_MS)
        else if (one.kind === 'suppress' && 'type' in one) {
          const alertType = TYPES[one.type] ?? TYPES[0]
          const expiresUtc = new Date(toMs).toISOString()
          await detection.suppressions.create({ alertType, expiresUtc, reason: 'r' }, 'owner')
        } else if (one.kind === 'maintain') {
          const window = { fromMs: clock.now(), toMs, reason: 'firmware' }
          const maintenanceWindows = [...groups.settings.maintenanceWindows, window]
          groups.settings = { ...groups.settings, maintenanceWindows }
        } else if (one.kind === 'learn') {
          groups.settings = { ...DEFAULT_GROUP_SETTINGS, learningUntilMs: toMs }
        } else if ('isEnabled' in one) {
          await detection.settings.set(TYPES[one.type] ?? TYPES[0], { isEnabled: one.isEnabled })
        } else if ('status' in one) {
          const change = { status: one.status }
          await bulk.run({ filter: { limit: 1_000 }, change, isDryRun: false }, 'owner')
        }
      }
      const alerts = await world.alerts()
      const heldBack = await findings.noise.heldBack()
      const held = heldBack.filter(({ reason }) => reason !== 'maintenance' && reason !== 'flood')
      assert.equal(sum(alerts) + sum(held), finds)
      for (const alert of alerts) checkHistory(alert)
      await detection.close()
    }),
    fuzzRuns(60),
  )
})

function sum(counted: readonly { readonly count: number }[]): number {
  return counted.reduce((total, { count }) => total + count, 0)
}

const FOLLOWS: { readonly [status in Alert['status']]: readonly Alert['status'][] } = {
  Active: ['InProgress', 'Resolved', 'Dismissed'],
  InProgress: ['Resolved', 'Dismissed', 'Active'],
  Resolved: ['Active'],
  Dismissed: ['Active'],
}

function checkHistory({ history, status, tags }: Alert): void {
  assert.equal(history[0]?.status, 'Active')
  assert.equal(history.at(-1)?.status, status)
  for (const [at, { status: next }] of history.entries()) {
    const before = history[at - 1]?.status
    if (before) assert.ok(FOLLOWS[before].includes(next), `${before} → ${next}`)
  }
  if (tags?.includes('maintenance')) assert.equal(history[1]?.status, 'Resolved')
}
