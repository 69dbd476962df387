import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { notificationStoreContract } from '../../../test/contracts/notification-store.ts'
import { SqliteNotificationStore } from './notification-store.ts'
import { openSecurityDatabase } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'notification-store-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []

after(async () => {
  for (const database of opened) await database.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

notificationStoreContract(async () => {
  const file = join(folder, `${opened.length}.db`)
  const database = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(database)
  return SqliteNotificationStore.on(database)
})
