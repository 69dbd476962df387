import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import {
  configurationStoreContract,
  entry,
  layer,
  ofDevice,
} from '../../../test/contracts/configuration-store.ts'
import { SqliteConfigurationStore } from './configuration-store.ts'
import { openSecurityDatabase } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'configuration-store-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const db of opened) await db.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

async function open(file = join(folder, `${++files}.db`)) {
  const db = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(db)
  return { db, store: SqliteConfigurationStore.on(db) }
}

configurationStoreContract(async () => (await open()).store)

test('open: layers, records, history and the rollout are there again', async () => {
  const file = join(folder, 'again.db')
  const first = await open(file)
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  const record = { ref, written: { a: 1 }, seen: {}, desiredVersion: 2 }
  await first.store.saveLayer(layer(), entry())
  await first.store.saveRecord(record, [ofDevice('pump-1')])
  const rollout = { ...(await first.store.rollout()), after: 'pump-1' }
  await first.store.advanceRollout(rollout)
  await first.db.close()
  const { store } = await open(file)
  assert.deepEqual(await store.layers(), [layer()])
  assert.deepEqual(await store.findRecord(ref), record)
  assert.deepEqual(await store.rollout(), rollout)
  assert.equal((await store.listHistory({ limit: 10 })).items.length, 2)
})
