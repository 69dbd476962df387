import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { consumerGroupStoreContract } from '../../../test/contracts/consumer-group-store.ts'
import { SqliteConsumerGroups } from './consumer-groups.ts'
import { openHubDatabase } from './hub-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-consumer-groups-'))
const opened: SqliteDatabase[] = []
after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  rmSync(folder, { recursive: true })
})
let files = 0

consumerGroupStoreContract(async () => new SqliteConsumerGroups(await open(newFile())))

test('open: what was acknowledged is there again', async () => {
  const file = newFile()
  const first = await open(file)
  await new SqliteConsumerGroups(first).insert({ name: 'Analytics', createdMs: 5 })
  await first.close()
  const store = new SqliteConsumerGroups(await open(file))
  assert.deepEqual(await store.list(), [{ name: 'Analytics', createdMs: 5 }])
})

function newFile(): string {
  return join(folder, `${++files}.db`)
}

async function open(file: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file, onFailure })
  opened.push(db)
  return db
}
