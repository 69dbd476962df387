import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { enrollmentTokensContract } from '../../../test/contracts/enrollment-tokens.ts'
import { SqliteEnrollmentTokens } from './enrollment-tokens.ts'
import { openHubDatabase } from './hub-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-enrollment-tokens-'))
const databases: SqliteDatabase[] = []
let files = 0
after(async () => {
  for (const db of databases) await db.close()
  rmSync(folder, { recursive: true })
})

enrollmentTokensContract(
  async () => new SqliteEnrollmentTokens(await open(join(folder, `${files++}.db`))),
)

test('use: what was used stays used after the file was closed and opened again', async () => {
  const file = join(folder, 'again.db')
  const first = await open(file)
  const token = {
    ...{ tokenId: 'a', secretHash: 'x', deviceId: 'pump-1', generationId: '1' },
    ...{ createdTimeMs: 1, expiresTimeMs: 9, createdBy: 'iothubowner' },
  }
  const limits = { open: 1, finished: 1 }
  const tokens = new SqliteEnrollmentTokens(first)
  await tokens.insert(token, { nowMs: 2, forgetBeforeMs: 0 }, limits)
  assert.equal(await tokens.use('a', 3, '10.0.0.1'), true)
  await first.close()
  const again = new SqliteEnrollmentTokens(await open(file))
  assert.deepEqual((await again.find('a'))?.used, { timeMs: 3, address: '10.0.0.1' })
  assert.equal(await again.use('a', 4, '10.0.0.1'), false)
})

async function open(file: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file, onFailure })
  databases.push(db)
  return db
}
