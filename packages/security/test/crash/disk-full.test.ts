import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const writer = fileURLToPath(new URL('disk-full-writer.ts', import.meta.url))
const MAX_FILE_BYTES = 3_000_000
const DEADLINE_MS = 30_000

test('event store: on a full disk an append fails whole, and works again when there is room', {
  skip: hasPrlimit() ? false : 'prlimit is not installed',
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'event-store-full-'))
  try {
    const { stdout } = await promisify(execFile)(
      'prlimit',
      [
        `--fsize=${MAX_FILE_BYTES}:unlimited`,
        ...[process.execPath, ...process.execArgv, writer, join(folder, 'events.duckdb')],
      ],
      { timeout: DEADLINE_MS },
    )
    const { acknowledgedBefore, beforeRoom, isRefusedAgain, afterRoom } = JSON.parse(stdout)
    assert.ok(acknowledgedBefore > 0)
    assert.equal(isRefusedAgain, true)
    assert.deepEqual(beforeRoom, { cursor: acknowledgedBefore, rows: acknowledgedBefore * 1_000 })
    const next = acknowledgedBefore + 1
    assert.deepEqual(afterRoom, { cursor: next, rows: next * 1_000 })
  } finally {
    await rm(folder, { recursive: true })
  }
})

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'])
    return true
  } catch {
    return false
  }
}
