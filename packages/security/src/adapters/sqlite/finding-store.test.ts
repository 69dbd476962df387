import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { StoreInUseError } from '@twinward/sqlite'
import Database from 'better-sqlite3'
import { findingStoreContract } from '../../../test/contracts/finding-store.ts'
import {
  agent,
  alert,
  contents,
  recommendation,
  rejection,
} from '../../../test/contracts/findings.ts'
import { MAX_REJECTIONS_PER_DEVICE } from '../../data/finding-limits.ts'
import type { AlertFilter, RecommendationFilter } from '../../data/finding-store.ts'
import { SqliteFindingStore } from './finding-store.ts'
import { alertsQuery, recommendationsQuery } from './list.ts'
import { MIGRATIONS } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'finding-store-'))
const opened: SqliteFindingStore[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const store of opened) await store.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

function newFile(): string {
  return join(folder, `${++files}.db`)
}

async function open(file: string): Promise<SqliteFindingStore> {
  const store = await SqliteFindingStore.open({ file, onFailure: (error) => failures.push(error) })
  opened.push(store)
  return store
}

findingStoreContract(() => open(newFile()))

test('open: everything is there again, and goes on', async () => {
  const file = newFile()
  const store = await open(file)
  const rejections = Array.from({ length: MAX_REJECTIONS_PER_DEVICE }, (_, n) => rejection(n))
  await store.commit({
    cursor: 5,
    alerts: [alert('a'), alert('b', { severity: 'High', deviceId: 'pump-10' })],
    recommendations: [recommendation('r')],
    agents: [agent('pump-1')],
    memories: [{ deviceId: 'pump-1', values: { a: 1 } }],
    rejections,
  })
  const before = await contents(store, ['pump-1', 'pump-10'])
  await store.close()
  const again = await open(file)
  assert.deepEqual(await contents(again, ['pump-1', 'pump-10']), before)
  // The counts were kept as well.
  await again.commit({ alerts: [alert('a', { status: 'Resolved' })], rejections: [rejection(-1)] })
  const after = await contents(again, [])
  assert.equal(after.summary.devicesWithOpenAlerts, 1)
  assert.equal(after.rejections.length, MAX_REJECTIONS_PER_DEVICE)
  assert.equal(after.rejections[0]?.sequence, -1)
})

test('open: a file that is open already is refused', async () => {
  const file = newFile()
  await open(file)
  await assert.rejects(open(file), StoreInUseError)
})

test('lists: each filter walks an index in the order of the list', () => {
  const db = new Database(':memory:')
  for (const migration of MIGRATIONS) db.exec(migration)
  const alertFilters: Partial<AlertFilter>[] = [
    {},
    { deviceId: 'pump-1' },
    { alertType: 'IoT_Bruteforce', fromMs: 1 },
    { status: 'Active', severity: 'High', toMs: 1 },
    { severity: 'High' },
  ]
  const recommendationFilters: Partial<RecommendationFilter>[] = [
    {},
    { deviceId: 'pump-1', state: 'Active' },
    { recommendationType: 'IoT_OpenPorts' },
    { state: 'Active' },
    { severity: 'High' },
  ]
  const queries = [
    ...alertFilters.map((filter) => alertsQuery({ limit: 10, ...filter })),
    ...recommendationFilters.map((filter) => recommendationsQuery({ limit: 10, ...filter })),
  ]
  for (const { sql, params } of queries) {
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(params)
    const [step, ...more] = plan.map(({ detail }) => detail)
    assert.match(step ?? '', /^SEARCH \w+ USING INDEX .*\(newest_first,id\)>\(\?,\?\)/)
    // No second step: neither a sort nor another table.
    assert.deepEqual(more, [])
  }
  db.close()
})
