import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  NO_SUBSCRIPTIONS,
  StoredSessions,
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

test('StoredSessions: beyond the limit the one that was used longest ago is forgotten', () => {
  const stored = new StoredSessions(2)
  for (const deviceId of ['a', 'b', 'a', 'c']) stored.store({ deviceId }, 1)
  assert.deepEqual(
    ['a', 'b', 'c'].map((deviceId) => stored.find({ deviceId })),
    [1, undefined, 1],
  )
})
