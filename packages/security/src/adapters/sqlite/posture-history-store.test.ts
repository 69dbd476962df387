import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../../tools/fuzz-runs.ts'
import { customCheckStoreContract } from '../../../test/contracts/custom-check-store.ts'
import { postureHistoryContract, score } from '../../../test/contracts/posture-history.ts'
import { MemoryPostureHistoryStore } from '../memory/posture-history-store.ts'
import { SqliteCustomCheckStore } from './custom-check-store.ts'
import { SqlitePostureHistoryStore } from './posture-history-store.ts'
import { openSecurityDatabase } from './security-database.ts'

const folder = await mkdtemp(join(tmpdir(), 'posture-history-'))
const opened: SqliteDatabase[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const db of opened) await db.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

async function openDatabase(): Promise<SqliteDatabase> {
  const file = join(folder, `${++files}.db`)
  const db = await openSecurityDatabase({ file, onFailure: (error) => failures.push(error) })
  opened.push(db)
  return db
}

const open = async () => SqlitePostureHistoryStore.on(await openDatabase())

postureHistoryContract(open)
customCheckStoreContract(async () => SqliteCustomCheckStore.on(await openDatabase()))

const DEVICES = ['a', 'b', 'c']
const GROUPS = ['pumps', 'press']
const change = fc.record({
  deviceId: fc.constantFrom(...DEVICES),
  isGone: fc.boolean(),
  fields: fc.record({
    score: fc.integer({ min: 0, max: 100 }),
    group: fc.constantFrom(...GROUPS),
    weight: fc.constantFrom(1, 3),
    worst: fc.constantFrom('High', 'Medium', 'Low', 'none'),
  }),
})

test('scores: whatever devices do, totals and history are those of the memory adapter', async () => {
  const store = await open()
  let day = 0
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 15 }), async (changes) => {
      for (const deviceId of DEVICES) await store.remove(deviceId, day)
      const fromDay = ++day
      const model = new MemoryPostureHistoryStore()
      for (const { deviceId, isGone, fields } of changes) {
        for (const each of [store, model]) {
          if (isGone) await each.remove(deviceId, day)
          else await each.record(score(deviceId, fields), day)
        }
        day += Number(isGone)
      }
      for (const group of [undefined, ...GROUPS]) {
        assert.deepEqual(await store.totals(group), await model.totals(group))
        const days = (await store.days(group, fromDay)).filter((one) => one.day >= fromDay)
        assert.deepEqual(days, await model.days(group, fromDay))
      }
      for (const deviceId of DEVICES) {
        assert.deepEqual(await store.deviceDays(deviceId, 0), await model.deviceDays(deviceId, 0))
      }
      assert.deepEqual(await store.groups({ limit: 9 }), await model.groups({ limit: 9 }))
    }),
    fuzzRuns(50),
  )
})
