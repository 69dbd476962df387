import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { CLOCK_SKEW_MS, HubError } from '@twinward/protocol'
import { MemoryCertificates } from '../adapters/memory/certificates.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { Authenticator } from './authenticator.ts'
import { Authorities } from './authorities.ts'
import { HostNames } from './host-names.ts'
import type { SharedAccessPolicy } from './policies.ts'

// Tokens of those who read events (10 §6.1), signed in two ways (13, quirk 20).

const NOW_MS = 1_767_225_600_000
const LATER = NOW_MS / 1000 + 60
const keyOf = (seed: number) => Buffer.alloc(32, seed).toString('base64')
const policies: readonly SharedAccessPolicy[] = [
  { name: 'service', rights: ['ServiceConnect'], primaryKey: keyOf(1), secondaryKey: keyOf(2) },
  { name: 'device', rights: ['DeviceConnect'], primaryKey: keyOf(3), secondaryKey: keyOf(4) },
]
const clock = {
  nowMs: NOW_MS,
  now: () => clock.nowMs,
  sleep: async () => {},
  every: () => () => {},
}
const PARTITION = ['consumergroups', '$default', 'partitions', '0']

function makeAuthenticator(): Authenticator {
  clock.nowMs = NOW_MS
  const ports = {
    registry: new MemoryRegistry(),
    authorities: new Authorities(new MemoryCertificates()),
    clock,
  }
  return new Authenticator(ports, policies, new HostNames(['hub.example.net']))
}

/** A token of exactly this resource. */
function token(sr: string, key: string | Buffer = keyOf(1), policy = 'service'): string {
  const signature = createHmac('sha256', key).update(`${sr}\n${LATER}`).digest('base64')
  const sig = encodeURIComponent(signature)
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${LATER}&skn=${policy}`
}

function isRefused(reason: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.message, 'Unauthorized', 'the caller learns nothing')
    assert.match(String(error.cause), reason)
    return true
  }
}

const ENTITY = 'sb%3A%2F%2Fhub.example.net%3A5671%2Fmessages%2Fevents'

test('reader: the primary and the secondary key, as text and as bytes', () => {
  const authenticator = makeAuthenticator()
  for (const key of [keyOf(1), keyOf(2)]) {
    for (const form of [key, Buffer.from(key, 'base64')]) {
      const grant = authenticator.reader(token(ENTITY, form), PARTITION, 'ServiceConnect')
      assert.deepEqual(grant, { policyName: 'service', rights: ['ServiceConnect'] })
    }
  }
})

test('reader: a token opens what it is for and what is below it, however it is encoded', () => {
  const authenticator = makeAuthenticator()
  for (const sr of [
    'sb://hub.example.net/',
    'sb%3a%2f%2fHUB.example.net%2fhub',
    'amqps%3A%2F%2Fhub.example.net%2Fhub%2FConsumerGroups%2F%24default%2FPartitions%2F0',
    `${ENTITY}%2FConsumerGroups%2F%2524Default%2FPartitions%2F0`,
    `${ENTITY}%2FconsumerGroups`,
  ]) {
    assert.ok(authenticator.reader(token(sr), PARTITION, 'ServiceConnect'), sr)
  }
  for (const sr of [
    `${ENTITY}%2FConsumerGroups%2F%24Default%2FPartitions%2F1`,
    `${ENTITY}%2F%24management`,
    `${ENTITY}%2FConsumerGroups%2F%24Default%2FPartitions%2F0%2Fx`,
    `${ENTITY}%2FConsumer`,
  ]) {
    const read = () => authenticator.reader(token(sr), PARTITION, 'ServiceConnect')
    assert.throws(read, isRefused(/another resource/), sr)
  }
})

test('reader: another host or entity, another key, a missing right and an old token are refused', () => {
  const authenticator = makeAuthenticator()
  const read = (text: string) => () => authenticator.reader(text, PARTITION, 'ServiceConnect')
  for (const sr of ['sb://elsewhere.net/', 'sb://hub.example.net/another', 'hub.example.net']) {
    assert.throws(read(token(sr)), isRefused(/another resource/), sr)
  }
  assert.throws(read(token(ENTITY, keyOf(9))), isRefused(/wrong key/))
  assert.throws(read(token(ENTITY, keyOf(1), 'nobody')), isRefused(/unknown policy/))
  assert.throws(read(token(ENTITY, keyOf(3), 'device')), isRefused(/lacks ServiceConnect/))
  assert.throws(read('abc'), isRefused(/no shared access signature/))
  const good = token(ENTITY)
  assert.ok(read(good)())
  clock.nowMs = LATER * 1000 + CLOCK_SKEW_MS + 1
  assert.throws(read(good), isRefused(/expired/))
})

test('reader: what a reader shows opens nothing else, before and after it was seen', () => {
  const authenticator = makeAuthenticator()
  for (const sr of [ENTITY, 'sb://hub.example.net/']) {
    const text = token(sr)
    const use = () =>
      authenticator.service({ authorization: text, path: '/devices/x' }, 'ServiceConnect')
    assert.throws(use, isRefused(/another host|wrong key/))
    authenticator.reader(text, PARTITION, 'ServiceConnect')
    assert.throws(use, isRefused(/another host|wrong key/))
  }
  // The text of a key in place of its bytes is right for readers alone.
  const asText = token('hub.example.net', keyOf(1))
  const use = () => authenticator.service({ authorization: asText, path: '/' }, 'ServiceConnect')
  assert.throws(use, isRefused(/wrong key/))
})
