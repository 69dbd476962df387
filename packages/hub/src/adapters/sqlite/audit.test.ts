import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { auditEvent, auditStoreContract } from '../../../test/contracts/audit-store.ts'
import { SqliteAudit } from './audit.ts'
import { openHubDatabase } from './hub-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-audit-'))
const opened: SqliteDatabase[] = []
after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  rmSync(folder, { recursive: true })
})
let files = 0

auditStoreContract(async () => new SqliteAudit(await open(newFile())))

test('open: what was acknowledged is there again, and sequences go on', async () => {
  const file = newFile()
  const first = await open(file)
  await new SqliteAudit(first).append([auditEvent({ subject: 'plant' })])
  await first.close()
  const store = new SqliteAudit(await open(file))
  await store.append([auditEvent({ subject: 'mill' })])
  const events = await store.read(0, 10)
  assert.deepEqual(
    events.map(({ subject }) => subject),
    ['plant', 'mill'],
  )
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
