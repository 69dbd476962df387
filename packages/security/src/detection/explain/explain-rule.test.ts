import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpusLines } from '../../../test/detection-figures.ts'
import { groupOf, readVectors, recordsOf, type Vector } from '../../../test/detection-vectors.ts'
import { emptyMemory, processRecord } from '../../../test/records.ts'
import { DEFAULT_GROUP_SETTINGS } from '../../groups/group-settings.ts'
import { evaluateRecords, withCommand } from '../evaluate.ts'
import type { Rule } from '../rule.ts'
import { builtInRules } from '../rules/index.ts'
import { explainRule } from './explain-rule.ts'

/** The answer about the last record of a vector, after all that came before it. */
function answerTo(rule: Rule, vector: Vector) {
  const records = recordsOf(vector)
  const last = records.at(-1)
  assert.ok(last)
  const memory = emptyMemory()
  const group = groupOf(vector)
  evaluateRecords(records.slice(0, -1), [rule], memory, { group })
  const before = JSON.stringify(rule.kinds.map((kind) => memory.get(kind)))
  const analysed = withCommand(last)
  const holds = (rule.conditions ?? [])
    .filter(({ kinds }) => kinds.includes(last.kind))
    .flatMap((condition) => condition.holds?.(analysed, memory, group) ?? [])
  const answer = explainRule(rule, analysed, memory, group)
  assert.equal(JSON.stringify(rule.kinds.map((kind) => memory.get(kind))), before)
  return { answer, allHold: holds.every(Boolean) }
}

test('conditions: each rule has some for every kind that it looks at, the last its own', () => {
  for (const { type, kinds, conditions = [] } of builtInRules()) {
    for (const kind of kinds) {
      const about = conditions.filter((condition) => condition.kinds.includes(kind))
      assert.ok(about.length >= 2, `${type.alertType} has ${about.length} for ${kind}`)
      const own = about.map(({ holds }) => holds === undefined)
      assert.deepEqual(own.indexOf(true), about.length - 1, `${type.alertType}, ${kind}`)
    }
  }
})

for (const { type } of builtInRules()) {
  const { alertType } = type
  const { lists, fires, quiet } = readVectors(alertType)
  const rule = builtInRules(lists).find((each) => each.type.alertType === alertType)

  test(`${alertType}: where it fires every condition holds; where it is quiet one is named`, () => {
    assert.ok(rule)
    for (const vector of fires) {
      const { answer, allHold } = answerTo(rule, vector)
      assert.equal(answer.kind, 'matched', JSON.stringify(vector))
      assert.ok(allHold, `a condition fails for ${JSON.stringify(vector)}`)
    }
    const named = (rule.conditions ?? []).map(({ says }) => says)
    for (const vector of quiet) {
      const { answer } = answerTo(rule, vector)
      if (answer.kind === 'notAsked') continue
      assert.ok(answer.kind === 'failed', JSON.stringify(vector))
      assert.ok(named.includes(answer.condition), JSON.stringify(vector))
    }
  })
}

test('conditions say the same as the rules over a corpus of ordinary command lines', () => {
  const rules = builtInRules().filter(({ kinds }) => kinds.includes('proc'))
  for (const line of corpusLines().filter((_, at) => at % 20 === 0)) {
    const analysed = withCommand(processRecord({ cmd: line }))
    for (const rule of rules) {
      const memory = emptyMemory()
      const match = rule.evaluate(analysed, memory, DEFAULT_GROUP_SETTINGS)
      if (!match) continue
      const failing = (rule.conditions ?? [])
        .filter(({ kinds, holds }) => kinds.includes('proc') && holds)
        .filter(({ holds }) => !holds?.(analysed, emptyMemory(), DEFAULT_GROUP_SETTINGS))
      assert.deepEqual(failing, [], `${rule.type.alertType}: ${line}`)
    }
  }
})

test('a condition that fails tells how far it is, and what held before it', () => {
  const rule = builtInRules().find(({ type }) => type.alertType === 'IoT_FairwareMalware')
  const recon = builtInRules().find(({ type }) => type.alertType === 'IoT_LinuxReconnaissance')
  assert.ok(rule && recon)
  const asked = (cmd: string, of: Rule, memory = emptyMemory()) =>
    explainRule(of, withCommand(processRecord({ cmd, uid: '7' })), memory, DEFAULT_GROUP_SETTINGS)
  assert.deepEqual(asked('rm -r /home', rule), {
    kind: 'failed',
    condition: 'rm deletes by force',
    held: [
      'a process is started, and its command line is known',
      'rm is called',
      'rm deletes recursively',
    ],
  })
  const memory = emptyMemory()
  evaluateRecords([processRecord({ cmd: 'whoami', uid: '7' })], [recon], memory)
  const answer = asked('id', recon, memory)
  assert.ok(answer.kind === 'failed')
  assert.equal(answer.state, 'here id; user 7 asked whoami before')
})
