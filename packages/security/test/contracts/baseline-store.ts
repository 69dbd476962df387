import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { baseline, check, failing } from '../baselines.ts'
import { alert, ODD } from './findings.ts'

const CIS = 'cis-dil-2.0.0'
/** As an agent may call one. */
const NAMED = `'; DROP TABLE baseline; -- "ü" 火`

/** What every BaselineStore must do. Each adapter calls this with a way to open an empty store. */
export function baselineStoreContract(open: () => Promise<FindingStore>): void {
  contentContract(open)
  listContract(open)
  failureContract(open)
  totalsContract(open)
}

function contentContract(open: () => Promise<FindingStore>): void {
  test('baselines: each comes back exactly as it was committed, in the place of its predecessor', async () => {
    const store = await open()
    const first = baseline({
      leftOut: 3,
      tellsPasses: false,
      disabled: { groups: ['Time Synchronization'], checks: ['3.3.5'] },
      checks: [
        check({ id: '1.1.2', description: ODD, remediation: ODD, group: ODD }),
        failing({ id: '1.1.10', error: ODD }),
        failing({ id: '1.1.11', lastChangedMs: 4_000 }),
        check({ id: '1.1.12', result: 'error', error: 'no such file' }),
        check({ id: '1.1.13', result: 'skip', lastChangedMs: 4_999 }),
      ],
    })
    const other = baseline({ benchmark: NAMED, checks: [] })
    await store.commit({ baselines: [first, other], alerts: [alert('a')], cursor: 3 })
    const byName = [first, other].sort((a, b) => (a.benchmark < b.benchmark ? -1 : 1))
    assert.deepEqual(await store.baselines.ofDevice('pump-1'), byName)
    assert.equal(await store.cursor(), 3)
    assert.deepEqual(await store.baselines.ofDevice('pump-2'), [])
    const next = { ...first, evaluatedMs: 9_000, checks: [failing({ id: '1.1.12' })] }
    await store.commit({
      baselines: [next],
      removedBaselines: [{ deviceId: 'pump-1', benchmark: NAMED }],
    })
    assert.deepEqual(await store.baselines.ofDevice('pump-1'), [next])
  })

  test('baselines: one that came out as before has a new time, in numbers too', async () => {
    const store = await open()
    const first = baseline({ checks: [failing(), check({ id: '9' })] })
    await store.commit({ baselines: [first] })
    const key = { deviceId: 'pump-1', benchmark: CIS }
    await store.commit({
      repeatedBaselines: [
        { ...key, evaluatedMs: 7_000 },
        { ...key, deviceId: 'nobody', evaluatedMs: 7_000 },
      ],
    })
    assert.deepEqual(await store.baselines.ofDevice('pump-1'), [{ ...first, evaluatedMs: 7_000 }])
    const [stored] = await store.baselines.results('pump-1')
    assert.deepEqual([stored?.result.evaluatedMs, stored?.result.warning.fail], [7_000, 1])
    assert.deepEqual(await store.baselines.ofDevice('nobody'), [])
  })

  test('baselines: they go with their device, and another device keeps what it shared', async () => {
    const store = await open()
    const two = baseline({ deviceId: 'pump-2', checks: [failing()] })
    await store.commit({ baselines: [baseline({ checks: [failing()] }), two] })
    await store.removeDevice('pump-1')
    assert.deepEqual(await store.baselines.ofDevice('pump-1'), [])
    assert.deepEqual(await store.baselines.ofDevice('pump-2'), [two])
    await store.removeDevice('pump-2')
    assert.deepEqual(await store.baselines.totals(), { benchmarks: [], checks: [] })
  })
}

function listContract(open: () => Promise<FindingStore>): void {
  test('baselines: listed in pages by device and benchmark, all or of one benchmark', async () => {
    const store = await open()
    const all = ['a', 'b', 'c'].flatMap((deviceId) =>
      ['cis-dil-2.0.0', 'custom:12'].map((benchmark) => baseline({ deviceId, benchmark })),
    )
    await store.commit({ baselines: all.toReversed() })
    for (const benchmark of [undefined, 'custom:12']) {
      const wanted = all.filter((one) => benchmark === undefined || one.benchmark === benchmark)
      for (const limit of [1, 2, 4, 6, 7]) {
        const filter = { ...(benchmark && { benchmark }), limit }
        assert.deepEqual(
          await readAll((page) => store.baselines.list({ ...filter, ...page })),
          wanted,
        )
      }
    }
    await assert.rejects(store.baselines.list({ limit: 0 }), { code: 'ArgumentInvalid' })
    const foreign = { limit: 1, continuationToken: 'x' }
    await assert.rejects(store.baselines.list(foreign), { code: 'ArgumentInvalid' })
    await assert.rejects(store.baselines.failures({ benchmark: CIS, checkId: '1', ...foreign }), {
      code: 'ArgumentInvalid',
    })
  })
}

function failureContract(open: () => Promise<FindingStore>): void {
  test('baselines: devices that fail a check are listed, those that switched it off are not', async () => {
    const store = await open()
    const ofDevice = (deviceId: string, ...checks: ReturnType<typeof check>[]) =>
      baseline({ deviceId, checks })
    const off = { ...ofDevice('off', failing()), disabled: { groups: ['filesystem'], checks: [] } }
    await store.commit({
      baselines: [
        ofDevice('c', failing({ firstFailedMs: 1_500 })),
        ofDevice('a', check({ result: 'error', lastChangedMs: 3_000 })),
        ofDevice('passes', check()),
        ofDevice('skips', check({ result: 'skip' })),
        ofDevice('fails another', failing({ id: '5.2.7' })),
        ofDevice('b', failing()),
        off,
        { ...ofDevice('elsewhere', failing()), benchmark: 'custom:1' },
      ],
    })
    const failures = (page: object) =>
      store.baselines.failures({ benchmark: CIS, checkId: '1.1.2', limit: 2, ...page })
    assert.deepEqual(await readAll(failures), [
      { deviceId: 'a', result: 'error', sinceMs: 3_000 },
      { deviceId: 'b', result: 'fail', sinceMs: 2_000 },
      { deviceId: 'c', result: 'fail', sinceMs: 1_500 },
    ])
    await store.commit({ baselines: [ofDevice('b', check()), { ...off, disabled: noneOff }] })
    const ids = (await readAll(failures)).map(({ deviceId }) => deviceId)
    assert.deepEqual(ids, ['a', 'c', 'off'])
    assert.deepEqual(await store.baselines.failures({ benchmark: CIS, checkId: '9', limit: 1 }), {
      items: [],
      continuationToken: null,
    })
  })
}

function totalsContract(open: () => Promise<FindingStore>): void {
  test('baselines: totals follow every change, the most frequent failure first', async () => {
    const store = await open()
    const two = [failing({ id: '1.1.2' }), failing({ id: '5.2.7' })]
    await store.commit({
      baselines: [
        baseline({ deviceId: 'a', checks: [...two, check({ id: '6.1.1' })] }),
        baseline({
          deviceId: 'b',
          checks: [check({ id: '1.1.2', result: 'error' }), check({ id: '9' })],
        }),
        baseline({ deviceId: 'b', benchmark: 'custom:1', checks: [check({ result: 'skip' })] }),
      ],
    })
    assert.deepEqual(await store.baselines.totals(), {
      benchmarks: [
        { benchmark: CIS, devices: 2, pass: 2, fail: 2, error: 1, skip: 0, disabled: 0 },
        { benchmark: 'custom:1', devices: 1, pass: 0, fail: 0, error: 0, skip: 1, disabled: 0 },
      ],
      checks: [
        { benchmark: CIS, checkId: '1.1.2', failing: 1, errors: 1 },
        { benchmark: CIS, checkId: '5.2.7', failing: 1, errors: 0 },
      ],
    })
    const disabled = { groups: [], checks: ['5.2.7'] }
    await store.commit({ baselines: [baseline({ deviceId: 'a', checks: two, disabled })] })
    await store.removeDevice('b')
    assert.deepEqual(await store.baselines.totals(), {
      benchmarks: [
        { benchmark: CIS, devices: 1, pass: 0, fail: 1, error: 0, skip: 0, disabled: 1 },
      ],
      checks: [{ benchmark: CIS, checkId: '1.1.2', failing: 1, errors: 0 }],
    })
  })
}

const noneOff = { groups: [], checks: [] }

async function readAll<T>(
  read: (page: object) => Promise<{ items: readonly T[]; continuationToken: string | null }>,
): Promise<T[]> {
  const items: T[] = []
  let continuationToken: string | null = null
  do {
    const page = await read(continuationToken === null ? {} : { continuationToken })
    items.push(...page.items)
    continuationToken = page.continuationToken
  } while (continuationToken !== null)
  return items
}
