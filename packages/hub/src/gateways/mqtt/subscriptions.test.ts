import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  NO_SUBSCRIPTIONS,
  subscribed,
  withoutSubscription,
  withSubscription,
} from './subscriptions.ts'

test('subscriptions: each kind comes and goes by itself', () => {
  const both = withSubscription(withSubscription(NO_SUBSCRIPTIONS, 'c2d', 1), 'inputs', 0)
  assert.ok(subscribed(both, 'c2d') && subscribed(both, 'inputs'))
  const one = withoutSubscription(both, 'c2d')
  assert.ok(!subscribed(one, 'c2d') && subscribed(one, 'inputs'))
  assert.equal(withoutSubscription(one, 'inputs'), NO_SUBSCRIPTIONS)
})

test('subscriptions: what is stored with an identity keeps its meaning', () => {
  const kinds = [
    'twin-responses',
    'desired-changes',
    'method-requests',
    'c2d',
    'inputs',
    'module-messages',
  ] as const
  assert.deepEqual(
    kinds.map((kind) => withSubscription(NO_SUBSCRIPTIONS, kind, 1)),
    [0x101, 0x202, 0x404, 0x808, 0x1010, 0x2020],
  )
  assert.deepEqual(
    kinds.map((kind) => withSubscription(0x101, kind, 0)),
    [0x001, 0x103, 0x105, 0x109, 0x111, 0x121],
  )
})
