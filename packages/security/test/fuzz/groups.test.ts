import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonValue } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { compileRules } from '../../src/detection/custom/compile.ts'
import { evaluateRecords } from '../../src/detection/evaluate.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../src/groups/group-settings.ts'
import { groupView, readGroup } from '../../src/groups/group-wire.ts'
import { RULE_TYPES } from '../../src/groups/rule-types.ts'
import { connectionRecord, emptyMemory, processRecord } from '../records.ts'

const ruleTypes = Object.values(RULE_TYPES)
  .flat()
  .map(({ ruleType }) => ruleType)
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.ipV4Extended(),
  fc.tuple(fc.ipV4(), fc.nat(40)).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.nat(140)).map(([address, length]) => `${address}/${length}`),
  fc.domain(),
  fc.constantFrom('PT5M', 'PT1S', 'tcp/22', '02:30', 'Mon', '2026-01-01', '__proto__', '*.'),
)
const anything = fc.oneof(fc.jsonValue() as fc.Arbitrary<JsonValue>, text)
const rule = fc.record(
  {
    ruleType: fc.oneof(fc.constantFrom(...ruleTypes), text),
    isEnabled: fc.oneof(fc.boolean(), anything),
    minThreshold: fc.oneof(fc.nat(5), anything),
    maxThreshold: fc.oneof(fc.nat(), anything),
    timeWindowSize: text,
    allowlistValues: fc.oneof(fc.array(text), anything),
    denylistValues: fc.oneof(fc.array(text), anything),
  },
  { requiredKeys: ['ruleType'] },
)
const rules = fc.oneof({ weight: 9, arbitrary: fc.array(rule, { maxLength: 4 }) }, anything)
const window = fc.record({ days: fc.array(text), start: text, duration: text })
const group = fc.record(
  {
    timeWindowRules: rules,
    allowlistRules: rules,
    denylistRules: rules,
    thresholdRules: rules,
    settings: fc.record(
      {
        updateWindows: fc.array(window),
        allowedListeners: fc.array(text),
        allowedHardware: anything,
        failedLogins: anything,
        learningUntilUtc: text,
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonValue>
const body = fc.oneof(
  { weight: 6, arbitrary: group },
  { weight: 2, arbitrary: group.map((properties): JsonValue => ({ properties })) },
  { weight: 1, arbitrary: anything },
)

test('fuzz: what somebody sends as a group is refused in words or read, compiled and shown the same', () => {
  const property = fc.property(body, (sent) => {
    let read: ReturnType<typeof readGroup>
    try {
      read = readGroup(sent)
    } catch (error) {
      assert.ok(error instanceof HubError && error.code === 'ArgumentInvalid', String(error))
      return
    }
    const { settings = DEFAULT_GROUP_SETTINGS, ...draft } = read.draft
    const change = { version: 1, etag: 'e', changedMs: 1, by: 'owner' }
    const stored = { ...draft, settings, name: 'west', ...change }
    const shown = JSON.parse(JSON.stringify(groupView(stored))) as JsonValue
    assert.deepEqual({ ...stored, ...readGroup(shown).draft }, stored)
    const records = [
      connectionRecord({ remoteAddress: '203.0.113.5', host: 'a.example' }),
      processRecord({ exe: '/bin/x', cmd: 'x' }),
    ]
    evaluateRecords(records, compileRules(stored), emptyMemory())
  })
  fc.assert(property, fuzzRuns(300))
})
