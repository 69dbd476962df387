import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { deviceImport } from '../src/commands/device-import.ts'
import { type Call, fakeContext, fakeInput } from './fake.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'twinward-transfer-'))
  server = await startProgram()
})
after(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

test('device export and import: the file brings back what was deleted, with its keys', async () => {
  const { connectionString } = await server.json('device', 'create', 'gateway', '--edge')
  await server.json('device', 'create', 'pump-1', '--parent', 'gateway')
  await server.json('twin', 'update', 'pump-1', '--tags', '{"site":"Zürich"}')
  const file = join(folder, 'fleet.ndjson')
  const exported = await server.json('device', 'export', file)
  assert.deepEqual(exported, { file, identities: 6 })
  assert.ok(!existsSync(`${file}.partial`))

  const piped = await server.run(['device', 'export', '--exclude-keys'])
  assert.equal(piped.code, 0, piped.stderr)
  assert.match(piped.stdout, /Zürich/)
  assert.ok(!/"primaryKey":"/.test(piped.stdout))

  await server.json('device', 'delete', 'pump-1')
  await server.json('device', 'delete', 'gateway')
  assert.deepEqual(await server.json('device', 'import', file), {
    lines: 6,
    succeeded: 6,
    failed: 0,
    errors: [],
  })
  const again = await server.json('connection-string', '--device', 'gateway')
  assert.equal(again.connectionString, connectionString)
  const pump = await server.json('device', 'show', 'pump-1')
  const gateway = await server.json('device', 'show', 'gateway')
  assert.equal(pump.deviceScope, gateway.deviceScope)
  const people = await server.run(['device', 'import', '-'], readFileSync(file, 'utf8'))
  assert.equal(people.stdout, 'Imported 6 of 6 lines.\n')
})

test('device import: 1 when lines failed, each is told with its number', async () => {
  const file = join(folder, 'bad.ndjson')
  writeFileSync(file, '{"id":"a","status":"enabled"}\n\nnonsense\n{"id":"b"}\n')
  const { code, stdout, stderr } = await server.run(['device', 'import', file, '--json'])
  assert.equal(code, 1)
  const { errors, ...counts } = JSON.parse(stdout)
  assert.deepEqual(counts, { lines: 3, succeeded: 1, failed: 2 })
  assert.deepEqual(
    errors.map(({ line }: { line: number }) => line),
    [3, 4],
  )
  assert.match(stderr, /^line 3: .*\(DeserializationError\)\nline 4: b: status is missing/)
  assert.match(stderr, /2 lines failed\.\n$/)
  for (const unreadable of [join(folder, 'missing'), folder]) {
    const answer = await server.run(['device', 'import', unreadable])
    assert.equal(answer.code, 1)
    assert.match(answer.stderr, /^[^\n]* cannot be read: [^\n]*\n$/)
  }
})

test('device export: a file that cannot be written is said in one sentence', async () => {
  const answer = await server.run(['device', 'export', join(folder, 'no', 'such', 'place')])
  assert.equal(answer.code, 1)
  assert.match(answer.stderr, /^[^\n]* was not written: [^\n]*\n$/)
})

test('device import: sends parts that keep a device and its modules together', async () => {
  const lines = Array.from({ length: 400 }, (_, n) =>
    ['', 'm1', 'm2'].map((moduleId) =>
      JSON.stringify({ id: `d${n}`, ...(moduleId && { moduleId }) }),
    ),
  ).flat()
  const answer = ({ body }: Call) => {
    const count = String(body).trimEnd().split('\n').length
    return { lines: count, succeeded: count, failed: 0, errors: [] }
  }
  const recording = fakeContext(answer, { stdin: lines.join('\n') })
  await deviceImport.run(fakeInput(['-']), recording.context)
  const parts = recording.calls.map(({ query, body }) => [
    query?.firstLine,
    String(body).trimEnd().split('\n').length,
  ])
  assert.deepEqual(parts, [
    [1, 1002],
    [1003, 198],
  ])
  assert.equal(recording.calls.map(({ body }) => body).join(''), `${lines.join('\n')}\n`)
})
