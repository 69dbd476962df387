import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { eventSchemaStoreContract } from '../../../test/contracts/event-schema-store.ts'
import { ingestionStoreContract } from '../../../test/contracts/ingestion-store.ts'
import { newIntakeState } from '../../ingestion/quota.ts'
import { SqliteEventSchemaStore } from './event-schema-store.ts'
import { SqliteIngestionStore } from './ingestion-store.ts'
import { openSecurityDatabase } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'ingestion-store-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const db of opened) await db.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

async function open(file = join(folder, `${++files}.db`)): Promise<SqliteDatabase> {
  const db = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(db)
  return db
}

ingestionStoreContract(async () => SqliteIngestionStore.on(await open()))
eventSchemaStoreContract(async () => SqliteEventSchemaStore.on(await open()))

test('what was committed is there when the file is opened again', async () => {
  const file = join(folder, 'again.db')
  const first = await open(file)
  await SqliteIngestionStore.on(first).commit({
    ...{ cursor: 8, states: [newIntakeState('pump-1')], forgotten: [], verdicts: [], released: 0 },
    chunks: [{ ref: { deviceId: 'pump-1' }, number: 1, lastMs: 1, bytes: Uint8Array.of(1) }],
  })
  await first.close()
  opened.splice(opened.indexOf(first), 1)
  const store = SqliteIngestionStore.on(await open(file))
  assert.equal(await store.cursor(), 8)
  assert.equal((await store.findChunks(['pump-1'])).length, 1)
  assert.equal((await store.findStates(['pump-1'])).length, 1)
})
