import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { certificate, certificateStoreContract } from '../../../test/contracts/certificate-store.ts'
import { SqliteCertificates } from './certificates.ts'
import { openHubDatabase } from './hub-database.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-certificates-'))
const opened: SqliteDatabase[] = []
after(async () => {
  await Promise.all(opened.map((db) => db.close()))
  rmSync(folder, { recursive: true })
})
let files = 0

certificateStoreContract(async () => new SqliteCertificates(await open(newFile())))

test('open: what was acknowledged is there again', async () => {
  const file = newFile()
  const first = await open(file)
  const store = new SqliteCertificates(first)
  const one = certificate('plant', 1)
  await store.insert(one)
  await store.replace({ ...one, etag: one.etag + 1, isVerified: true }, one.etag)
  await first.close()
  const found = await new SqliteCertificates(await open(file)).find('plant')
  assert.deepEqual([found?.etag, found?.isVerified], [one.etag + 1, true])
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
