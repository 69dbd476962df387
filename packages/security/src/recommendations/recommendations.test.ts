import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portsRecord } from '../../test/records.ts'
import type { ListeningPort } from '../ingestion/record.ts'
import { MAX_ALLOWED_LISTENERS, parseAllowedListeners } from './allowed-listeners.ts'
import { recommendationRules } from './index.ts'
import { MAX_ENDPOINTS } from './open-ports.ts'
import {
  type Assessment,
  assess,
  exempt,
  liftExemption,
  type Recommendation,
} from './recommendation.ts'

const [rule] = recommendationRules()
assert.ok(rule)
const { type } = rule
const refused = { name: 'HubError', code: 'ArgumentInvalid' }

function listening(...endpoints: string[]): ListeningPort[] {
  return endpoints.map((endpoint) => {
    const [protocol = '', rest = ''] = endpoint.split(/\/(.*)/s)
    const colon = rest.lastIndexOf(':')
    return { protocol, address: rest.slice(0, colon), port: rest.slice(colon + 1) }
  })
}

function assessPorts(endpoints: readonly string[], allowedListeners: readonly string[] = []) {
  const [openPorts] = recommendationRules({ allowedListeners })
  return openPorts?.evaluate(portsRecord(listening(...endpoints)))
}

test('open ports: what others can reach is listed, sorted, each once', () => {
  assert.deepEqual(
    assessPorts([
      ...[
        'tcp/0.0.0.0:8888',
        'tcp/127.0.0.1:631',
        'tcp/::1:631',
        'udp/fe80::1%eth0:546',
        'tcp/:::22',
      ],
      ...[
        'tcp/::ffff:127.0.0.1:9',
        'udp/0.0.0.0:8888',
        'tcp/0.0.0.0:25324',
        'udp/*:68',
        'tcp/0.0.0.0:*',
      ],
    ]),
    {
      isGood: false,
      additionalData: {
        Endpoints: '["*:68","0.0.0.0:25324","0.0.0.0:8888","[::]:22"]',
        TotalEndpoints: '4',
      },
    },
  )
})

test('open ports: no listener, and none but local or allowed ones, is a good state', () => {
  const good = { isGood: true }
  assert.deepEqual(assessPorts([]), good)
  assert.deepEqual(assessPorts(['tcp/127.0.0.1:22', 'tcp/::1:22']), good)
  const endpoints = ['tcp/0.0.0.0:22', 'udp/10.0.0.1:5353', 'tcp/0.0.0.0:443', 'tcp/:::443']
  assert.deepEqual(
    assessPorts(endpoints, ['TCP/22', 'udp/*:5353', 'tcp/0.0.0.0:443', 'tcp/[::]:443']),
    good,
  )
})

test('open ports: an allowed listener allows its protocol, address and port only', () => {
  const allowed = ['tcp/0.0.0.0:443']
  for (const other of ['udp/0.0.0.0:443', 'tcp/:::443', 'tcp/0.0.0.0:4430']) {
    assert.equal(assessPorts([other], allowed)?.isGood, false, other)
  }
})

test('open ports: a port that worms look for makes it High', () => {
  for (const port of [23, 2323, 21, 69, 512, 513, 514, 2375, 5555, 1900, 7547]) {
    const found = assessPorts([`tcp/0.0.0.0:${port}`, 'tcp/0.0.0.0:80'])
    assert.equal(found?.isGood === false && found.severity, 'High', String(port))
  }
  const found = assessPorts(['tcp/0.0.0.0:22'])
  assert.equal(found?.isGood === false && found.severity, undefined)
})

test('open ports: the list is bounded, counts all, and leaves out no risky port', () => {
  const many = Array.from({ length: 5000 }, (_, at) => `tcp/0.0.0.0:${10_000 + at}`)
  const found = assessPorts([...many, 'tcp/9.9.9.9:23'])
  assert.ok(found?.isGood === false)
  const listed = JSON.parse(found.additionalData.Endpoints ?? '') as string[]
  assert.equal(listed.length, MAX_ENDPOINTS)
  assert.ok(listed.includes('9.9.9.9:23'))
  assert.deepEqual(listed, [...listed].sort())
  assert.equal(found.additionalData.TotalEndpoints, '5001')
})

test('open ports: an address of any length is cut', () => {
  const found = assessPorts([`tcp/${'x\n'.repeat(5000)}:80`])
  assert.ok(found?.isGood === false && (found.additionalData.Endpoints?.length ?? 0) < 100)
})

test('parseAllowedListeners: a wrong entry is refused by name', () => {
  for (const entry of [
    '22',
    'tcp',
    'tcp/',
    'tcp/x',
    'icmp/1',
    'tcp/0',
    'tcp/65536',
    'tcp/:22',
    '/22',
    'tcp/022',
  ]) {
    assert.throws(() => parseAllowedListeners([entry]), refused, entry)
  }
  assert.throws(() => parseAllowedListeners(['tcp/nope']), /"tcp\/nope"/)
  assert.throws(
    () => parseAllowedListeners(Array(MAX_ALLOWED_LISTENERS + 1).fill('tcp/1')),
    refused,
  )
})

const good: Assessment = { isGood: true }
const bad: Assessment = { isGood: false, additionalData: { Endpoints: '["0.0.0.0:80"]' } }
const worse: Assessment = {
  isGood: false,
  severity: 'High',
  additionalData: { Endpoints: '["0.0.0.0:23"]' },
}

function at(timeMs: number) {
  return { deviceId: 'pump-1', timeMs }
}

function opened(timeMs = 100): Recommendation {
  const recommendation = assess(undefined, type, bad, at(timeMs))
  assert.ok(recommendation)
  return recommendation
}

test('assess: a bad state opens with the texts of its type; a good one is nothing', () => {
  assert.equal(assess(undefined, type, good, at(1)), undefined)
  assert.deepEqual(opened(), {
    ...type,
    id: 'IoT_OpenPorts|pump-1',
    deviceId: 'pump-1',
    state: 'Active',
    discoveredTimeMs: 100,
    stateChangedMs: 100,
    resolvedTimeMs: 0,
    reopened: 0,
    additionalData: { Endpoints: '["0.0.0.0:80"]' },
    exemptReason: '',
    snapshotTimeMs: 100,
  })
})

test('assess: the same again is nothing to store; other data changes no state', () => {
  const first = opened()
  assert.equal(assess(first, type, bad, at(200)), first)
  const updated = assess(first, type, worse, at(200))
  assert.equal(updated?.severity, 'High')
  assert.equal(updated?.additionalData.Endpoints, '["0.0.0.0:23"]')
  assert.deepEqual(
    [updated?.state, updated?.stateChangedMs, updated?.discoveredTimeMs],
    ['Active', 100, 100],
  )
})

test('assess: good resolves, bad again reopens the same one and counts', () => {
  const resolved = assess(opened(), type, good, at(200))
  assert.deepEqual(
    [resolved?.state, resolved?.resolvedTimeMs, resolved?.stateChangedMs],
    ['Resolved', 200, 200],
  )
  assert.equal(assess(resolved, type, good, at(300)), resolved)
  const reopened = assess(resolved, type, bad, at(400))
  assert.deepEqual(
    [reopened?.state, reopened?.reopened, reopened?.resolvedTimeMs],
    ['Active', 1, 0],
  )
  assert.equal(reopened?.discoveredTimeMs, 100)
})

test('assess: late and replayed snapshots change nothing', () => {
  const first = opened()
  assert.equal(assess(first, type, good, at(99)), first)
  const resolved = assess(first, type, good, at(200))
  assert.equal(assess(resolved, type, bad, at(100)), resolved)
  assert.equal(assess(resolved, type, good, at(200)), resolved)
})

test('exempt: stays so through good and bad, until its time is over', () => {
  const exempted = exempt(opened(), { reason: ' wanted ', untilMs: 1000 }, 150)
  assert.deepEqual(
    [exempted.state, exempted.exemptReason, exempted.stateChangedMs],
    ['Exempt', 'wanted', 150],
  )
  assert.equal(assess(exempted, type, good, at(200)), exempted)
  assert.equal(assess(exempted, type, worse, at(300))?.state, 'Exempt')
  assert.equal(assess(exempted, type, bad, at(1000))?.state, 'Active')
  assert.equal(assess(exempted, type, bad, at(1000))?.exemptUntilMs, undefined)
  assert.equal(assess(exempted, type, good, at(1000))?.state, 'Resolved')
  const forGood = exempt(opened(), { reason: 'x' }, 150)
  assert.equal(assess(forGood, type, bad, at(1e12))?.state, 'Exempt')
})

test('exempt and liftExemption: only from the state that allows it, with a reason', () => {
  const active = opened()
  const exempted = exempt(active, { reason: 'x' }, 150)
  assert.equal(liftExemption(exempted, 160).state, 'Active')
  assert.throws(() => exempt(exempted, { reason: 'x' }, 150), refused)
  assert.throws(() => liftExemption(active, 150), refused)
  assert.throws(() => exempt(active, { reason: ' ' }, 150), refused)
  assert.throws(() => exempt(active, { reason: 'x'.repeat(1001) }, 150), refused)
  assert.throws(() => exempt(active, { reason: 'x', untilMs: 150 }, 150), refused)
})
