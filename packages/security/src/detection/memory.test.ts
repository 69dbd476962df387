import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { connectionRecord, header, processRecord } from '../../test/records.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import { evaluateRecords } from './evaluate.ts'
import type { RuleMemory } from './rule.ts'
import { builtInRules } from './rules/index.ts'

/** Bytes of JSON that all rules together may remember of one device. */
const MAX_DEVICE_BYTES = 128 * 1024
/** The users snapshot is the largest; everything else stays far below. */
const MAX_RULE_BYTES = 96 * 1024

function memoryWith(values: Map<string, JsonObject>): RuleMemory {
  return {
    get: (name) => values.get(name),
    // As the store does it: what is remembered goes through text.
    set: (name, value) => void values.set(name, JSON.parse(JSON.stringify(value)) as JsonObject),
  }
}

/** What a device sends that wants to fill our memory: all different, and as long as it may be. */
function flood(count: number): readonly SecurityRecord[] {
  const long = 'x'.repeat(4096)
  return Array.from({ length: count }, (_, at): readonly SecurityRecord[] => {
    const of = { eventId: `e${at}`, timeMs: 1_700_000_000_000 + at * 500 }
    const base = { hits: 1, header: header(of) }
    const address = `203.${at % 200}.${(at >> 3) % 250}.${at % 251}`
    const login = { user: `${at}${long}`, uid: '', operation: '', exe: '', remoteAddress: '' }
    const file = { mask: ['Modified'], path: `/d/${at}.${at}${long}` }
    const questions = ['id', 'w', 'who', 'last']
    return [
      processRecord({ cmd: `wget http://a/${at}${long.slice(0, 150)}`, uid: `${at}${long}` }, of),
      processRecord({ cmd: questions[at % 4] ?? '', uid: `${at}${long}` }, of),
      connectionRecord({ remoteAddress: address, remotePort: '23', bytesOut: at }, of),
      { ...base, kind: 'login', result: 'fail', ...login },
      { ...base, kind: 'login', result: 'fail', ...login, remoteAddress: address + long },
      { ...base, kind: 'file', detail: file },
    ]
  }).flat()
}

function hugeSnapshot(eventId: string): SecurityRecord {
  const groups = Array.from({ length: 500 }, (_, at) => `g${at}${'y'.repeat(100)}`)
  const users = Array.from({ length: 2000 }, (_, at) => ({
    uid: '',
    name: `u${at}${'z'.repeat(100)}`,
    groups,
  }))
  return { kind: 'users', hits: 1, header: header({ eventId }), users }
}

test('memory: whatever a device sends, what rules remember of it stays bounded', () => {
  const values = new Map<string, JsonObject>()
  const records = [hugeSnapshot('s1'), hugeSnapshot('s2'), ...flood(2000)]
  evaluateRecords(records, builtInRules(), memoryWith(values))
  assert.ok(values.size >= 6)
  let total = 0
  for (const [name, value] of values) {
    const bytes = JSON.stringify(value).length
    assert.ok(bytes <= MAX_RULE_BYTES, `${name}: ${bytes}`)
    total += bytes
  }
  assert.ok(total <= MAX_DEVICE_BYTES, `${total}`)
})

test('memory: a window goes on where it stopped when the process starts again', () => {
  const fail = (at: number): SecurityRecord => ({
    kind: 'login',
    hits: 1,
    header: header({ eventId: `e${at}`, timeMs: at * 1000 }),
    result: 'fail',
    user: 'root',
    uid: '',
    operation: '',
    exe: '',
    remoteAddress: '203.0.113.9',
  })
  const values = new Map<string, JsonObject>()
  const first = Array.from({ length: 6 }, (_, at) => fail(at))
  evaluateRecords(first, builtInRules(), memoryWith(values))
  const restored = new Map(JSON.parse(JSON.stringify([...values])) as [string, JsonObject][])
  const rest = Array.from({ length: 4 }, (_, at) => fail(6 + at))
  const success = { ...fail(20), result: 'success' } as SecurityRecord
  const findings = evaluateRecords([...rest, success], builtInRules(), memoryWith(restored))
  assert.ok(findings.some(({ rule }) => rule.type.alertType === 'IoT_Bruteforce_Success'))
})
