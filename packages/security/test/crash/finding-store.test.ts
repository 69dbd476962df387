import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SqliteFindingStore } from '../../src/adapters/sqlite/finding-store.ts'
import { contents } from '../contracts/findings.ts'

const writer = fileURLToPath(new URL('finding-writer.ts', import.meta.url))
const DEADLINE_MS = 30_000

/** Lets the writer work until `commits` were acknowledged, and kills it in the midst of the next. */
async function writeAndKill(file: string, commits: number): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, writer, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const exited = once(child, 'exit')
  let acknowledged = 0
  let left = commits
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line)
    if (--left === 0) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  assert.ok(left <= 0, 'the writer was killed by its deadline')
  return acknowledged
}

/** Baselines are of the same commit as the cursor, and every sum is what counting would give. */
async function baselinesAreOf(cursor: number, store: SqliteFindingStore): Promise<void> {
  const { items } = await store.baselines.list({ limit: 100 })
  const devices = Math.min(cursor, 7)
  const newest = Array.from({ length: devices }, (_, at) => 5_000 + cursor - at)
  assert.deepEqual(items.map(({ evaluatedMs }) => evaluatedMs).sort(descending), newest)
  const { benchmarks, checks } = await store.baselines.totals()
  assert.deepEqual(
    benchmarks.map(({ devices: count, pass, fail }) => [count, pass, fail]),
    [[devices, devices, devices]],
  )
  const failing = checks.reduce((sum, one) => sum + one.failing, 0)
  assert.equal(failing, devices)
  assert.ok(checks.every((one) => one.failing > 0))
}

function descending(a: number, b: number): number {
  return b - a
}

test('finding store: killed at any time, a batch is there whole or not at all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'finding-store-crash-'))
  const file = join(folder, 'findings.db')
  const failures: Error[] = []
  try {
    for (const commits of [1, 50, 7, 200]) {
      const acknowledged = await writeAndKill(file, commits)
      const store = await SqliteFindingStore.open({ file, onFailure: (e) => failures.push(e) })
      const { cursor, alerts, rejections, devices, summary } = await contents(store, ['pump-1'])
      await baselinesAreOf(cursor, store)
      await store.close()
      assert.ok(cursor >= acknowledged, `cursor ${cursor}, acknowledged ${acknowledged}`)
      assert.equal(alerts.length, 2 * cursor)
      const sequences = rejections.map(({ sequence }) => sequence)
      assert.deepEqual(
        sequences,
        Array.from({ length: cursor }, (_, n) => cursor - n),
      )
      assert.equal((devices[0]?.[0] as { events?: number } | undefined)?.events, cursor)
      assert.deepEqual(devices[0]?.[1], { deviceId: 'pump-1', values: { cursor } })
      assert.equal(summary.openAlerts.Medium, 2 * cursor)
      // pump-1 itself is among pump-1, pump-2, …
      assert.equal(summary.devicesWithOpenAlerts, cursor)
    }
    assert.deepEqual(failures, [])
  } finally {
    await rm(folder, { recursive: true })
  }
})
