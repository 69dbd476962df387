import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../../test/fake-clock.ts'
import { emptyMemory, processRecord } from '../../../test/records.ts'
import { MemorySigmaStore } from '../../adapters/memory/sigma-store.ts'
import { Serial } from '../../serial.ts'
import { evaluateRecords } from '../evaluate.ts'
import { type CompiledRule, compileRule } from './compile.ts'
import { readDocuments, splitDocuments } from './documents.ts'
import { MAX_AUTOMATA, MAX_LITERAL_CHARACTERS, MAX_VALUE_CHARACTERS } from './limits.ts'
import { LiteralIndex } from './literal-index.ts'
import { SigmaRuleSet } from './sigma-rule-set.ts'
import { SigmaRules } from './sigma-rules.ts'

function rule(detection: string, logsource = 'category: process_creation'): string {
  return `title: ${detection.slice(0, 200).replace(/\W+/g, ' ')}
logsource: {product: linux, ${logsource}}
detection: {${detection}}
`
}

function compiled(text: string): CompiledRule {
  const [document] = readDocuments(text)
  const one = compileRule(document?.value ?? null)
  assert.ok(typeof one !== 'string', String(one))
  return one
}

function reasonsOf(text: string): readonly string[] {
  return [...new Set(compiled(text).reasons.map(({ code }) => code))]
}

/** A number of different expressions whose tables take a while to be made. */
function expressions(count: number): string {
  return Array.from({ length: count }, (_, at) => `'(a|b)*a(a|b){9}${at}x'`).join(', ')
}

function list(count: number): string {
  return Array.from({ length: count }, (_, at) => `w${at}`).join(', ')
}

test('limits: what one rule asks is bounded, however short it is written', () => {
  const keywords = rule(`k: [${list(200)}], condition: k`, 'service: auditd')
  assert.deepEqual(reasonsOf(keywords), ['limit'])
  assert.deepEqual(reasonsOf(rule(`k: [${list(200)}], condition: k`)), [])
  const dashes = `s: {CommandLine|windash|contains: [${list(1000)}]}, condition: s`
  assert.deepEqual(reasonsOf(rule(dashes)), ['limit'])
  const repeated = `s: {CommandLine: [${list(100)}]}, condition: ${'1 of them or '.repeat(60)}s`
  assert.deepEqual(reasonsOf(rule(repeated)), ['limit'])
})

test('limits: the tables of one rule together take a bounded time to be made', () => {
  const one = `s: {CommandLine|re: [${expressions(300)}]}, condition: s`
  assert.deepEqual(reasonsOf(rule(one)), ['regex'])
  // Many characters and many alternatives: few steps between states, but each of them long.
  const letters = Array.from({ length: 680 }, (_, at) => String.fromCharCode(0x4e00 + 2 * at))
  const wide = `s: {CommandLine|re: '${letters.join('a|')}'}, condition: s`
  const startMs = performance.now()
  assert.deepEqual(reasonsOf(rule(wide)), ['regex'])
  assert.ok(performance.now() - startMs < 3_000)
})

test('limits: an import that is too much is refused early, and others have their turns meanwhile', async () => {
  const sigma = new SigmaRules(
    { sigma: new MemorySigmaStore(), clock: new FakeClock() },
    new Serial(),
  )
  const many = Array.from({ length: 40 }, (_, at) =>
    rule(`s: {CommandLine: [${list(40).replaceAll('w', `${at}*`)}]}, condition: s`),
  )
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  count()
  await assert.rejects(sigma.import(many.join('---\n'), '', 'ann'), { code: 'IotHubQuotaExceeded' })
  isOver = true
  // Up to the rule with the first automaton that is too much, and no further.
  assert.ok(turns >= MAX_AUTOMATA / 40 && turns < many.length, `${turns} turns`)
})

test('limits: the characters of all values together', async () => {
  const sigma = new SigmaRules(
    { sigma: new MemorySigmaStore(), clock: new FakeClock() },
    new Serial(),
  )
  const long = (at: number) => `${at}${'x'.repeat(MAX_VALUE_CHARACTERS - 10)}`
  const rules = Array.from(
    { length: MAX_LITERAL_CHARACTERS / MAX_VALUE_CHARACTERS / 20 + 1 },
    (_, at) => {
      const values = Array.from({ length: 20 }, (_, value) => long(at * 20 + value))
      return rule(`s: {CommandLine: [${values.join(', ')}]}, condition: s`)
    },
  )
  const half = rules.slice(0, rules.length / 2)
  await sigma.import(half.map((text, at) => `id: a-${at}\n${text}`).join('---\n'), '', 'ann')
  const rest = rules.slice(rules.length / 2)
  const over = sigma.import(rest.map((text, at) => `id: b-${at}\n${text}`).join('---\n'), '', 'ann')
  await assert.rejects(over, { code: 'IotHubQuotaExceeded' })
  assert.equal(sigma.list().length, half.length)
})

test('limits: texts of every script share one index of bounded size', () => {
  const units = Array.from({ length: 0x8000 }, (_, at) => String.fromCharCode(0x3000 + at))
  const literals = units.map((unit) => `${unit}x`)
  const index = new LiteralIndex(literals)
  const found: number[] = []
  index.scan(`.${units[5]}x${units[0x7fff]}x${units[7]}`, (literal) => found.push(literal))
  assert.deepEqual(found, [5, 0x7fff])
})

test('documents: each by itself, whatever is open or wrong in the others', () => {
  const open = Array.from({ length: 300 }, (_, at) =>
    rule(`s: {CommandLine: '[${at}'}, condition: s`),
  )
  assert.ok(readDocuments(open.join('---\n')).every(({ problem }) => problem === undefined))
  const text = "a: '---'\n--- # next\r\nb: 1\n---not\n---\nc: 1\nc: 2\n---\n\n---\nd: |\n  ---\n"
  assert.equal(splitDocuments(text).length, 5)
  const problems = readDocuments(text).map(({ problem = 'well' }) => problem)
  assert.deepEqual([problems[0], problems[2], problems[3]], ['well', 'c is there twice.', 'well'])
})

test('documents: a map with many keys takes a time in proportion to their number', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, at) => `k${at}: 1\n`).join('')
  const startMs = performance.now()
  const [document] = readDocuments(keys(7_000))
  assert.ok(document?.value instanceof Map)
  assert.ok(performance.now() - startMs < 2_500)
})

test('auditd: numbers of system calls, which differ between processors, are not known', () => {
  const syscall = (value: string) =>
    compiled(
      rule(`s: {type: SYSCALL, syscall: ${value}, comm: sh}, condition: s`, 'service: auditd'),
    )
  assert.equal(syscall('59').support, 'unsupported')
  const either = syscall('[execve, 59]')
  assert.match(either.notes.join(), /syscall: 59/)
  const sets = [new SigmaRuleSet([either])]
  const record = processRecord({ exe: '/bin/sh', cmd: 'sh -i' })
  const found = evaluateRecords([record], [], emptyMemory(), { sets })
  assert.equal(found.length, 1)
})
