import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { SigmaImport, SigmaView } from '../src/sigma.ts'
import { startProgram, type TestServer } from './program.ts'

const VECTORS = fileURLToPath(new URL('../../../vectors/sigma', import.meta.url))

let server: TestServer
let folder: string
before(async () => {
  server = await startProgram()
  folder = await mkdtemp(join(tmpdir(), 'sigma-'))
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const sigma = (...words: readonly string[]) => ['security', 'sigma', ...words]

function list(...filter: readonly string[]) {
  return server.json<{ items: readonly SigmaView[] }>(...sigma('list', ...filter))
}

test('security sigma: a folder is checked, imported, imported again, and forgotten', async () => {
  assert.match((await server.run(sigma('list'))).stdout, /No Sigma rules\. Load some/)
  const check = await server.run(sigma('check', VECTORS))
  assert.match(check.stdout, /tw-0203\): CommandLine: .*back references need more than linear time/)
  assert.match(check.stdout, /ParentImage is not in our process_creation events/)
  assert.match(check.stdout, /Supported 37 of 53 rules; not supported:\n {2}3 × /)
  assert.match(check.stdout, / {2}1 × for other systems/)
  assert.deepEqual((await list()).items, [])

  const first = await server.run(sigma('import', VECTORS, '--source', 'own'))
  assert.match(first.stdout, /^Imported: 53 new, 0 replaced, 0 unchanged\.\nSupported 37 of 53/)
  const again = await server.json<SigmaImport>(...sigma('import', VECTORS, '--source', 'own'))
  assert.deepEqual([again.added, again.replaced, again.unchanged], [0, 0, 53])
  assert.equal((await list('--status', 'supported', '--source', 'own')).items.length, 37)
  assert.equal((await list('--source', 'other')).items.length, 0)

  const gone = await server.run(sigma('delete', '--source', 'own'))
  assert.equal(gone.stdout, 'Forgot 53 Sigma rules of own.\n')
  assert.deepEqual((await list()).items, [])
})

test('security sigma: one rule is shown, switched off and on, and forgotten', async () => {
  const file = join(folder, 'one.yml')
  const text = `title: One of ours
id: ours-1
logsource: {category: process_creation, product: linux}
detection:
  selection: {CommandLine|contains: qwertz}
  condition: selection
level: high`
  await writeFile(file, `${text}\n`)
  await server.run(sigma('import', file))
  assert.match((await server.run(sigma('list'))).stdout, /ours-1 +One of ours +High +on/)
  const off = await server.run(sigma('disable', 'ours-1'))
  assert.equal(off.stdout, 'The Sigma rule ours-1 is off.\n')
  const shown = await server.run(sigma('show', 'ours-1'))
  assert.match(shown.stdout, /Alert type +Sigma_ours_1\n/)
  assert.match(shown.stdout, /Enabled +no\n/)
  assert.equal((await server.run(sigma('show', 'ours-1', '--yaml'))).stdout, `${text}\n`)
  await server.run(sigma('enable', 'ours-1'))
  assert.equal((await list()).items[0]?.isEnabled, true)
  await server.json('security', 'rule', 'set', 'Sigma_ours_1', '--off', '--group', 'west')
  await server.run(sigma('delete', 'ours-1'))
  assert.equal((await server.run(sigma('show', 'ours-1'))).code, 1)
})

test('security sigma: what is no rule is named, and a wrong command line is told', async () => {
  const file = join(folder, 'two.yml')
  await writeFile(file, 'title: no detection\n---\n- a list\n')
  const result = await server.run(sigma('import', file))
  assert.match(result.stdout, /Not Sigma rules: 2\./)
  assert.match(result.stdout, /two\.yml: document 1: It has no detection\./)
  const none = await server.run(sigma('import', join(folder, 'missing.yml')))
  assert.equal(none.code, 1)
  assert.match(none.stderr, /missing\.yml cannot be read/)
  assert.equal((await server.run(sigma('delete'))).code, 2)
})
