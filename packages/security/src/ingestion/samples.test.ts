import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SecurityMessage } from '../platform.ts'
import { decodeMessage } from './decode.ts'
import { normalise } from './normalise.ts'

// What the published agent really sent, and the samples published with the schema.
const folder = process.env.TWINWARD_SECURITY_SAMPLES
const skip = folder ? false : 'TWINWARD_SECURITY_SAMPLES is not set'

function read(file: string) {
  return JSON.parse(readFileSync(join(folder ?? '', file), 'utf8'))
}

function decode(body: unknown, receivedMs: number) {
  const message: SecurityMessage = {
    ref: { deviceId: 'dev-agent-1', moduleId: 'azureiotsecurity' },
    system: {},
    application: {},
    body: Buffer.from(JSON.stringify(body)),
    sequence: 1,
    enqueuedTimeMs: receivedMs,
  }
  return decodeMessage(message, receivedMs)
}

test('samples: all published valid messages go through whole', { skip }, () => {
  const samples = read('published-samples-valid.json')
  assert.equal(samples.length, 13)
  for (const body of samples) {
    const { events, rejections } = decode(body, Date.parse('2018-10-09T18:00:00Z'))
    assert.deepEqual(rejections, [])
    assert.equal(events.length, body.Events.length)
  }
})

test('samples: all published counter-examples are refused', { skip }, () => {
  const samples = read('published-samples-invalid.json')
  assert.equal(samples.length, 6)
  for (const body of samples) {
    const { events, rejections } = decode(body, Date.parse('2018-10-09T18:00:00Z'))
    assert.deepEqual(events, [])
    assert.equal(rejections.length, 1)
  }
})

test('samples: three messages of the C agent go through whole', { skip }, () => {
  const receivedMs = Date.parse('2026-11-21T02:25:00Z')
  const [first, ...others] = [1, 2, 3].map((number) => {
    const { body } = read(`agent-c-0.0.6-${number}.json`)
    const decoded = decode(body, receivedMs)
    assert.deepEqual(decoded.rejections, [])
    assert.equal(decoded.events.length, body.Events.length)
    assert.equal(decoded.agentVersion, '0.0.5')
    return decoded.events
  })
  assert.deepEqual(
    others.map((events) => events.length),
    [5, 2],
  )
  const byName = new Map(first?.map((event) => [event.header.name, event]))
  assert.equal(byName.get('ListeningPorts')?.payload.length, 1_516)
  assert.deepEqual(byName.get('ConfigurationError')?.header.deviations, ['empty-triggered'])

  const records = first?.flatMap(normalise) ?? []
  assert.equal(records.length, 12)
  const ports = records.find(({ kind }) => kind === 'ports')
  assert.deepEqual(ports?.kind === 'ports' && ports.ports.map(({ port }) => port), [
    '8883',
    '2024',
    '443',
    '18861',
    '5671',
  ])
  const firewall = records.find(({ kind }) => kind === 'fw')
  assert.ok(firewall?.kind === 'fw' && firewall.rules.every(({ isPolicy }) => isPolicy))
})
