import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { ipFilterStoreContract } from '../../../test/contracts/ip-filter-store.ts'
import { openHubDatabase } from './hub-database.ts'
import { SqliteIpFilter } from './ip-filter.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-ip-filter-'))
const databases: SqliteDatabase[] = []
let files = 0
after(async () => {
  for (const db of databases) await db.close()
  rmSync(folder, { recursive: true })
})

ipFilterStoreContract(async () => new SqliteIpFilter(await open(join(folder, `${files++}.db`))))

async function open(file: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file, onFailure })
  databases.push(db)
  return db
}
