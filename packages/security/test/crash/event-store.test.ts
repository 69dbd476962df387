import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { DuckDbEventStore } from '../../src/adapters/duckdb/event-store.ts'
import { all } from '../contracts/event-store.ts'

const writer = fileURLToPath(new URL('event-writer.ts', import.meta.url))
const DEADLINE_MS = 30_000

/** Lets the writer work until `appends` were acknowledged, and kills it in the midst of the next. */
async function writeAndKill(file: string, appends: number): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, writer, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const exited = once(child, 'exit')
  let acknowledged = 0
  let left = appends
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line)
    if (--left === 0) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  assert.ok(left <= 0, 'the writer was killed by its deadline')
  return acknowledged
}

test('event store: killed at any time, rows are neither lost nor doubled', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'event-store-crash-'))
  const file = join(folder, 'events.duckdb')
  try {
    for (const appends of [1, 3, 7, 2, 12]) {
      const acknowledged = await writeAndKill(file, appends)
      const store = await DuckDbEventStore.open(file)
      const cursor = await store.cursor()
      const rows = await all(store, 1_000)
      await store.close()
      assert.ok(cursor >= acknowledged, `cursor ${cursor}, acknowledged ${acknowledged}`)
      const places = new Set(rows.map(({ sequence, row }) => sequence * 3 + row))
      assert.equal(rows.length, cursor * 3)
      assert.equal(places.size, rows.length)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
