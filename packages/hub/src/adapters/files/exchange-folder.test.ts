import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { ExchangeFolder } from './exchange-folder.ts'

const REFUSED = { code: 'BlobContainerValidationError' }

async function open() {
  const base = mkdtempSync(join(tmpdir(), 'twinward-exchange-'))
  const root = join(base, 'exchange')
  const exchange = await ExchangeFolder.open(root)
  const container = await exchange.open(pathToFileURL(root).href)
  return {
    ...{ base, root, exchange, container },
    [Symbol.dispose]: () => rmSync(base, { recursive: true }),
  }
}

test('write: nobody sees a file before commit, and nothing of it stays after discard', async () => {
  using folder = await open()
  const { root, container } = folder
  const file = await container.write('a.txt')
  await file.append('one\n')
  await file.append('ä\n')
  assert.ok(!existsSync(join(root, 'a.txt')))
  await file.commit()
  await file.discard()
  assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'one\nä\n')
  assert.equal(statSync(join(root, 'a.txt')).mode & 0o777, 0o600)
  const other = await container.write('a.txt')
  await other.append('two')
  await other.discard()
  assert.equal(readFileSync(join(root, 'a.txt'), 'utf8'), 'one\nä\n')
  assert.deepEqual(readdirSync(join(root, '.partial')), [])
})

test('write: a link in the place of the file is replaced, not followed', async () => {
  using folder = await open()
  const victim = join(folder.base, 'victim')
  writeFileSync(victim, 'safe')
  symlinkSync(victim, join(folder.root, 'a.txt'))
  const file = await folder.container.write('a.txt')
  await file.append('new')
  await file.commit()
  assert.equal(readFileSync(victim, 'utf8'), 'safe')
  assert.equal(readFileSync(join(folder.root, 'a.txt'), 'utf8'), 'new')
})

test('read: the whole file, its size known; no link, no folder, no pipe', async () => {
  using folder = await open()
  const { root, container } = folder
  writeFileSync(join(root, 'a.txt'), 'x'.repeat(200_000))
  const file = await container.read('a.txt')
  const chunks: Uint8Array[] = []
  for await (const chunk of file.chunks()) chunks.push(chunk)
  await file.close()
  assert.equal(Buffer.concat(chunks).length, 200_000)
  assert.equal(file.sizeBytes, 200_000)
  mkdirSync(join(root, 'folder'))
  symlinkSync(join(root, 'a.txt'), join(root, 'link'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  for (const name of ['folder', 'link', 'pipe', 'missing', '../a.txt', '.hidden', '', 'a\0b']) {
    await assert.rejects(container.read(name), REFUSED, name)
  }
})

test('open: links are followed before it is decided what is in reach', async () => {
  using folder = await open()
  const { base, root, exchange } = folder
  const urlOf = (...path: string[]) => pathToFileURL(join(...path)).href
  mkdirSync(join(root, 'in', 'deep'), { recursive: true })
  symlinkSync(join(root, 'in'), join(root, 'inner'))
  symlinkSync(base, join(root, 'outer'))
  symlinkSync(root, join(base, 'door'))
  for (const url of [
    urlOf(root),
    urlOf(root, 'in', 'deep'),
    urlOf(root, 'inner'),
    urlOf(base, 'door', 'in'),
  ]) {
    await exchange.open(url)
  }
  mkdirSync(join(base, 'exchange2'))
  for (const url of [
    urlOf(base),
    urlOf(root, 'outer'),
    urlOf(root, 'outer', 'exchange2'),
    urlOf(base, 'exchange2'),
  ]) {
    await assert.rejects(exchange.open(url), REFUSED, url)
  }
})

test('open: what a crash left incomplete is gone', async () => {
  using folder = await open()
  const file = await folder.container.write('a.txt')
  await file.append('half')
  await ExchangeFolder.open(folder.root)
  assert.deepEqual(readdirSync(join(folder.root, '.partial')), [])
  await file.discard()
})
