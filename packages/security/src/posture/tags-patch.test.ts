import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import fc from 'fast-check'
import { mergePatch } from '../adapters/memory/merge.ts'
import { type PostureSummary, SERVICE_TAGS } from './summary.ts'
import { tagsPatch } from './tags-patch.ts'

const wanted: PostureSummary = {
  posture: { score: 50 },
  alerts: {},
  recommendations: {},
  agent: { kind: 'c' },
  inventory: {},
  config: { drift: ['a'] },
}

test('tagsPatch: only what differs, null for what went, no operator tag', () => {
  const current = {
    ...wanted,
    posture: { score: 40, leftOut: { alerts: 1, recommendations: 0 } },
    alerts: { A: { severity: 'High' } },
    config: { drift: ['a', 'b'] },
    securityGroup: 'x',
  }
  assert.deepEqual(tagsPatch(current, wanted), {
    posture: { score: 50, leftOut: null },
    alerts: { A: null },
    config: { drift: ['a'] },
  })
})

test('tagsPatch: nothing to do is undefined', () => {
  assert.equal(tagsPatch({ ...wanted, securityGroup: 'x' }, wanted), undefined)
})

test('tagsPatch: merged, it makes the wanted tags of any others, and leaves the rest alone', () => {
  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.string({ maxLength: 3 }))
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(leaf, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('tree'), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
    ),
  })).tree
  const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, {
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>
  const summary = fc.record(
    {
      posture: object,
      alerts: object,
      recommendations: object,
      agent: object,
      inventory: object,
      config: object,
    },
    { noNullPrototype: true },
  )
  const tags = fc.dictionary(fc.constantFrom(...SERVICE_TAGS, 'securityGroup', 'mine'), value, {
    noNullPrototype: true,
  })
  fc.assert(
    fc.property(tags, summary, (before, after) => {
      const current = before as JsonObject
      const merged = mergePatch(current, tagsPatch(current, after) ?? {})
      assert.deepEqual(merged, { ...current, ...after })
      assert.equal(tagsPatch(merged, after), undefined)
    }),
  )
})
