import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { enrollment, enrollmentStoreContract } from '../../../test/contracts/enrollment-store.ts'
import { SqliteEnrollments } from './enrollments.ts'
import { openHubDatabase } from './hub-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-enrollments-'))
const opened: SqliteDatabase[] = []
after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  rmSync(folder, { recursive: true })
})
let files = 0

enrollmentStoreContract(async () => new SqliteEnrollments(await open(newFile())))

test('open: what was acknowledged is there again', async () => {
  const file = newFile()
  const first = await open(file)
  const store = new SqliteEnrollments(first)
  const one = enrollment('group', 'plant')
  await store.insert(one, 1)
  const { settings } = one
  await store.replace(
    { ...one, etag: 'next', settings: { ...settings, isEnabled: false } },
    one.etag,
  )
  await first.close()
  const again = new SqliteEnrollments(await open(file))
  const found = await again.find('group', 'plant')
  assert.deepEqual([found?.etag, found?.settings.isEnabled], ['next', false])
  assert.equal(await again.insert(enrollment('group', 'second'), 1), 'full')
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
