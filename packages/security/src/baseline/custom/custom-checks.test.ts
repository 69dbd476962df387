import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { FakeClock } from '../../../test/fake-clock.ts'
import { MemoryCustomCheckStore } from '../../adapters/memory/custom-check-store.ts'
import { COMMAND_NAMES, commandForm } from './commands.ts'
import { benchmarkOfSet, CustomCheckSets } from './custom-check-sets.ts'
import { MAX_CHECK_SETS } from './custom-check-store.ts'
import { readDistro } from './distro.ts'
import { readChecks } from './read-checks.ts'
import { rawOfDocument } from './read-document.ts'
import { readChecksXml } from './read-xml.ts'

/** Arguments that are good for every command that takes them. */
const GOOD = {
  path: '/etc/shadow',
  regex: '^root:',
  filter: 'root',
  key: 'global',
  service: 'ssh, cron',
  packagename: 'telnetd',
} as const

function goodArguments(command: (typeof COMMAND_NAMES)[number]): Record<string, string> {
  const own: Record<string, string> = {
    ...GOOD,
    expect: command.startsWith('CheckFileStats') ? 'root root 644' : 'global',
    value: 'now',
  }
  if (command === 'CheckShadowDate') own.expect = 'before'
  if (command === 'CheckServiceStatus') own.expect = 'running'
  const { needs } = commandForm(command)
  return Object.fromEntries(needs.map((name) => [name, own[name] ?? '']))
}

function checkXml(attributes: Record<string, string>, inner = ''): string {
  const written = Object.entries({ distro: '*', ...attributes })
  return `<check ${written.map(([name, value]) => `${name}="${value}"`).join(' ')}>${inner}</check>`
}

/** A file with one audit; its check is on line 5. */
function fileWith(check: string, attributes = 'msid="1" severity="Critical"'): string {
  return `<?xml version="1.0"?>\n<baseline BaselineId="mine">\n<audits>\n<audit ${attributes}>\n${check}
</audit></audits></baseline>`
}

const importOf = (xml: string) => readChecks(readChecksXml(xml))

function refusal(xml: string): string {
  try {
    importOf(xml)
  } catch (thrown) {
    assert.ok(thrown instanceof HubError && thrown.code === 'ArgumentInvalid', String(thrown))
    return thrown.message
  }
  return assert.fail('it was taken')
}

test('import: every command with its arguments is read; without one of them it is refused', () => {
  assert.equal(COMMAND_NAMES.length, 22)
  for (const command of COMMAND_NAMES) {
    const given = goodArguments(command)
    const { document } = importOf(fileWith(checkXml({ command, ...given })))
    assert.deepEqual(document.checks[0]?.variants, [{ distro: '*', command, ...given }])
    for (const name of Object.keys(given)) {
      const { [name]: _, ...rest } = given
      const message = refusal(fileWith(checkXml({ command, ...rest })))
      assert.equal(message, `line 5 <check>: ${command} needs ${name}`)
    }
  }
})

test('import: the parts of a file come over, scripts do not', () => {
  const check = checkXml(
    { command: 'CheckFileExists', path: '/a&amp;&#x62;', distro: 'Ubuntu&gt;=18.04|!SLES' },
    '<dependency type="FileExists" path="/etc/x"/>',
  )
  const texts = 'description="a &quot;b&quot;" impact="i" remediation="r" cceid="CCE-1" ruleId="g"'
  const file = fileWith(check, `msid="2.1" severity="warning" ${texts}`)
  const action = '<action distro="*" action="ActionScript">rm -rf /</action>'
  const scripts = `<remediations><remediation id="1">${action}</remediation></remediations>`
  const xml = file.replace('</baseline>', `${scripts}</baseline>`)
  const { document, warnings } = importOf(xml)
  assert.deepEqual(document, {
    format: 'twinward-baseline-checks/1',
    baselineId: 'mine',
    checks: [
      {
        ...{ msid: '2.1', cceid: 'CCE-1', ruleId: 'g', severity: 'warning' },
        ...{ description: 'a "b"', impact: 'i', remediation: 'r' },
        variants: [
          {
            ...{ distro: 'Ubuntu>=18.04|!SLES', command: 'CheckFileExists', path: '/a&b' },
            dependsOnFile: '/etc/x',
          },
        ],
      },
    ],
  })
  assert.deepEqual(warnings, ['1 remediations are left out: nobody runs scripts from here'])
  assert.doesNotMatch(JSON.stringify(document), /rm -rf/)
  // What was exported is imported as it is.
  assert.deepEqual(readChecks(rawOfDocument(document)).document, document)
})

test('import: what cannot be read is refused with its line, what changes meaning is told', () => {
  const lines = { command: 'CheckMatchingLines', path: '/a' }
  const refused = [
    [fileWith(checkXml({ ...lines, regex: '(' })), 'line 5 <check>: regex has an open group at 1'],
    [
      fileWith(checkXml({ command: 'CheckMagic' })),
      'line 5 <check>: there is no command "CheckMagic"',
    ],
    [
      fileWith(checkXml({ ...lines, regex: 'a', path: '/a/../b' })),
      'line 5 <check>: path must be an absolute path without ".."',
    ],
    [
      fileWith(checkXml({ ...lines, regex: 'a', distro: 'Ubuntu 18' })),
      'line 5 <check>: distro "Ubuntu 18" is no expression such as Debian>=11|!SLES or *',
    ],
    [
      fileWith(checkXml({ command: 'CheckFileStats', path: '/a', expect: '644' })),
      'line 5 <check>: expect must be owner, group and mode: root root 644',
    ],
    [fileWith('', 'msid="1" severity="Critical"'), 'line 4 <audit>: has no check'],
    [
      fileWith(checkXml({ command: 'CheckSystemAccounts' }), 'msid="1" severity="bad"'),
      'line 4 <audit>: severity must be one of critical, important, warning, informational',
    ],
    [fileWith('<script/>'), 'line 5 <script>: <audit> may not hold it'],
    [
      fileWith(checkXml({ ...lines, regex: '&x;' })),
      'line 5 <check>: the entity "&x;" is not known',
    ],
    [
      fileWith(checkXml(lines, '<dependency type="Other" path="/a"/>')),
      'line 5 <dependency>: must have type="FileExists" and a path',
    ],
    ['<baseline><audits/></baseline>', 'the file: holds no checks'],
    ['<other/>', 'line 1 <other>: the root must be <baseline>'],
  ] as const
  for (const [xml, message] of refused) assert.equal(refusal(xml), message)
  const { document, warnings } = importOf(
    fileWith(
      checkXml({
        command: 'CheckNoMatchingLines',
        path: '/a',
        regex: '(?!a)',
        filter: 'b',
        at: '1',
      }),
    ),
  )
  assert.equal(document.checks[0]?.variants[0]?.unsupported, 'regex: has a lookahead at 1')
  assert.deepEqual(
    warnings.map((warning) => warning.replace(/^line 5 <check>: /, '').split(';')[0]),
    ['CheckNoMatchingLines has no "at"', 'regex has a lookahead at 1', 'filter selects lines'],
  )
})

test('import: a file that declares entities or a document type is refused before it is parsed', () => {
  const bomb = `<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>`
  const check = checkXml({ command: 'CheckFileExists', path: '/&b;' })
  const xml = fileWith(check).replace('<baseline', `${bomb}\n<baseline`)
  assert.equal(refusal(xml), 'line 2: a document type is not allowed')
  assert.match(refusal('<!doctype baseline SYSTEM "file:///etc/passwd"><baseline/>'), /not allowed/)
  // In a comment it is only text.
  const good = fileWith(checkXml({ command: 'CheckSystemAccounts' }))
  assert.equal(
    importOf(good.replace('<audits>', '<!-- <!DOCTYPE x> --><audits>')).warnings.length,
    0,
  )
})

test('distro: alternatives, negations and versions', () => {
  assert.deepEqual(readDistro('*'), [])
  assert.deepEqual(readDistro('Debian=11|!SLES|CentOS < 7'), [
    { isNot: false, name: 'Debian', compare: '=', version: '11' },
    { isNot: true, name: 'SLES' },
    { isNot: false, name: 'CentOS', compare: '<', version: '7' },
  ])
  for (const text of ['', '|', 'a|', 'Debian=', '=11', '!!a', 'Debian=x', 'a b']) {
    assert.equal(readDistro(text), undefined, text)
  }
})

test('sets: kept by the hash of what agents get, and at most so many', async () => {
  const store = new MemoryCustomCheckStore()
  const sets = new CustomCheckSets(store, new FakeClock())
  const xml = fileWith(checkXml({ command: 'CheckSystemAccounts' }))
  const { set } = await sets.importXml(xml, 'service')
  const content = await sets.content(set.sha256)
  assert.equal(createHash('sha256').update(content).digest('hex'), set.sha256)
  assert.equal(set.xmlSha256, createHash('sha256').update(xml).digest('hex'))
  assert.equal(benchmarkOfSet(set.sha256), `custom:${set.sha256.slice(0, 12)}`)
  assert.equal((await sets.importDocument(JSON.parse(content), 'x')).set.sha256, set.sha256)
  for (let at = 1; at < MAX_CHECK_SETS; at++) await store.put({ ...set, sha256: `${at}` }, '')
  await sets.importXml(xml, 'service')
  await assert.rejects(sets.importXml(xml.replace('"mine"', '"yours"'), 'service'), {
    code: 'IotHubQuotaExceeded',
  })
  await sets.remove(set.sha256)
  await assert.rejects(sets.content(set.sha256), { code: 'GenericNotFound' })
  await assert.rejects(sets.remove(set.sha256), { code: 'GenericNotFound' })
})
