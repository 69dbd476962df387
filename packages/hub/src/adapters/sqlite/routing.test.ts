import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { routingStoreContract } from '../../../test/contracts/routing-store.ts'
import { DEFAULT_ROUTING } from '../../routing/routing-document.ts'
import { openHubDatabase } from './hub-database.ts'
import { SqliteRoutingStore } from './routing.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-routing-'))
const opened: SqliteDatabase[] = []
after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  rmSync(folder, { recursive: true })
})
let files = 0

routingStoreContract(async () => new SqliteRoutingStore(await open(`${files++}.db`)))

test('open: document and epoch are there again', async () => {
  const db = await open('again.db')
  const first = new SqliteRoutingStore(db)
  await first.put({ etag: 1, document: DEFAULT_ROUTING })
  assert.equal(await first.nextEpoch(), 1)
  opened.splice(opened.indexOf(db), 1)
  await db.close()

  const second = new SqliteRoutingStore(await open('again.db'))
  assert.deepEqual(await second.find(), { etag: 1, document: DEFAULT_ROUTING })
  assert.equal(await second.nextEpoch(), 2)
})

async function open(name: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file: join(folder, name), onFailure })
  opened.push(db)
  return db
}
