import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readReady } from '../src/data-dir.ts'
import { runToEnd, startProcess } from './process.ts'

const PORTS = ['--mqtt-port', '0', '--amqp-port', '0', '--https-port', '0']

interface Cleanup {
  after(done: () => unknown): void
}

function makeDataDir(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Exit code 1 and one sentence that names the way out. */
async function refuses(flags: readonly string[], words: RegExp): Promise<void> {
  const { code, errors } = await runToEnd(flags)
  assert.equal(code, 1, errors)
  assert.match(errors, words)
  assert.equal(errors.trim().split('\n').length, 1, `one sentence: ${errors}`)
}

test('a port that is taken: says which, and the flag that moves it', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const dataDir = makeDataDir(t)
  const taken = ['--data-dir', dataDir, '--https-port', '0', '--mqtt-port', `${port}`]
  await refuses(taken, new RegExp(`MQTT cannot listen on port ${port} .*--mqtt-port`))
  const others = ['--data-dir', dataDir, '--mqtt-port', '0', '--amqp-port', '0']
  const https = [...others, '--https-port', `${port}`]
  await refuses(https, new RegExp(`HTTPS cannot listen on port ${port} .*--https-port`))
})

test('a data directory that cannot be written: says so', async (t) => {
  const file = join(makeDataDir(t), 'file')
  writeFileSync(file, '')
  await refuses(
    ['--data-dir', join(file, 'data'), ...PORTS],
    /cannot be written \(ENOTDIR\).*--data-dir/,
  )
})

test('a data directory of a newer version: is refused and not touched', async (t) => {
  const dataDir = makeDataDir(t)
  writeFileSync(join(dataDir, 'twinward.json'), '{"format":99}')
  await refuses(['--data-dir', dataDir, ...PORTS], /newer version of Twinward \(format 99/)
  assert.deepEqual(readdirSync(dataDir), ['twinward.json'])
})

test('a store of a newer version: is refused', async (t) => {
  const dataDir = makeDataDir(t)
  const server = await startProcess(dataDir)
  server.child.kill('SIGTERM')
  assert.equal(await server.exited, 0)
  const { default: Database } = await import('better-sqlite3')
  const db = new Database(join(dataDir, 'hub.db'))
  db.pragma('user_version = 99')
  db.close()
  await refuses(['--data-dir', dataDir, ...PORTS], /newer version of Twinward/)
})

test('a data directory in use: the second server is refused, the first goes on', async (t) => {
  const dataDir = makeDataDir(t)
  const server = await startProcess(dataDir)
  t.after(() => server.child.kill('SIGKILL'))
  await refuses(['--data-dir', dataDir, ...PORTS], /Another Twinward uses the data directory/)
  assert.equal((await server.call('GET', '/health')).status, 200)
  assert.deepEqual(readReady(dataDir), server.ready, 'the first one’s announcement stands')
})

test('SIGTERM: stops cleanly, withdraws its announcement, and the next start has everything', async (t) => {
  const dataDir = makeDataDir(t)
  const first = await startProcess(dataDir)
  await first.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  first.child.kill('SIGTERM')
  assert.equal(await first.exited, 0, first.errors())
  assert.equal(readReady(dataDir), undefined)
  const caBefore = readFileSync(first.ready.caFile, 'utf8')
  const second = await startProcess(dataDir)
  t.after(() => second.child.kill('SIGKILL'))
  assert.equal((await second.call('GET', '/devices/pump-1')).status, 200)
  assert.equal(readFileSync(second.ready.caFile, 'utf8'), caBefore)
})
