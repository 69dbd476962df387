import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { indicatorStoreContract } from '../../../test/contracts/indicator-store.ts'
import { ruleSettingStoreContract } from '../../../test/contracts/rule-setting-store.ts'
import { SqliteIndicatorStore } from './indicator-store.ts'
import { SqliteRuleSettingStore } from './rule-setting-store.ts'
import { openSecurityDatabase } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'indicator-store-'))
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

indicatorStoreContract(async () => SqliteIndicatorStore.on(await open()))
ruleSettingStoreContract(async () => SqliteRuleSettingStore.on(await open()))
