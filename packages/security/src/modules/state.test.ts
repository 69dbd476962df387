import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsOf, shapeConfiguration, writeConfiguration } from '@twinward/protocol'
import { NOW_MS, sampleAgent, sampleModule } from '../../test/samples.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { describeModule, SILENCE_LIMIT_MS } from './state.ts'

const desired = writeConfiguration({}, 'legacy')

function stateOf(changes: Partial<PlatformModule>, agent: AgentState | undefined = sampleAgent()) {
  return describeModule(sampleModule({ desired, ...changes }), agent, NOW_MS).state
}

function stateWithoutAgent(changes: Partial<PlatformModule>) {
  return describeModule(sampleModule({ desired, ...changes }), undefined, NOW_MS).state
}

test('describeModule: provisioned until its agent was here for the first time', () => {
  const unborn = { connected: false, lastActivityMs: 0 }
  assert.equal(stateWithoutAgent(unborn), 'provisioned')
  assert.equal(stateWithoutAgent({ ...unborn, connected: true }), 'configError')
  assert.equal(stateWithoutAgent({ connected: true, desiredUpdatedMs: NOW_MS }), 'pendingConfig')
})

test('describeModule: active when the agent runs what is desired and speaks', () => {
  assert.equal(stateOf({ reported: desired }), 'active')
})

test('describeModule: a change the agent has not applied is pending, then an error', () => {
  const reported = shapeConfiguration({ snapshotFrequency: 'PT1H' }, 'legacy')
  assert.equal(stateOf({ reported, desiredUpdatedMs: NOW_MS - 1 }), 'pendingConfig')
  assert.equal(stateOf({ reported, connected: false }), 'pendingConfig')
  assert.equal(stateOf({ reported, desiredUpdatedMs: NOW_MS - 3_600_000 }), 'configError')
})

test('describeModule: silent after 72 hours without a message, to the millisecond', () => {
  const lastMessageMs = NOW_MS - SILENCE_LIMIT_MS
  assert.equal(stateOf({ reported: desired }, sampleAgent({ lastMessageMs })), 'silent')
  const justNot = sampleAgent({ lastMessageMs: lastMessageMs + 1 })
  assert.equal(stateOf({ reported: desired }, justNot), 'active')
  assert.equal(stateWithoutAgent({ reported: desired, lastActivityMs: lastMessageMs }), 'silent')
})

test('describeModule: suspended by the tag, or when every collector is off', () => {
  const reported = desired
  assert.equal(stateOf({ reported, tags: { securityState: 'suspended' } }), 'suspended')
  const off = [...settingsOf('legacy').keys()]
    .filter((name) => name.startsWith('eventPriority'))
    .map((name) => [name, 'Off'] as const)
  const allOff = writeConfiguration(Object.fromEntries(off), 'legacy')
  assert.equal(stateOf({ desired: allOff, reported: allOff }), 'suspended')
  const oneOn = writeConfiguration(
    { ...Object.fromEntries(off), eventPriorityLogin: 'Low' },
    'legacy',
  )
  assert.equal(stateOf({ desired: oneOn, reported: oneOn }), 'active')
})

test('describeModule: retired by the tag, whatever else is true', () => {
  assert.equal(stateOf({ tags: { securityState: 'retired' } }), 'retired')
})
