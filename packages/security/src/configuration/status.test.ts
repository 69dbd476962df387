import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shapeConfiguration, writeConfiguration } from '@twinward/protocol'
import { NOW_MS, sampleAgent, sampleModule } from '../../test/samples.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { APPLY_GRACE_MS, configurationStatus } from './status.ts'
import { viewConfiguration } from './view.ts'

const desired = writeConfiguration({ snapshotFrequency: 'PT1H' }, 'legacy')
const same = writeConfiguration({ snapshotFrequency: 'PT60M' }, 'legacy')
const other = shapeConfiguration({ snapshotFrequency: 'PT13H' }, 'legacy')
const micro = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }

function stateOf(changes: Partial<PlatformModule>, agent?: AgentState) {
  const module = sampleModule({ desired, ...changes })
  return configurationStatus(module, viewConfiguration(module), agent, NOW_MS).state
}

test('configurationStatus: applied when the agent runs the same, connected or not', () => {
  assert.equal(stateOf({ reported: same }), 'applied')
  assert.equal(stateOf({ reported: same, connected: false }), 'applied')
})

test('configurationStatus: a connected agent has 15 minutes, to the millisecond', () => {
  const just = { reported: other, desiredUpdatedMs: NOW_MS - APPLY_GRACE_MS + 1 }
  assert.equal(stateOf(just), 'pending')
  assert.equal(stateOf({ ...just, desiredUpdatedMs: NOW_MS - APPLY_GRACE_MS }), 'failed')
})

test('configurationStatus: the time runs from the connection when the change came before', () => {
  const changes = { reported: other, connectionChangedMs: NOW_MS - 1_000 }
  assert.equal(stateOf(changes), 'pending')
})

test('configurationStatus: an agent that is away cannot have failed', () => {
  assert.equal(stateOf({ reported: other, connected: false }), 'offline')
  assert.equal(stateOf({ reported: {}, connected: false }), 'offline')
})

test('configurationStatus: a parse error after the change is a failure, an older one is not', () => {
  const agent = sampleAgent({
    configError: 'TypeMismatch: TwinConfiguration',
    configErrorMs: NOW_MS,
  })
  assert.equal(stateOf({ reported: same }, agent), 'failed')
  assert.equal(stateOf({ reported: same, desiredUpdatedMs: NOW_MS }, agent), 'applied')
  assert.equal(stateOf({ reported: same }, { ...agent, configError: 'NotOptimal' }), 'applied')
})

test('configurationStatus: a micro agent that says failed has failed, connected or not', () => {
  const reported = { latest_state: 'failed', latest_invalid_fields: 'Process_Mode' }
  const module = sampleModule({ ref: micro, desired: { Process_Mode: 9 }, reported })
  const status = configurationStatus(module, viewConfiguration(module), undefined, NOW_MS)
  assert.deepEqual(status, { state: 'failed', reason: 'The agent refuses Process_Mode.' })
})

test('configurationStatus: what cannot be configured by twin is applied', () => {
  const ref = { deviceId: 'pump-1', moduleId: 'defender-iot-micro-agent' }
  assert.equal(stateOf({ ref, connected: false }), 'applied')
  assert.equal(stateOf({ ref: micro, desired: {} }), 'applied')
})
