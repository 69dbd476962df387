import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { moduleStoreContract, record, tombstone } from '../../../test/contracts/module-store.ts'
import { noModules } from '../../modules/module-store.ts'
import { SqliteModuleStore } from './module-store.ts'
import { openSecurityDatabase } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'module-store-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const database of opened) await database.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

async function open(file = join(folder, `${++files}.db`)): Promise<SqliteDatabase> {
  const database = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(database)
  return database
}

moduleStoreContract(async () => SqliteModuleStore.on(await open()))

test('open: records, counts and tombstones are there again', async () => {
  const file = join(folder, 'again.db')
  const database = await open(file)
  const store = SqliteModuleStore.on(database)
  await store.commit({
    records: [record('a'), record('b', { state: 'silent', dueMs: 5 })],
    tombstones: [tombstone('c')],
  })
  await database.close()
  const again = SqliteModuleStore.on(await open(file))
  assert.deepEqual(await again.find('a'), record('a'))
  assert.deepEqual(await again.counts(), { ...noModules(), active: 1, silent: 1 })
  assert.deepEqual(await again.due(5, 9), [{ deviceId: 'b', dueMs: 5 }])
  assert.deepEqual(await again.findTombstone('c'), tombstone('c'))
})

test('a store that is closed says so as a passing trouble', async () => {
  const database = await open()
  const store = SqliteModuleStore.on(database)
  await database.close()
  await assert.rejects(store.find('a'), { code: 'ServiceUnavailable' })
})
