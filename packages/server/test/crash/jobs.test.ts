import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProcess } from '../process.ts'
import type { CallApi } from '../server.ts'

/** How often the server is killed. */
const ROUNDS = Math.ceil(Number(process.env.TWINWARD_CRASH_ROUNDS ?? 50) / 10)
const DEVICES = 2000
/** Devices of one request. */
const PART = 100
const DEADLINE_MS = 60_000

test(`a job over ${DEVICES} devices, killed ${ROUNDS} times: each twin has it exactly once`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const seen: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, call, exited } = await startProcess(dataDir)
    if (round === 0) {
      await createDevices(call)
      const body = {
        type: 'scheduleUpdateTwin',
        updateTwin: { etag: '*', tags: { a: 1 }, properties: { desired: { interval: 5 } } },
        queryCondition: '*',
      }
      assert.equal((await call('PUT', '/jobs/v2/j1', { body })).status, 200)
    }
    if (round === ROUNDS) {
      const deadlineMs = Date.now() + DEADLINE_MS
      let job = (await call('GET', '/jobs/v2/j1')).body
      while (job.status !== 'completed') {
        assert.ok(Date.now() < deadlineMs, JSON.stringify(job))
        job = (await call('GET', '/jobs/v2/j1')).body
      }
      const { deviceCount, succeededCount, pendingCount } = job.deviceJobStatistics
      assert.deepEqual([deviceCount, succeededCount, pendingCount], [DEVICES, DEVICES, 0])
      assert.equal(await countOnce(call), DEVICES)
      child.kill('SIGTERM')
      await exited
      break
    }
    // Once before it began, then a little further each time.
    const least = round * randomInt(1, Math.floor(DEVICES / ROUNDS / 2))
    seen.push(await doneAtLeast(call, least))
    child.kill('SIGKILL')
    await exited
  }
  t.diagnostic(`done when killed: ${seen.join(', ')}`)
  assert.ok(
    seen.some((count) => count > 0 && count < DEVICES),
    'at least one kill came in the middle',
  )
})

async function doneAtLeast(call: CallApi, least: number): Promise<number> {
  for (;;) {
    const { body } = await call('GET', '/jobs/v2/j1')
    const { succeededCount } = body.deviceJobStatistics
    if (succeededCount >= least || body.status === 'completed') return succeededCount
  }
}

async function createDevices(call: CallApi): Promise<void> {
  for (let first = 0; first < DEVICES; first += PART) {
    const body = Array.from({ length: PART }, (_, n) => ({
      id: `d-${first + n}`,
      importMode: 'create',
    }))
    assert.equal((await call('POST', '/devices', { body })).status, 200)
  }
}

/** Twins whose desired properties were written exactly once. */
async function countOnce(call: CallApi): Promise<number> {
  const query =
    'SELECT COUNT() AS n FROM devices WHERE properties.desired.$version = 2 AND ' +
    'properties.desired.interval = 5 AND tags.a = 1'
  const [row] = (await call('POST', '/devices/query', { body: { query } })).body
  return row.n
}
