import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseTimestamp } from './timestamp.ts'

const url = new URL('../../../../vectors/security-messages/timestamps.json', import.meta.url)
const vectors: { text: string; ms: number | null }[] = JSON.parse(readFileSync(url, 'utf8'))

for (const { text, ms } of vectors) {
  test(`parseTimestamp: ${JSON.stringify(text)} is ${ms === null ? 'no time' : ms}`, () => {
    assert.equal(parseTimestamp(text)?.ms ?? null, ms)
  })
}

test('parseTimestamp: what toISOString writes comes back', () => {
  for (const ms of [0, 1, 951_782_399_999, 1_709_164_800_000, 4_102_444_800_000]) {
    assert.deepEqual(parseTimestamp(new Date(ms).toISOString()), { ms, zone: 'Z', hasBlank: false })
  }
})
