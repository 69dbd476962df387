import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../../tools/fuzz-runs.ts'
import { baseline, check } from '../../../test/baselines.ts'
import { baselineStoreContract } from '../../../test/contracts/baseline-store.ts'
import { prevalenceContract } from '../../../test/contracts/prevalence.ts'
import { CHECK_RESULTS, type DeviceBaseline } from '../../baseline/baseline.ts'
import { MemoryFindingStore } from '../memory/finding-store.ts'
import { SqliteFindingStore } from './finding-store.ts'

const folder = await mkdtemp(join(tmpdir(), 'baselines-'))
const opened: SqliteFindingStore[] = []
const failures: Error[] = []
let files = 0

after(async () => {
  for (const store of opened) await store.close()
  await rm(folder, { recursive: true })
  assert.deepEqual(failures, [])
})

async function open(): Promise<SqliteFindingStore> {
  const file = join(folder, `${++files}.db`)
  const store = await SqliteFindingStore.open({ file, onFailure: (error) => failures.push(error) })
  opened.push(store)
  return store
}

baselineStoreContract(open)
prevalenceContract(open)

const state = fc
  .record({
    id: fc.constantFrom('1.1.2', '1.1.3', '5.2.7'),
    result: fc.constantFrom(...CHECK_RESULTS),
    description: fc.constantFrom('', 'one', 'another'),
    sinceMs: fc.integer({ min: 1, max: 4_000 }),
  })
  .map(({ sinceMs, ...fields }) =>
    check({
      ...fields,
      lastChangedMs: sinceMs,
      firstFailedMs: fields.result === 'fail' ? sinceMs : 0,
    }),
  )
const anyBaseline: fc.Arbitrary<DeviceBaseline> = fc
  .record({
    deviceId: fc.constantFrom('a', 'b', 'c'),
    benchmark: fc.constantFrom('cis-dil-2.0.0', 'oms-linux-1'),
    disabled: fc.record({
      groups: fc.subarray(['Filesystem']),
      checks: fc.subarray(['1.1.2']),
    }),
    checks: fc.array(state, { maxLength: 4 }),
  })
  .map(baseline)
const change = fc.oneof(
  { weight: 6, arbitrary: anyBaseline },
  fc.record({ removed: fc.constantFrom('a', 'b', 'c') }),
)

test('baselines: whatever comes and goes, lists and totals are those of the memory adapter', async () => {
  const file = join(folder, `${files + 1}.db`)
  const store = await open()
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
      for (const deviceId of ['a', 'b', 'c']) await store.removeDevice(deviceId)
      const model = new MemoryFindingStore()
      for (const one of changes) {
        for (const each of [store, model]) {
          if ('removed' in one) await each.removeDevice(one.removed)
          else await each.commit({ baselines: [one] })
        }
      }
      const all = { limit: 100 }
      assert.deepEqual(await store.baselines.list(all), await model.baselines.list(all))
      assert.deepEqual(await store.baselines.totals(), await model.baselines.totals())
      for (const checkId of ['1.1.2', '5.2.7']) {
        const filter = { benchmark: 'cis-dil-2.0.0', checkId, limit: 100 }
        assert.deepEqual(
          await store.baselines.failures(filter),
          await model.baselines.failures(filter),
        )
      }
    }),
    fuzzRuns(60),
  )
  for (const deviceId of ['a', 'b', 'c']) await store.removeDevice(deviceId)
  await store.close()
  const rows = new Database(file, { readonly: true })
  for (const table of ['baseline', 'definition', 'check', 'failure', 'total']) {
    const name = table === 'baseline' ? table : `baseline_${table}`
    assert.deepEqual(rows.prepare(`SELECT count(*) AS n FROM ${name}`).get(), { n: 0 }, name)
  }
  rows.close()
})
