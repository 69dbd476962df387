import assert from 'node:assert/strict'
import { test } from 'node:test'
import { corpusLines } from '../../../test/detection-figures.ts'
import { recordsOf } from '../../../test/detection-vectors.ts'
import { emptyMemory, processRecord } from '../../../test/records.ts'
import { compileAll, SIGMA_FILES, sigmaText, sigmaVectors } from '../../../test/sigma-vectors.ts'
import { evaluateRecords } from '../evaluate.ts'
import { sigmaTypeName } from './alert-type.ts'
import { SigmaRuleSet } from './sigma-rule-set.ts'

const all = SIGMA_FILES.flatMap((file) => compileAll(sigmaText(file)))
const { rules, refused } = sigmaVectors()

test('Sigma: every rule of the vectors has what fires and what stays quiet, or a reason', () => {
  const supported = all.filter(({ support }) => support === 'supported')
  assert.deepEqual(
    all.flatMap(({ rule, reasons: [first] }) => (first ? [[rule.id, first.code]] : [])),
    Object.entries(refused),
  )
  assert.deepEqual(
    supported.map(({ rule }) => rule.id),
    Object.keys(rules),
  )
  assert.ok(supported.length >= 30)
})

for (const [id, { fires, quiet }] of Object.entries(rules)) {
  test(`Sigma ${id}: fires where it should and nowhere else, alone and among all`, () => {
    const own = all.filter(({ rule }) => rule.id === id)
    for (const set of [new SigmaRuleSet(own), new SigmaRuleSet(all)]) {
      const finds = (vector: (typeof fires)[number]) =>
        evaluateRecords(recordsOf(vector), [], emptyMemory(), { sets: [set] }).filter(
          ({ rule }) => rule.type.alertType === sigmaTypeName(id),
        ).length
      for (const vector of fires) assert.equal(finds(vector), 1, JSON.stringify(vector))
      for (const vector of quiet) assert.equal(finds(vector), 0, JSON.stringify(vector))
    }
  })
}

test('Sigma: what cannot be judged is told, and the rule fires only where it makes no difference', () => {
  const notes = (id: string) => all.find(({ rule }) => rule.id === id)?.notes
  assert.deepEqual(notes('tw-0020'), [
    'ParentImage is not in our process_creation events: it fires only where that makes no difference.',
  ])
  assert.deepEqual(notes('tw-0001'), [])
})

test('Sigma: findings carry severity, intent, techniques, and a name that a tag may have', () => {
  const set = new SigmaRuleSet(all)
  const record = processRecord({ cmd: 'echo aGk= | base64 -d | sh' })
  const findings = evaluateRecords([record], [], emptyMemory(), { sets: [set] })
  const [found] = findings.filter(({ rule }) => rule.type.alertType === 'Sigma_tw_0001')
  assert.ok(found)
  const { type } = found.rule
  assert.deepEqual(
    [type.severity, type.intent, type.techniques],
    ['High', 'DefenseEvasion', ['T1140', 'T1059.004']],
  )
  assert.equal(found.match.key, record.cmd)
  assert.match(type.remediationSteps.join(' '), /Installers that carry/)
  assert.equal(set.hitsOf('tw-0001').count, 0)
  set.note(found)
  assert.equal(set.hitsOf('tw-0001').count, 1)
  for (const { rule } of all) assert.match(sigmaTypeName(rule.id), /^Sigma_[a-z0-9_]{1,64}$/)
})

test('Sigma: ordinary lines raise few of them, and none throws', () => {
  const set = new SigmaRuleSet(all)
  const lines = corpusLines()
  let found = 0
  for (const cmd of lines) {
    const record = processRecord({ cmd, exe: cmd.split(' ')[0] ?? '', user: 'root' })
    found += evaluateRecords([record], [], emptyMemory(), { sets: [set] }).length
  }
  assert.ok(found < lines.length / 50, `${found} of ${lines.length}`)
})
