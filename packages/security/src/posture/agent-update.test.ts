import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { header } from '../../test/records.ts'
import type { DecodedMessage } from '../ingestion/decode.ts'
import { COUNTED_HOURS, updateAgent } from './agent-update.ts'
import { MAX_ADDRESSES } from './inventory.ts'

const HOUR_MS = 3_600_000
const message = { ref: { deviceId: 'pump-1', moduleId: 'm' }, enqueuedTimeMs: 100 * HOUR_MS }
const rejection = { ref: message.ref, sequence: 1, receivedMs: 0, reason: '', excerpt: '' }

function decoded(name: string, payload: readonly JsonObject[], rejected = 0): DecodedMessage {
  return {
    events: [{ header: header({ name }), payload }],
    rejections: Array.from({ length: rejected }, () => rejection),
    agentVersion: '0.0.6',
    agentId: 'id',
    schema: '1.0',
  }
}

test('updateAgent: a message tells version, schema and time, and counts its events', () => {
  const first = updateAgent(undefined, message, decoded('Login', [{}]))
  assert.deepEqual(
    [first.agentVersion, first.schema, first.lastMessageMs, first.events, first.moduleId],
    ['0.0.6', '1.0', message.enqueuedTimeMs, 1, 'm'],
  )
  assert.equal(updateAgent(first, message, decoded('Login', [{}])).events, 2)
})

test('updateAgent: what the agent dropped and what was refused is counted by the hour', () => {
  const dropped = [{ DroppedEvents: 3 }, { DroppedEvents: 4 }, { DroppedEvents: 'many' }]
  const first = updateAgent(undefined, message, decoded('DroppedEventsStatistics', dropped, 2))
  assert.deepEqual(first.hours, [{ hour: 100, messages: 1, events: 1, dropped: 7, rejected: 2 }])
  const second = updateAgent(first, message, decoded('Login', [{}], 1))
  assert.deepEqual(second.hours, [{ hour: 100, messages: 2, events: 2, dropped: 7, rejected: 3 }])
})

test('updateAgent: keeps the last 24 hours in which something came', () => {
  let state = updateAgent(undefined, message, decoded('Login', [{}], 1))
  for (let hour = 101; hour < 200; hour++) {
    const later = { ...message, enqueuedTimeMs: hour * HOUR_MS }
    state = updateAgent(state, later, decoded('Login', [{}], 1))
  }
  assert.equal(state.hours.length, COUNTED_HOURS)
  assert.equal(state.hours.at(-1)?.hour, 199)
})

test('updateAgent: a message that was refused whole counts as refused and tells nothing else', () => {
  const before = updateAgent(undefined, message, decoded('Login', [{}]))
  const refused: DecodedMessage = {
    events: [],
    rejections: [rejection],
    agentVersion: '',
    agentId: '',
    schema: '',
  }
  const later = { ...message, enqueuedTimeMs: 200 * HOUR_MS }
  const after = updateAgent(before, later, refused)
  assert.equal(after.agentVersion, '0.0.6')
  assert.equal(after.lastMessageMs, before.lastMessageMs)
  assert.deepEqual(after.hours.at(-1), {
    ...{ hour: 200, messages: 1, events: 0, dropped: 0, rejected: 1 },
  })
  assert.deepEqual(after.lastRejection, { timeMs: 200 * HOUR_MS, reason: '' })
})

test('updateAgent: the last system information of either era is the inventory', () => {
  const legacy = { OSName: 'Linux', OSVersion: '6.1', OsArchitecture: 'x86_64', BIOSVersion: 'b' }
  const first = updateAgent(undefined, message, decoded('SystemInformation', [legacy]))
  const expected = { osName: 'Linux', osVersion: '6.1', arch: 'x86_64', firmware: 'b' }
  assert.deepEqual(first.inventory, expected)
  const kept = updateAgent(first, message, decoded('Login', [{}]))
  assert.deepEqual(kept.inventory, expected)
  const addresses = Array.from({ length: 99 }, (_, n) => ({ mac: `m${n}`, ipv4_address: 'i' }))
  const micro = {
    ...{ os_dist: 'Debian', os_arch: 'arm\u0000', hardware_vendor: 'A'.repeat(99) },
    nics: [{ type: 'ETH', info: addresses }, null, { info: 7 }],
  }
  const next = updateAgent(kept, message, decoded('SystemInformation', [micro]))
  assert.deepEqual(next.inventory, {
    ...{ osName: 'Debian', arch: 'arm', vendor: 'A'.repeat(64) },
    macs: Array.from({ length: MAX_ADDRESSES }, (_, n) => `m${n}`),
    ips: ['i'],
  })
})

test('updateAgent: a configuration error is kept with its time', () => {
  const error = { ErrorType: 'TypeMismatch', ConfigurationName: 'x', Message: 'y' }
  const state = updateAgent(undefined, message, decoded('ConfigurationError', [error]))
  assert.equal(state.configError, 'TypeMismatch: x: y')
  assert.equal(state.configErrorMs, message.enqueuedTimeMs)
  const empty = updateAgent(state, message, decoded('ConfigurationError', []))
  assert.equal(empty.configError, 'TypeMismatch: x: y')
})
