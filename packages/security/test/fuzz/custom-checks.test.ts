import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { regexFault } from '../../src/baseline/custom/linear-regex.ts'
import { readChecks } from '../../src/baseline/custom/read-checks.ts'
import { rawOfDocument } from '../../src/baseline/custom/read-document.ts'
import { readChecksXml } from '../../src/baseline/custom/read-xml.ts'

const GOOD = `<?xml version="1.0"?>
<baseline BaselineId="OMS.Linux.1"><audits>
  <audit description="a &lt; b" msid="2.1" severity="Important">
    <check distro="*" command="CheckMatchingLines" path="/etc/fstab" regex="^a.*b$">
      <dependency type="FileExists" path="/etc/x"/></check>
    <check distro="Ubuntu|!SLES&gt;=11" command="CheckFileStats" path="/etc/passwd"
      expect="root root 644"/>
  </audit>
</audits><remediations><remediation id="1"/></remediations></baseline>`

/** Whatever is given: it is read whole, or refused with a reason that is for a person. */
function importOrRefuse(xml: string): void {
  try {
    const { document } = readChecks(readChecksXml(xml))
    assert.ok(document.checks.length > 0)
    assert.deepEqual(readChecks(rawOfDocument(document)).document, document)
  } catch (thrown) {
    assert.ok(thrown instanceof HubError && thrown.code === 'ArgumentInvalid', String(thrown))
    assert.ok(thrown.message.length > 0 && thrown.message.length < 20_000)
  }
}

const token = fc.constantFrom(
  ...['<', '>', '/>', '</', '<!--', '-->', '<![CDATA[', ']]>', '<!DOCTYPE a [', '<!ENTITY a "b">'],
  ...[
    '<?',
    '?>',
    '&',
    '&lt;',
    '&#0;',
    '&#x110000;',
    '&a;',
    '"',
    "'",
    '=',
    '\0',
    '\u{1f600}',
    '\ud800',
  ],
  ...[
    'baseline',
    'audits',
    'audit',
    'check',
    'dependency',
    '__proto__',
    'constructor',
    ':@',
    '#text',
  ],
  ...['msid', 'severity', 'command', 'regex', 'distro', 'path', ' ', '\n', '*', '('],
)

test('fuzz: a file of checks with anything in it is read or refused, never more', () => {
  const edit = fc.tuple(fc.nat(GOOD.length), fc.nat(12), fc.array(token, { maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), (edits) => {
      let xml = GOOD
      for (const [at, cut, tokens] of edits) {
        xml = xml.slice(0, at) + tokens.join('') + xml.slice(at + cut)
      }
      importOrRefuse(xml)
    }),
    fuzzRuns(400),
  )
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), (tokens) => importOrRefuse(tokens.join(''))),
    fuzzRuns(200),
  )
})

test('fuzz: no file makes the import slow', () => {
  const many = 20_000
  const files = [
    '<a>'.repeat(many),
    '<audit/>'.repeat(many),
    `<baseline><audits>${'<audit/>'.repeat(many)}</audits></baseline>`,
    `<baseline ${'a="&lt;" '.repeat(many)}/>`,
    '<!--'.repeat(many),
    '&'.repeat(many),
    `<baseline>${'\n'.repeat(many)}${'<x/>\n'.repeat(many)}</baseline>`,
    GOOD.replace('^a.*b$', '('.repeat(many)),
    GOOD.replace('^a.*b$', '{1'.repeat(500)),
  ]
  for (const xml of files) {
    const startMs = performance.now()
    importOrRefuse(xml)
    assert.ok(performance.now() - startMs < 10_000, xml.slice(0, 40))
  }
})

test('fuzz: a pattern that is linear is one that an engine reads', () => {
  const piece = fc.constantFrom(
    ...[
      'a',
      '.',
      '^',
      '$',
      '|',
      '(',
      ')',
      '(?:',
      '(?i)',
      '[',
      ']',
      '[^a-z]',
      '{2}',
      '{2,3}',
      '*',
      '+',
    ],
    ...['?', '\\d', '\\b', '\\1', '(?=', '(?<n>', '-', '\\'],
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const pattern = pieces.join('')
      if (regexFault(pattern) !== undefined) return
      // Where our engine's syntax is another one than RE2's, the pattern says nothing here.
      if (pattern.includes('(?i)') || /\[\^?\]/.test(pattern)) return
      const names = pattern.match(/\(\?<n>/g) ?? []
      if (names.length < 2) assert.doesNotThrow(() => new RegExp(pattern), pattern)
    }),
    fuzzRuns(500),
  )
})
