import assert from 'node:assert/strict'
import { test } from 'node:test'
import { writeConfiguration } from '@twinward/protocol'
import { NOW_MS, sampleAgent, sampleModule } from '../../test/samples.ts'
import { viewConfiguration } from '../configuration/view.ts'
import { INACTIVE_AFTER_MS } from '../modules/state.ts'
import { countDay, inactiveSinceMs, nextExpectedMs } from './agent-health.ts'

const HOUR_MS = 3_600_000

test('countDay: what is older than 24 hours does not count', () => {
  const hour = Math.floor(NOW_MS / HOUR_MS)
  const counts = { messages: 1, events: 2, dropped: 3, rejected: 4 }
  const hours = [hour - 24, hour - 23, hour].map((one) => ({ hour: one, ...counts }))
  assert.deepEqual(countDay(sampleAgent({ hours }), NOW_MS), {
    ...{ messages: 2, events: 4, dropped: 6, rejected: 8 },
  })
  assert.deepEqual(countDay(undefined, NOW_MS), { messages: 0, events: 0, dropped: 0, rejected: 0 })
})

test('nextExpectedMs: by the snapshots of a legacy agent, by the slowest class of a micro agent', () => {
  const settings = { snapshotFrequency: 'PT2H', lowPriorityMessageFrequency: 'PT1H' }
  const legacy = sampleModule({ desired: writeConfiguration(settings, 'legacy') })
  const agent = sampleAgent({ lastMessageMs: NOW_MS })
  assert.equal(nextExpectedMs(viewConfiguration(legacy), agent), NOW_MS + 3 * HOUR_MS)
  const ref = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
  const micro = viewConfiguration(sampleModule({ ref }))
  assert.equal(nextExpectedMs(micro, agent), NOW_MS + 24 * HOUR_MS)
  assert.equal(nextExpectedMs(micro, undefined), 0)
  const rtos = { deviceId: 'pump-1', moduleId: 'defender-iot-micro-agent' }
  assert.equal(nextExpectedMs(viewConfiguration(sampleModule({ ref: rtos })), agent), 0)
})

test('inactiveSinceMs: after 60 days without a sign of any module, to the millisecond', () => {
  const seenMs = NOW_MS - INACTIVE_AFTER_MS
  const modules = [sampleModule({ lastActivityMs: seenMs })]
  assert.equal(inactiveSinceMs(modules, undefined, NOW_MS), seenMs)
  assert.equal(inactiveSinceMs(modules, sampleAgent({ lastMessageMs: seenMs + 1 }), NOW_MS), 0)
  assert.equal(inactiveSinceMs([sampleModule({ lastActivityMs: 0 })], undefined, NOW_MS), 0)
})
