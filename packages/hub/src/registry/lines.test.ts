import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Line, splitLines } from './lines.ts'

async function linesOf(chunks: readonly Uint8Array[], firstLine?: number): Promise<Line[]> {
  const lines: Line[] = []
  async function* source() {
    yield* chunks
  }
  for await (const batch of splitLines(source(), firstLine)) lines.push(...batch.lines)
  return lines
}

test('splitLines: however the bytes are cut, the lines are the same', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'ä', '😀', '\n', '\r', '"'), maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (whole, size) => {
      const bytes = Buffer.from(whole)
      const chunks: Buffer[] = []
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
      const expected = whole.split('\n')
      if (expected.at(-1) === '') expected.pop()
      const lines = await linesOf(chunks)
      assert.deepEqual(
        lines.map(({ text }) => text),
        expected,
      )
      assert.deepEqual(
        lines.map(({ number }) => number),
        expected.map((_, at) => at + 1),
      )
    }),
  )
})

test('splitLines: a line that is too long or no UTF-8 has no text, its neighbours have theirs', async () => {
  const long = Buffer.alloc(512 * 1024 + 1, 'x')
  const bytes = [
    Buffer.from('\ufeffa\n'),
    long,
    Buffer.from('\nb\n'),
    Buffer.from([0xc3, 0x0a, 0x63]),
  ]
  assert.deepEqual(await linesOf(bytes, 11), [
    { number: 11, text: 'a' },
    { number: 12 },
    { number: 13, text: 'b' },
    { number: 14 },
    { number: 15, text: 'c' },
  ])
})
