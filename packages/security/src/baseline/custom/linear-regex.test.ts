import assert from 'node:assert/strict'
import { test } from 'node:test'
import { regexFault } from './linear-regex.ts'

test('regexFault: patterns as the vendor has them are linear', () => {
  const patterns = [
    '',
    '^\\s*nodev',
    '^install\\s+rds\\s+/bin/true',
    '^[^#]*\\bPermitEmptyPasswords\\s+(no|NO)$',
    '(?i)^protocol\\s+2',
    '(?:a|b)*?c{2,5}d{3}e{4,}',
    '[]abc[:alpha:]\\]]+',
    '[^]]',
    '(?P<name>a)(?<other>b)',
    '(?i-s:a)(?s)',
    'a{,3}{x}',
    '\\pL\\x{10FFFF}\\Q.\\E\\A\\z',
    '^(a*)*$',
    '\\x{2014}+\\x41{2}\\p{Greek}+',
    '\\Q(*[\\E|\\Q+',
    '[\\x1f-0a-z-][+--][!-~][\\x{9}-\\x{d}]',
  ]
  for (const pattern of patterns) assert.equal(regexFault(pattern), undefined, pattern)
})

test('regexFault: what only backtracking engines know is flagged, with its place', () => {
  const flagged = [
    ['a(?=b)', 'a lookahead at 2'],
    ['(?!b)', 'a lookahead at 1'],
    ['(?<=b)', 'a lookbehind at 1'],
    ['(?<!b)', 'a lookbehind at 1'],
    ['(a)\\1', 'a back reference at 4'],
    ['(?<n>a)\\k<n>', 'a back reference at 8'],
    ['(?>a)', 'an atomic group at 1'],
    ['a++', 'a possessive quantifier at 3'],
    ['(?R)', 'a group of backtracking engines at 1'],
    ['(?P=n)', 'a group of backtracking engines at 1'],
    ['(?(1)a|b)', 'a group of backtracking engines at 1'],
    ['a\\h', '\\h, which RE2 does not know, at 2'],
    ['a{1001}', 'more than 1000 repetitions at 2'],
    ['((a{100}){100})', 'more than 1000 repetitions at 10'],
  ] as const
  for (const [pattern, text] of flagged) {
    assert.deepEqual(regexFault(pattern), { kind: 'notLinear', text }, pattern)
  }
})

test('regexFault: what no engine reads is malformed', () => {
  const malformed = ['(', 'a)', '[a', '[]', '*a', 'a|*', '(+)', 'a**', '\\', '(?<1>a)', 'a{3,2}']
  for (const pattern of [...malformed, 'a'.repeat(1025), '('.repeat(60)]) {
    assert.equal(regexFault(pattern)?.kind, 'malformed', pattern)
  }
})

test('regexFault: a range whose end is before its beginning is none', () => {
  for (const pattern of ['[a-[^a-z]', '[z-a]', '[\\x41-\\x40]', '[\\]-\\[]']) {
    assert.match(JSON.stringify(regexFault(pattern)), /end is before its beginning/, pattern)
  }
})

test('regexFault: flags without a flag are none', () => {
  assert.match(JSON.stringify(regexFault('(?)')), /unknown kind/)
})

test('regexFault: a place is no member of a class', () => {
  assert.match(JSON.stringify(regexFault('[a\\b]')), /in a class/)
})
