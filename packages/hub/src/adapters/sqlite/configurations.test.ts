import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import {
  configuration,
  configurationStoreContract,
  pass,
  RESULTS,
} from '../../../test/contracts/configuration-store.ts'
import { SqliteConfigurationStore } from './configurations.ts'
import { openHubDatabase } from './hub-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-configurations-'))
const opened: SqliteDatabase[] = []
after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  rmSync(folder, { recursive: true })
})
let files = 0

configurationStoreContract(async () => new SqliteConfigurationStore(await open(`${files++}.db`)))

test('open: configurations, results and passes are there again', async () => {
  const db = await open('again.db')
  const first = new SqliteConfigurationStore(db)
  await first.put(configuration('a'), pass('a', 1))
  await first.putResults('a', RESULTS)
  await first.movePass({ ...pass('a', 1), step: 1, after: '[7]' })
  opened.splice(opened.indexOf(db), 1)
  await db.close()

  const second = new SqliteConfigurationStore(await open('again.db'))
  assert.deepEqual(await second.list(), [{ configuration: configuration('a'), results: RESULTS }])
  assert.deepEqual(await second.passes(), [{ ...pass('a', 1), step: 1, after: '[7]' }])
})

async function open(name: string): Promise<SqliteDatabase> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openHubDatabase({ file: join(folder, name), onFailure })
  opened.push(db)
  return db
}
