import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { checkLimit, formatPageToken, parsePageToken } from './page-token.ts'

test('page token: any place comes back as it was', () => {
  const id = fc.string({ unit: 'binary', maxLength: 200 })
  const place = fc.tuple(fc.maxSafeInteger(), id).map(([order, id]) => ({ order, id }))
  fc.assert(
    fc.property(place, (given) => {
      assert.deepEqual(parsePageToken('alerts', formatPageToken('alerts', given)), given)
    }),
  )
})

test('page token: whatever we did not make for this list is refused', () => {
  const encoded = (text: string) => Buffer.from(text).toString('base64url')
  const ours = formatPageToken('alerts', { order: 5, id: 'a' })
  const others = [
    '',
    'x',
    '%%%',
    `${ours}=`,
    `${ours} `,
    ours.slice(1),
    formatPageToken('recommendations', { order: 5, id: 'a' }),
    encoded('{}'),
    encoded('null'),
    encoded('["alerts",5]'),
    encoded('["alerts", 5, "a"]'),
    encoded('["alerts",5,"a",1]'),
    encoded('["alerts","5","a"]'),
    encoded('["alerts",1.5,"a"]'),
    encoded('["alerts",1e300,"a"]'),
    'A'.repeat(1_000_000),
  ]
  for (const token of others) {
    assert.throws(() => parsePageToken('alerts', token), isArgumentInvalid, token.slice(0, 80))
  }
})

test('limit: whole numbers from 1 to 1,000 only', () => {
  for (const limit of [1, 1_000]) checkLimit(limit)
  for (const limit of [0, -1, 1.5, 1_001, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => checkLimit(limit), isArgumentInvalid)
  }
})

function isArgumentInvalid(error: unknown): boolean {
  return error instanceof HubError && error.code === 'ArgumentInvalid'
}
