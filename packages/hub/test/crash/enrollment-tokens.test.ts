import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SqliteEnrollmentTokens } from '../../src/adapters/sqlite/enrollment-tokens.ts'
import { openHubDatabase } from '../../src/adapters/sqlite/hub-database.ts'

const redeemer = fileURLToPath(new URL('token-redeemer.ts', import.meta.url))
const DEADLINE_MS = 30_000

/** Lets it work until so many credentials have left, and kills it in the midst of the next. */
async function redeemAndKill(file: string, count: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [...process.execArgv, redeemer, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  })
  const exited = once(child, 'exit')
  const redeemed: string[] = []
  for await (const tokenId of createInterface({ input: child.stdout })) {
    redeemed.push(tokenId)
    if (redeemed.length === count) child.kill('SIGKILL')
  }
  const [, signal] = await exited
  assert.equal(signal, 'SIGKILL')
  assert.ok(redeemed.length >= count, 'it was killed by its deadline')
  return redeemed
}

test('enrolment tokens: killed at any time, one whose credential has left is used up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enrollment-tokens-crash-'))
  const file = join(folder, 'hub.db')
  const failures: Error[] = []
  try {
    for (const count of [1, 40]) {
      const redeemed = await redeemAndKill(file, count)
      const db = await openHubDatabase({ file, onFailure: (error) => failures.push(error) })
      const tokens = new SqliteEnrollmentTokens(db)
      for (const tokenId of redeemed) {
        assert.ok((await tokens.find(tokenId))?.used, tokenId)
        assert.equal(await tokens.use(tokenId, 1, '127.0.0.1'), false)
      }
      await db.close()
    }
    assert.deepEqual(failures, [])
  } finally {
    await rm(folder, { recursive: true })
  }
})
