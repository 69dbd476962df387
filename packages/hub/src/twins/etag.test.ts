import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatTwinEtag } from './etag.ts'

test('formatTwinEtag: the counter as eight bytes, big-endian, up to the largest safe integer', () => {
  for (const counter of [0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt(counter))
    assert.equal(formatTwinEtag(counter), bytes.toString('base64'))
  }
  assert.equal(formatTwinEtag(1), 'AAAAAAAAAAE=')
})
