import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SCENARIO = fileURLToPath(new URL('disk-full-scenario.ts', import.meta.url))
/** A file system in memory, which only the scenario sees. */
const MOUNT = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'

interface Outcome {
  readonly acknowledged: number
  readonly held: number
  readonly code: number | null
  readonly errors: string
}

const canMount = spawnSync('unshare', ['-rm', 'sh', '-c', MOUNT, tmpdir(), 'true']).status === 0

test('a full disk: one sentence, exit 1, and everything acknowledged is there once there is room', {
  skip: !canMount && 'this user may not mount a small file system',
  timeout: 180_000,
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const node = [process.execPath, '--conditions=source', '--import', 'tsx', SCENARIO, folder]
  const output = execFileSync('unshare', ['-rm', 'sh', '-c', MOUNT, folder, ...node], {
    encoding: 'utf8',
  })
  const { acknowledged, held, code, errors } = JSON.parse(output) as Outcome
  assert.equal(code, 1)
  assert.match(errors, /The disk of .* is full: free some space and start again/)
  const sentences = errors.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  assert.equal(sentences.length, 1, errors)
  assert.ok(acknowledged > 10, `${acknowledged} writes before the disk was full`)
  assert.equal(held, acknowledged)
})
