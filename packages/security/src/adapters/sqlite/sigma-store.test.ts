import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { sigmaStoreContract } from '../../../test/contracts/sigma-store.ts'
import { openSecurityDatabase } from './security-database.ts'
import { SqliteSigmaStore } from './sigma-store.ts'

const folder = await mkdtemp(join(tmpdir(), 'sigma-store-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const db of opened) await db.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

sigmaStoreContract(async () => {
  const file = join(folder, `${++files}.db`)
  const db = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(db)
  return SqliteSigmaStore.on(db)
})
