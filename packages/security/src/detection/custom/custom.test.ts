import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { recordsOf, type Vector } from '../../../test/detection-vectors.ts'
import { emptyMemory, processRecord } from '../../../test/records.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../groups/group-settings.ts'
import { readGroup } from '../../groups/group-wire.ts'
import { RULE_TYPES } from '../../groups/rule-types.ts'
import { NO_RULES } from '../../groups/security-group.ts'
import { dedupeKey } from '../alerts.ts'
import { evaluateRecords, withCommand } from '../evaluate.ts'
import { explainRule } from '../explain/explain-rule.ts'
import { compileRules } from './compile.ts'
import { CUSTOM_ALERT_TYPES } from './custom-type.ts'

const folder = new URL('../../../../../vectors/custom-alerts/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('vectors: every custom alert that a record decides has a file', () => {
  const { allowlistRules, denylistRules, thresholdRules } = RULE_TYPES
  const types = [...allowlistRules, ...denylistRules, ...thresholdRules]
  const named = types.map(({ ruleType }) => `IoT_CA_${ruleType}.json`)
  assert.deepEqual(files.sort(), named.sort())
})

for (const name of files) {
  const { group, fires, quiet } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
    readonly group: JsonObject
    readonly fires: readonly Vector[]
    readonly quiet: readonly Vector[]
  }
  const rules = compileRules(readGroup(group).draft)
  const findings = (vector: Vector) => evaluateRecords(recordsOf(vector), rules, emptyMemory())

  test(`${name}: finds what it must, once, with its type and at severity Low`, () => {
    assert.ok(fires.length > 0)
    for (const vector of fires) {
      const found = findings(vector)
      assert.equal(found.length, 1, JSON.stringify(vector))
      assert.equal(`${found[0]?.rule.type.alertType}.json`, name)
      assert.equal(found[0]?.rule.type.severity, 'Low')
    }
  })

  test(`${name}: leaves alone what it must`, () => {
    assert.ok(quiet.length > 0)
    const wrong = quiet.filter((vector) => findings(vector).length > 0)
    assert.deepEqual(wrong, [])
  })
}

for (const name of files) {
  const { group, fires, quiet } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
    readonly group: JsonObject
    readonly fires: readonly Vector[]
    readonly quiet: readonly Vector[]
  }
  const rules = compileRules(readGroup(group).draft)

  test(`${name}: where it fires every condition holds; where it is quiet one is named`, () => {
    const answers = (vector: Vector) =>
      recordsOf(vector).flatMap((record) =>
        rules.map((rule) => {
          const analysed = withCommand(record)
          const failing = (rule.conditions ?? [])
            .filter(({ kinds, holds }) => holds && kinds.includes(record.kind))
            .filter(({ holds }) => !holds?.(analysed, emptyMemory(), DEFAULT_GROUP_SETTINGS))
          const memory = emptyMemory()
          const answer = explainRule(rule, analysed, memory, DEFAULT_GROUP_SETTINGS)
          return { rule, answer, failing }
        }),
      )
    for (const { answer, failing } of fires.flatMap(answers)) {
      if (answer.kind === 'matched') assert.deepEqual(failing, [])
    }
    for (const { rule, answer } of quiet.flatMap(answers)) {
      assert.notEqual(answer.kind, 'matched')
      if (answer.kind !== 'failed') continue
      assert.ok(rule.conditions?.some(({ says }) => says === answer.condition))
    }
  })
}

test('custom alerts: each has a type, a text and advice of its own kind', () => {
  const types = [...CUSTOM_ALERT_TYPES.values()]
  assert.equal(types.length, Object.values(RULE_TYPES).flat().length)
  assert.equal(new Set(types.map(({ number }) => number)).size, types.length)
  for (const { displayName, description, remediationSteps } of types) {
    assert.ok(displayName !== '' && description !== '' && remediationSteps.length >= 3)
  }
})

test('a disabled rule is not compiled, whatever its values', () => {
  assert.deepEqual(compileRules(NO_RULES), [])
  const rule = { ruleType: 'ProcessDenied', isEnabled: false, denylistValues: ['nc'] }
  assert.deepEqual(compileRules(readGroup({ denylistRules: [rule] }).draft), [])
})

test('an offending value is one alert, another value another', () => {
  const rule = { ruleType: 'ProcessNotAllowed', isEnabled: true, allowlistValues: ['sshd'] }
  const rules = compileRules(readGroup({ allowlistRules: [rule] }).draft)
  const records = ['/bin/a', '/bin/a', '/bin/b'].map((exe) => processRecord({ exe, cmd: 'x' }))
  const keys = evaluateRecords(records, rules, emptyMemory()).map(dedupeKey)
  assert.equal(keys.length, 3)
  assert.equal(new Set(keys).size, 2)
})
