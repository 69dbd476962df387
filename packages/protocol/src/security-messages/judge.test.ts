import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { findDeviations, securityDeviations } from './deviations.ts'
import type { SecurityEventHeader, SecurityMessageSchema } from './envelope.ts'
import { refuseEnvelope, refuseEvent } from './judge.ts'
import { MAX_EVENTS_PER_MESSAGE } from './limits.ts'

interface Message {
  MessageSchemaVersion: SecurityMessageSchema
  Events: SecurityEventHeader[]
}

const accepted = vectors<{ name: string; deviations: string[]; message: Message }>('accepted')
const rejectedMessages = vectors<{ name: string; reason: string; message: unknown }>(
  'rejected-messages',
)
const rejectedEvents = vectors<{
  name: string
  reason: string
  schema: SecurityMessageSchema
  event: unknown
}>('rejected-events')

for (const { name, deviations, message } of accepted) {
  test(`accepts ${name}`, () => {
    assert.equal(refuseEnvelope(message), undefined)
    for (const event of message.Events) {
      assert.equal(refuseEvent(event, message.MessageSchemaVersion, 'Events[0]'), undefined)
    }
    const found = message.Events.map((event) => findDeviations(event, message.MessageSchemaVersion))
    assert.deepEqual([...new Set(found.flat())].sort(), deviations.toSorted())
  })
}

for (const { name, reason, message } of rejectedMessages) {
  test(`refuses a message: ${name}`, () => assert.equal(refuseEnvelope(message), reason))
}

for (const { name, reason, schema, event } of rejectedEvents) {
  test(`refuses an event: ${name}`, () => {
    assert.equal(refuseEvent(event, schema, 'Events[0]'), reason)
  })
}

test('every deviation that has a name has a vector', () => {
  const seen = new Set(accepted.flatMap(({ deviations }) => deviations))
  assert.deepEqual([...seen].sort(), Object.keys(securityDeviations).sort())
})

test('more events than the limit are a fault of the envelope', () => {
  const [first] = accepted
  const event = first?.message.Events[0]
  const full = { ...first?.message, Events: Array(MAX_EVENTS_PER_MESSAGE).fill(event) }
  assert.equal(refuseEnvelope(full), undefined)
  const over = { ...full, Events: [...full.Events, event] }
  assert.match(refuseEnvelope(over) ?? '', /^Events: .* got an array of 1001$/)
})

test('a member named __proto__ is refused where members are listed, and harmless in details', () => {
  const [first] = accepted
  const text = JSON.stringify(first?.message.Events[0])
  const header = JSON.parse(text.replace('{', '{"__proto__":{"Id":"x"},'))
  assert.match(refuseEvent(header, '1.0', 'e') ?? '', /^e\.__proto__: not a member/)
  const inElement = JSON.parse(text.replace('"Payload":[{', '"Payload":[{"__proto__":{},'))
  assert.match(refuseEvent(inElement, '1.0', 'e') ?? '', /__proto__: not a member/)
  const inDetails = JSON.parse(text.replace('"ExtraDetails":{', '"ExtraDetails":{"__proto__":"x",'))
  assert.equal(refuseEvent(inDetails, '1.0', 'e'), undefined)
  const objectInDetails = JSON.parse(
    text.replace('"ExtraDetails":{', '"ExtraDetails":{"__proto__":{"HitCount":1},'),
  )
  assert.match(refuseEvent(objectInDetails, '1.0', 'e') ?? '', /__proto__: expected a string/)
})

test('a reason repeats at most 40 characters of what was sent', () => {
  const [first] = accepted
  const event = { ...first?.message.Events[0], Category: 'x'.repeat(10_000) }
  assert.ok((refuseEvent(event, '1.0', 'Events[0]') ?? '').length < 200)
})

function vectors<T>(name: string): T[] {
  const url = new URL(`../../../../vectors/security-messages/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8'))
}
