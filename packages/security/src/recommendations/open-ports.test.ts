import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portsRecord } from '../../test/records.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import type { ListeningPort } from '../ingestion/record.ts'
import { MAX_ALLOWED_LISTENERS, parseAllowedListeners } from './allowed-listeners.ts'
import { recommendationRules } from './index.ts'
import { readNotes } from './notes.ts'
import { MAX_ENDPOINTS } from './open-ports.ts'

const refused = { name: 'HubError', code: 'ArgumentInvalid' }

function listening(...endpoints: string[]): ListeningPort[] {
  return endpoints.map((endpoint) => {
    const [protocol = '', rest = ''] = endpoint.split(/\/(.*)/s)
    const colon = rest.lastIndexOf(':')
    return { protocol, address: rest.slice(0, colon), port: rest.slice(colon + 1) }
  })
}

function assessPorts(endpoints: readonly string[], allowedListeners: readonly string[] = []) {
  const [openPorts] = recommendationRules()
  const group = { ...DEFAULT_GROUP_SETTINGS, allowedListeners }
  return openPorts?.evaluate(portsRecord(listening(...endpoints)), group, readNotes(undefined))
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
