import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { suppressionStoreContract } from '../../../test/contracts/suppression-store.ts'
import { openSecurityDatabase } from './security-database.ts'
import { SqliteSuppressionStore } from './suppression-store.ts'

const folder = await mkdtemp(join(tmpdir(), 'suppression-store-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []

after(async () => {
  for (const db of opened) await db.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

suppressionStoreContract(async () => {
  const file = join(folder, `${opened.length}.db`)
  const db = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(db)
  return SqliteSuppressionStore.on(db)
})
