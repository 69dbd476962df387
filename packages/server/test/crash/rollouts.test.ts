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
const DEVICES = 1000
const PART = 100
const MAX_LOAD_MS = 600
const DEADLINE_MS = 60_000

const ROLLOUT = {
  configuration: {
    id: 'fan-2',
    content: { deviceContent: { 'properties.desired.fan': 2 } },
    targetCondition: '*',
    priority: 10,
  },
  waves: ['1%', '10%', '30%', 'rest'],
  pause: 'PT0S',
}

test(`a rollout over ${DEVICES} devices, killed ${ROUNDS} times: it ends as without`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const seen: string[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, call, exited } = await startProcess(dataDir)
    if (round === 0) {
      await createDevices(call)
      assert.equal((await call('PUT', '/api/rollouts/r1', { body: ROLLOUT })).status, 201)
    }
    if (round === ROUNDS) {
      await completed(call)
      assert.equal(await countOf(call, 'properties.desired.fan = 2'), DEVICES)
      assert.equal(await countOf(call, 'properties.desired.$version = 2'), DEVICES, 'once each')
      assert.equal(await countOf(call, "configurations.[[fan-2]].status = 'Applied'"), DEVICES)
      child.kill('SIGTERM')
      await exited
      break
    }
    await new Promise((resolve) => setTimeout(resolve, randomInt(5, MAX_LOAD_MS)))
    const { body } = await call('GET', '/api/rollouts/r1')
    seen.push(`${body.state} ${body.currentWave}`)
    child.kill('SIGKILL')
    await exited
  }
  t.diagnostic(`when killed: ${seen.join(', ')}`)
})

async function completed(call: CallApi): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  for (;;) {
    const { body } = await call('GET', '/api/rollouts/r1')
    if (body.state === 'completed') return
    assert.ok(Date.now() < deadlineMs, JSON.stringify(body))
    await new Promise((resolve) => setTimeout(resolve, 50))
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

async function countOf(call: CallApi, condition: string): Promise<number> {
  const query = `SELECT COUNT() AS n FROM devices WHERE ${condition}`
  const [row] = (await call('POST', '/devices/query', { body: { query } })).body
  return row?.n ?? 0
}
