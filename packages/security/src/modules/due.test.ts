import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeConfiguration } from '@twinward/protocol'
import { NOW_MS, sampleAgent, sampleAlert, sampleModule } from '../../test/samples.ts'
import { APPLY_GRACE_MS } from '../configuration/status.ts'
import { type DueInput, nextDueMs } from './due.ts'
import { describeModule, INACTIVE_AFTER_MS } from './state.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const settled = writeConfiguration({}, 'legacy')
const silentAfterMs = 72 * HOUR_MS

function dueOf(changes: Partial<DueInput> = {}) {
  const module = changes.module ?? sampleModule({ desired: settled, reported: settled })
  const { agent = sampleAgent() } = changes
  const description = describeModule(module, agent, NOW_MS)
  const input = { modules: [module], module, description, agent, alerts: [], silentAfterMs }
  return nextDueMs({ ...input, ...changes }, NOW_MS)
}

test('nextDueMs: silence is next for an agent that is well, inactivity for one that is silent', () => {
  assert.equal(dueOf(), NOW_MS + silentAfterMs)
  const lastMessageMs = NOW_MS - silentAfterMs
  const module = sampleModule({ lastActivityMs: lastMessageMs })
  assert.equal(
    dueOf({ module, agent: sampleAgent({ lastMessageMs }) }),
    lastMessageMs + INACTIVE_AFTER_MS,
  )
})

test('nextDueMs: an alert at the ages at which it weighs less', () => {
  const alert = sampleAlert({ endTimeMs: NOW_MS - 1 })
  assert.equal(dueOf({ alerts: [alert] }), NOW_MS + DAY_MS)
  const older = sampleAlert({ endTimeMs: NOW_MS - 5 * DAY_MS })
  assert.equal(dueOf({ alerts: [older] }), NOW_MS + 2 * DAY_MS + 1)
  assert.equal(dueOf({ alerts: [sampleAlert({ status: 'Dismissed' })] }), NOW_MS + silentAfterMs)
})

test('nextDueMs: a configuration under way when its grace is over', () => {
  const desiredUpdatedMs = NOW_MS - 60_000
  const module = sampleModule({ desired: settled, desiredUpdatedMs })
  assert.equal(dueOf({ module }), desiredUpdatedMs + APPLY_GRACE_MS)
})

test('nextDueMs: what was refused when it is a day old', () => {
  const hour = Math.floor(NOW_MS / HOUR_MS) - 3
  const counts = { hour, messages: 1, events: 1, dropped: 0 }
  const agent = sampleAgent({ hours: [{ ...counts, rejected: 1 }] })
  assert.equal(dueOf({ agent }), (hour + 24) * HOUR_MS)
  assert.equal(dueOf({ agent: sampleAgent({ hours: [{ ...counts, rejected: 0 }] }) }), dueOf())
})

test('nextDueMs: the end of a suspension, at once when it is over', () => {
  const ending = (ms: number) =>
    sampleModule({
      tags: { securityState: 'suspended', securityStateUntil: new Date(ms).toISOString() },
    })
  assert.equal(dueOf({ module: ending(NOW_MS + 5_000) }), NOW_MS + 5_000)
  assert.equal(dueOf({ module: ending(NOW_MS - 5_000) }), NOW_MS + 1)
})

test('nextDueMs: never for a device of which nothing was seen', () => {
  const module = sampleModule({ connected: false, lastActivityMs: 0, desired: settled })
  const agent = sampleAgent({ lastMessageMs: 0 })
  assert.equal(dueOf({ module, agent }), 0)
})
