import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Page } from '../src/pages.ts'
import type { WholeRecommendation } from '../src/recommendation.ts'
import { feedFiles, readEntries, type VulnerabilityView } from '../src/vulnerability.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
const folder = mkdtempSync(join(tmpdir(), 'feed-'))
before(async () => {
  server = await startProgram()
})
after(async () => {
  rmSync(folder, { recursive: true })
  await server[Symbol.asyncDispose]()
})

const THUMBPRINT = 'AB'.repeat(20)

test('security recommendations: shown, exempted, opened again, counted, switched off', async () => {
  for (const id of ['twin-1', 'twin-2']) {
    await server.json('device', 'create', id, '--auth', 'x509', '--primary-thumbprint', THUMBPRINT)
  }
  const deadline = Date.now() + 10_000
  let found: Page<WholeRecommendation>
  do {
    found = await server.json('security', 'recommendations', '--type', 'IoT_SharedCredentials')
  } while (found.items.length < 2 && Date.now() < deadline)
  assert.equal(found.items.length, 2)
  const name = ['IoT_SharedCredentials', 'twin-1']
  const shown = await server.run(['security', 'recommendations', 'show', ...name])
  assert.match(shown.stdout, /State +Active/)
  assert.match(shown.stdout, /SharedWith +\["twin-2"\]/)
  assert.ok(!shown.stdout.toUpperCase().includes(THUMBPRINT))
  const exempt = ['security', 'recommendations', 'exempt', ...name]
  assert.equal((await server.run(exempt)).code, 2, 'without a reason')
  const done = await server.run([...exempt, '--reason', 'spare part', '--days', '30'])
  assert.match(done.stdout, /IoT_SharedCredentials of twin-1 is exempt until 20/)
  const reopened = await server.run(['security', 'recommendations', 'reopen', ...name])
  assert.equal(reopened.stdout, 'IoT_SharedCredentials of twin-1 is Active.\n')
  const counts = await server.run(['security', 'recommendations', 'aggregated'])
  assert.match(counts.stdout, /IoT_SharedCredentials +High +2 +0 +0/)
  const set = ['security', 'recommendations', 'type', 'set', 'IoT_SharedCredentials']
  assert.equal(
    (await server.run([...set, 'Disabled'])).stdout,
    'IoT_SharedCredentials is Disabled.\n',
  )
  const types = await server.run(['security', 'recommendations', 'types'])
  assert.match(types.stdout, /IoT_SharedCredentials +OffByPolicy +Disabled +registry/)
  const none = await server.run(['security', 'recommendations', 'aggregated'])
  assert.match(none.stderr, /No device has an open recommendation/)
  assert.equal((await server.run(['security', 'recommendations', 'show', 'IoT_Nothing'])).code, 1)
  const hub = await server.run(['security', 'recommendations', '--hub'])
  assert.match(hub.stderr, /No such recommendations/)
})

test('security vulnerability: a folder, lines and lists are imported, listed and forgotten', async () => {
  const affected = [{ package: { ecosystem: 'npm', name: 'x' }, versions: ['1.0.0'] }]
  for (const id of ['A-1', 'A-2']) {
    writeFileSync(join(folder, `${id}.json`), JSON.stringify({ id, affected, details: 'bad' }))
  }
  const words = ['security', 'vulnerability', 'import']
  const imported = await server.run([...words, folder, '--source', 'npm'])
  assert.deepEqual([imported.code, imported.stdout], [0, 'Imported 2 vulnerabilities.\n'])
  const lines = '{"id":"B-1"}\n\n{"id":"B-2"}\n'
  assert.equal((await server.run([...words, '-'], lines)).stdout, 'Imported 2 vulnerabilities.\n')
  const list = await server.json<Page<VulnerabilityView>>('security', 'vulnerability', 'list')
  assert.deepEqual(
    list.items.map(({ id, source }) => `${id} ${source}`),
    ['A-1 npm', 'A-2 npm', 'B-1 ', 'B-2 '],
  )
  await server.json('security', 'vulnerability', 'delete', 'B-1')
  await server.json('security', 'vulnerability', 'delete', '--source', 'npm')
  const rest = await server.json<Page<VulnerabilityView>>('security', 'vulnerability', 'list')
  assert.deepEqual(
    rest.items.map(({ id }) => id),
    ['B-2'],
  )
  assert.equal((await server.run(['security', 'vulnerability', 'delete'])).code, 2)
})

test('readEntries: one, a list, items, or one a line; what is none says where', () => {
  const entry = { id: 'A-1' }
  for (const text of [
    '{"id":"A-1"}',
    '[{"id":"A-1"}]',
    '{"items":[{"id":"A-1"}]}',
    '{"id":"A-1"}\n',
  ]) {
    assert.deepEqual(readEntries('f', text), [entry])
  }
  assert.throws(() => readEntries('f', '{"id":"A-1"}\n{'), /f, line 2, is not JSON/)
  assert.throws(() => readEntries('f', '[1]'), /entry 0 is no JSON object/)
  assert.throws(() => feedFiles(join(folder, 'missing')), /cannot be read/)
})
