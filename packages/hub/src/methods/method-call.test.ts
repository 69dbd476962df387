import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonValue } from '@twinward/protocol'
import { checkMethodCall, formatTimeout, type MethodCall } from './method-call.ts'

const REBOOT: MethodCall = {
  name: 'reboot',
  payload: { delay: 5 },
  responseTimeoutMs: 30_000,
  connectTimeoutMs: 0,
}

const REFUSED: readonly (readonly [string, Partial<MethodCall>, string, RegExp])[] = [
  ['no name', { name: '' }, 'ArgumentNull', /methodName/],
  ['a name of 101 characters', { name: 'm'.repeat(101) }, 'ArgumentInvalid', /100 characters/],
  ['a name with a slash', { name: 'a/b' }, 'ArgumentInvalid', /methodName/],
  ['a name with a wildcard', { name: '#' }, 'ArgumentInvalid', /methodName/],
  ['a name with a line feed', { name: 'a\nb' }, 'ArgumentInvalid', /methodName/],
  ['a name with half a character', { name: 'a\ud800' }, 'ArgumentInvalid', /methodName/],
  ['4 s for the answer', { responseTimeoutMs: 4000 }, 'ArgumentInvalid', /^response.*5 to 300/],
  ['301 s for it', { responseTimeoutMs: 301_000 }, 'ArgumentInvalid', /^response.*5 to 300/],
  ['no number', { responseTimeoutMs: Number.NaN }, 'ArgumentInvalid', /^response/],
  ['negative time to connect', { connectTimeoutMs: -1 }, 'ArgumentInvalid', /^connect.*0 to 300/],
  ['more time to connect', { connectTimeoutMs: 31_000 }, 'ArgumentInvalid', /^connect.*longer/],
  ['a payload over 128 KB', { payload: 'x'.repeat(128 * 1024 - 1) }, 'MessageTooLarge', /131072/],
  ['a payload nested 100,000 deep', { payload: nested(100_000) }, 'ArgumentInvalid', /payload/],
]
for (const [what, change, code, words] of REFUSED) {
  test(`checkMethodCall: ${what} is refused in words that name it`, () => {
    assert.throws(
      () => checkMethodCall({ ...REBOOT, ...change }),
      (error: unknown) => {
        assert.ok(error instanceof HubError)
        assert.equal(error.code, code)
        assert.match(error.message, words)
        return true
      },
    )
  })
}

function nested(depth: number): JsonValue {
  let value: JsonValue = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

test('checkMethodCall: the limits themselves are taken', () => {
  const name = 'm'.repeat(100)
  const payload = 'x'.repeat(128 * 1024 - 2)
  const times = { responseTimeoutMs: 300_000, connectTimeoutMs: 300_000 }
  assert.equal(checkMethodCall({ name, payload, ...times }), JSON.stringify(payload))
})

test('formatTimeout: hours, minutes and seconds', () => {
  assert.deepEqual([0, 30_000, 300_000, 3_661_000].map(formatTimeout), [
    '00:00:00',
    '00:00:30',
    '00:05:00',
    '01:01:01',
  ])
})
