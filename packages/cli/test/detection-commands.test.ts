import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { IndicatorView } from '../src/indicator.ts'
import { readIndicators } from '../src/indicator.ts'
import type { Page } from '../src/pages.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
})
after(() => server[Symbol.asyncDispose]())

const LIST = `# bad things of the month
203.0.113.0/24   # a network
Evil.Example

http://files.example/drop.sh
d41d8cd98f00b204e9800998ecf8427e
`

function list(...filter: readonly string[]): Promise<Page<IndicatorView>> {
  return server.json('security', 'indicator', 'list', ...filter)
}

test('security indicator: a list is imported, updated, and forgotten', async () => {
  const options = ['--source', 'month', '--expires-days', '30', '--severity', 'High']
  const words = ['security', 'indicator', 'import', '-', ...options]
  const imported = await server.run(words, LIST)
  assert.deepEqual([imported.code, imported.stdout], [0, 'Imported 4 indicators.\n'])
  const { items } = await list('--source', 'month')
  assert.deepEqual(items.map(({ kind, value }) => `${kind} ${value}`).sort(), [
    'address 203.0.113.0/24',
    'domain evil.example',
    'hash d41d8cd98f00b204e9800998ecf8427e',
    'url http://files.example/drop.sh',
  ])
  assert.ok(items.every(({ severity, expiresUtc }) => severity === 'High' && expiresUtc !== null))

  await server.run(['security', 'indicator', 'import', '-', '--source', 'other'], 'evil.example\n')
  const [moved] = (await list('--source', 'other')).items
  assert.deepEqual([moved?.value, moved?.severity, moved?.expiresUtc], ['evil.example', null, null])
  await server.json('security', 'indicator', 'delete', moved?.id ?? '')
  await server.json('security', 'indicator', 'delete', '--source', 'month')
  assert.deepEqual((await list()).items, [])
})

test('security indicator import: a wrong value says where it is, and nothing is imported', async () => {
  const words = ['security', 'indicator', 'import', '-']
  const untold = await server.run(words, 'evil.example\n???\n')
  assert.equal(untold.code, 2)
  assert.match(untold.stderr, /Line 2: what is "\?\?\?"/)
  const wrong = await server.run([...words, '--kind', 'hash'], 'evil.example\n')
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /items\[0\].*no hash/)
  assert.deepEqual((await list()).items, [])
})

test('readIndicators: JSON lists keep what each item says', () => {
  const json = '{"items":[{"kind":"minerPool","value":"*:3333","note":"n"},{"value":"a.example"}]}'
  assert.deepEqual(readIndicators(json, undefined), [
    { kind: 'minerPool', value: '*:3333', note: 'n' },
    { value: 'a.example', kind: 'domain' },
  ])
  assert.throws(() => readIndicators('[1]', undefined), /Item 0 has no value/)
  assert.throws(() => readIndicators('{"a":1}', undefined), /no list/)
  assert.throws(() => readIndicators('[', undefined), /not JSON/)
})

interface Rules {
  readonly groups: readonly string[]
  readonly items: readonly {
    readonly alertType: string
    readonly severity: string
    readonly setting: { readonly isEnabled: boolean | null; readonly severity: string | null }
  }[]
}

async function settingOf(type: string, ...words: readonly string[]) {
  const { items } = await server.json<Rules>('security', 'rule', 'list', ...words)
  return items.find(({ alertType }) => alertType === type)?.setting
}

test('security rule: off and severity, for the hub and for a group, and back', async () => {
  const { items } = await server.json<Rules>('security', 'rule', 'list')
  // 46 rules on events, silence, and 16 about the hub.
  assert.equal(items.length, 63)
  const set = (...words: readonly string[]) =>
    server.json('security', 'rule', 'set', 'IoT_FileModified', ...words)
  await set('--off')
  await set('--on', '--severity', 'Low', '--group', 'West')
  assert.deepEqual(await settingOf('IoT_FileModified'), { isEnabled: false, severity: null })
  const west = await settingOf('IoT_FileModified', '--group', 'west')
  assert.deepEqual(west, { isEnabled: true, severity: 'Low' })
  const table = await server.run(['security', 'rule', 'list'])
  assert.match(table.stdout, /IoT_FileModified +High +off +File modified/)
  assert.match(table.stderr, /Groups with settings: west/)
  await set('--reset')
  await set('--reset', '--group', 'west')
  assert.deepEqual(await settingOf('IoT_FileModified'), { isEnabled: null, severity: null })
  const { groups } = await server.json<Rules>('security', 'rule', 'list')
  assert.deepEqual(groups, [])
})

test('security rule set: an unknown rule and contradictions are refused', async () => {
  const set = (...words: readonly string[]) => server.run(['security', 'rule', 'set', ...words])
  assert.deepEqual((await set('IoT_Nothing', '--off')).code, 1)
  assert.match((await set('IoT_WebShell', '--off', '--on')).stderr, /either --on or --off/)
  assert.match((await set('IoT_WebShell')).stderr, /or else --reset/)
})
