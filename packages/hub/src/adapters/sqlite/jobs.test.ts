import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase, SqlValue } from '@twinward/sqlite'
import { jobStoreContract } from '../../../test/contracts/job-store.ts'
import { openHubDatabase } from './hub-database.ts'
import { SqliteJobs } from './jobs.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-jobs-'))
const databases: SqliteDatabase[] = []
let files = 0
after(async () => {
  for (const db of databases) await db.close()
  rmSync(folder, { recursive: true })
})

jobStoreContract(async () => new SqliteJobs(await open(join(folder, `${files++}.db`))))

async function open(file: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file, onFailure })
  databases.push(db)
  return db
}

test('a page of records is read from an index, in its order', async () => {
  const db = await open(join(folder, 'plans.db'))
  const asked: [string, readonly SqlValue[]][] = []
  const spy: SqliteDatabase = {
    ...db,
    read: (sql, params, maxBytes) => {
      asked.push([sql, params])
      return db.read(sql, params, maxBytes)
    },
  }
  const store = new SqliteJobs(spy)
  for (const filter of [
    { jobId: 'j' },
    { jobId: 'j', status: 'pending' },
    { jobId: 'j', deviceId: 'd' },
    { deviceId: 'd' },
    {},
  ] as const) {
    await store.targets({ ...filter, limit: 500, after: 7 })
  }
  await store.statistics('j')
  assert.equal(asked.length, 6)
  for (const [sql, params] of asked) {
    const plan = (await db.read(`EXPLAIN QUERY PLAN ${sql}`, params)).map(String).join('\n')
    assert.match(plan, /SEARCH job_target USING/, sql)
    assert.doesNotMatch(plan, /SCAN|TEMP B-TREE/, sql)
  }
})
