import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { credentialStoreContract } from '../../../test/contracts/credential-store.ts'
import { recommendationNotesContract } from '../../../test/contracts/recommendation-notes.ts'
import { typeSwitchStoreContract } from '../../../test/contracts/type-switch-store.ts'
import { vulnerabilityStoreContract } from '../../../test/contracts/vulnerability-store.ts'
import { SqliteCredentialStore } from './credential-store.ts'
import { SqliteFindingStore } from './finding-store.ts'
import { openSecurityDatabase } from './security-database.ts'
import { SqliteTypeSwitchStore } from './type-switch-store.ts'
import { SqliteVulnerabilityStore } from './vulnerability-store.ts'

const folder = await mkdtemp(join(tmpdir(), 'recommendation-stores-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const db of opened) await db.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

async function open(): Promise<SqliteDatabase> {
  const file = join(folder, `${++files}.db`)
  const db = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(db)
  return db
}

credentialStoreContract(async () => SqliteCredentialStore.on(await open()))
typeSwitchStoreContract(async () => SqliteTypeSwitchStore.on(await open()))
vulnerabilityStoreContract(async () => SqliteVulnerabilityStore.on(await open()))
recommendationNotesContract(async () => SqliteFindingStore.on(await open()))
