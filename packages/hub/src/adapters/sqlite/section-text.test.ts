import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, MetadataNode, TwinSection } from '@twinward/protocol'
import fc from 'fast-check'
import { patchSection, replaceSection } from '../../twins/patch.ts'
import { parseSection, sectionTexts } from './section-text.ts'

const NOW_MS = 1_767_225_600_000

test('sectionTexts: only a stamp that differs from the parent takes room', () => {
  const old = { v: 3, t: NOW_MS }
  const now = { v: 4, t: NOW_MS + 1000 }
  const section = sectionOf({
    ...now,
    of: { fan: { ...now, of: { on: now, rpm: old } }, led: old },
  })
  const { metadata } = JSON.parse(sectionTexts(section).stamp) as { metadata: unknown }
  assert.deepEqual(metadata, [
    4,
    NOW_MS + 1000,
    { fan: { on: 0, rpm: [3, NOW_MS] }, led: [3, NOW_MS] },
  ])
})

test('parseSection: any metadata comes back as it was, with the order of its keys', () => {
  const stamp = { v: fc.integer({ min: 1, max: 3 }), t: fc.constantFrom(0, NOW_MS) }
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '10', '9'))
  const { node } = fc.letrec<{ node: MetadataNode }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4 },
      fc.record(stamp),
      fc.record({ ...stamp, of: fc.dictionary(key, tie('node')) }),
    ),
  }))
  fc.assert(
    fc.property(node, (metadata) => {
      // As a section is read: a prototype that is null is not what JSON has.
      const section = JSON.parse(JSON.stringify(sectionOf(metadata))) as TwinSection
      const { values, stamp } = sectionTexts(section)
      const parsed = parseSection(values, stamp)
      assert.deepEqual(parsed, section)
      assert.equal(JSON.stringify(parsed), JSON.stringify(section))
    }),
  )
})

test('parseSection: a section goes on as if it had never left memory', () => {
  const empty = sectionOf({ v: 1, t: NOW_MS, of: {} })
  const before = replaceSection(empty, { fan: { on: true, rpm: 900 }, tags: ['a'] }, NOW_MS, 8192)
  const patch: JsonObject = { fan: { rpm: null, mode: 'eco' }, led: 'red' }
  const inMemory = patchSection(before, patch, NOW_MS + 1000, 8192)
  const { values, stamp } = sectionTexts(before)
  const stored = patchSection(parseSection(values, stamp), patch, NOW_MS + 1000, 8192)
  assert.deepEqual(stored, inMemory)
})

function sectionOf(metadata: MetadataNode): TwinSection {
  return { values: {}, version: metadata.v, metadata, sizeBytes: 0 }
}
