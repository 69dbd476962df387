import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generatedSigma } from '../../../test/generated-sigma.ts'
import { connectionRecord, emptyMemory, processRecord } from '../../../test/records.ts'
import { compileAll, sigmaText } from '../../../test/sigma-vectors.ts'
import { evaluateRecords } from '../evaluate.ts'
import { builtInRules } from '../rules/index.ts'
import { MAX_FIELD_CHARACTERS } from './limits.ts'
import { SigmaRuleSet } from './sigma-rule-set.ts'

const RULES = 240
/** Built-in and Sigma rules together, one line. */
const MAX_MS = 25
const MOST_RUNS = 20
/** Steps of the indexes per character of all texts that a record has. */
const STEPS_PER_CHARACTER = 4

const compiled = [
  ...compileAll(generatedSigma(RULES)),
  ...compileAll(sigmaText('process.yml')),
  ...compileAll(sigmaText('other.yml')),
]

/**
 * Parts of the rules themselves, which go farthest into an index, and what brings matchers down.
 */
const pieces = [
  ...['a', 'aab', ' ', '\\', '/', '-', '0', '1.', '\0', '💥', 'Σ', 'İ', '\ud800', '"', '$('],
  ...['/tmp/', '/tmp/crypt', ' -crypt-0', '--miner ', 'shell-3 -a -b ', 'crypt2 http://1.1.1.1.'],
  ...[
    'crypt-2 -a -a ',
    'base64 -d | sh ',
    'curl http://1.1',
    'password',
    'pass',
    'eval ${',
    '/x.bak',
  ],
  ...[
    'cp /etc/shadow',
    'cannon orbital ',
    'alpha beta gamma ',
    'a1 b2 ',
    'http://203.0.113.',
    ' -a',
  ],
  ...[
    'tunnel-4',
    '/var/tmp/tunnel-x4',
    '/dev/shm/',
    'import shell',
    'aW1wb3J0',
    '.sh --dump /etc/ ',
  ],
]

function filled(piece: string): string {
  return piece.repeat(MAX_FIELD_CHARACTERS / piece.length + 1).slice(0, MAX_FIELD_CHARACTERS)
}

/** One line with all words of all rules, so that every rule is looked at. */
const everything = filled(
  generatedSigma(RULES)
    .replace(/[[\]{}',:]/g, ' ')
    .replace(/\s+/g, ' '),
)
const lines = [...pieces.map(filled), everything, everything.split('').reverse().join('')]

test('Sigma, hostile lines: the steps of the indexes are in proportion to the length', () => {
  const set = new SigmaRuleSet(compiled)
  for (const line of lines) {
    const before = set.steps
    const record = processRecord({ cmd: line, exe: line, user: line, uid: line })
    set.evaluate({ record })
    // Four texts as they are, and the command as an audit record twice more.
    const most = STEPS_PER_CHARACTER * 7 * line.length
    assert.ok(set.steps - before <= most, `${set.steps - before} for ${show(line)}`)
  }
})

test('Sigma, hostile lines: built-in and 240 more rules take less than 25 ms for 8 KiB', () => {
  const rules = builtInRules()
  const sets = [new SigmaRuleSet(compiled)]
  const recordsOf = (line: string) => [
    processRecord({ cmd: line, exe: line, user: line, uid: line }),
    connectionRecord({ cmd: line, exe: line, remoteAddress: line, host: line }),
  ]
  // Once for the compiler, and then the quickest of some runs: others use this machine as well.
  for (const line of lines) evaluateRecords(recordsOf(line), rules, emptyMemory(), { sets })
  for (const line of lines) {
    for (const record of recordsOf(line)) {
      let best = Number.POSITIVE_INFINITY
      for (let run = 0; run < MOST_RUNS && best >= MAX_MS; run++) {
        const startMs = performance.now()
        evaluateRecords([record], rules, emptyMemory(), { sets })
        best = Math.min(best, performance.now() - startMs)
      }
      assert.ok(best < MAX_MS, `${best} ms for ${record.kind} ${show(line)}`)
    }
  }
})

test('Sigma, hostile lines: what is longer than a field may be is cut, not refused', () => {
  const set = new SigmaRuleSet(compiled)
  const long = `base64 -d | sh ${'x'.repeat(100_000)}`
  const found = evaluateRecords([processRecord({ cmd: long })], [], emptyMemory(), { sets: [set] })
  assert.ok(found.some(({ rule }) => rule.type.alertType === 'Sigma_tw_0001'))
  assert.ok(found.every(({ match }) => match.summary.length <= 512))
})

function show(line: string): string {
  return JSON.stringify(line.slice(0, 40))
}
