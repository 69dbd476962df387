import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { registryJobsContract } from '../../../test/contracts/registry-jobs.ts'
import { openHubDatabase } from './hub-database.ts'
import { SqliteRegistryJobStore } from './registry-jobs.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-registry-jobs-'))
const databases: SqliteDatabase[] = []
let files = 0
after(async () => {
  for (const db of databases) await db.close()
  rmSync(folder, { recursive: true })
})

registryJobsContract(
  async () => new SqliteRegistryJobStore(await open(join(folder, `${files++}.db`))),
)

test('save: what was acknowledged is there after the file was closed and opened again', async () => {
  const file = join(folder, 'again.db')
  const first = await open(file)
  const job = {
    jobId: 'a',
    type: 'import',
    status: 'running',
    progress: 0,
    startTimeMs: 1,
    endTimeMs: null,
    excludeKeysInExport: false,
    failureReason: null,
  } as const
  await new SqliteRegistryJobStore(first).save(job)
  await first.close()
  const second = new SqliteRegistryJobStore(await open(file))
  assert.deepEqual(await second.list(10), [job])
})

async function open(file: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file, onFailure })
  databases.push(db)
  return db
}
