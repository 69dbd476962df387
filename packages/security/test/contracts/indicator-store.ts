import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  IndicatorStore,
  StoredIndicator,
} from '../../src/detection/indicators/indicator-store.ts'
import { indicatorId } from '../../src/detection/indicators/indicators.ts'

/** What every IndicatorStore must do. Each adapter calls this with a way to open an empty one. */
export function indicatorStoreContract(open: () => Promise<IndicatorStore>): void {
  test('indicators come back as they were stored; one replaces its predecessor', async () => {
    const store = await open()
    const one = indicator('a.example', { note: 'a "quoted" ü', severity: 'High' })
    await store.put([one])
    assert.deepEqual(await store.find(one.id), one)
    const changed = { ...one, source: 'other', expiresMs: 7 }
    await store.put([changed, indicator('b.example')])
    assert.deepEqual(await store.find(one.id), changed)
    assert.equal(await store.find('x'), undefined)
    assert.equal(await store.count(), 2)
    await store.put([])
  })

  test('indicators are listed in pages by id, filtered by kind and source', async () => {
    const store = await open()
    const all = Array.from({ length: 7 }, (_, at) =>
      indicator(`h${at}.example`, { source: at % 2 === 0 ? 'even' : 'odd' }),
    )
    const address = indicator('203.0.113.1', { kind: 'address', source: 'even' })
    await store.put([...all, address])
    const ids: string[] = []
    let token: string | null | undefined
    do {
      const page = await store.list({ limit: 3, ...(token && { continuationToken: token }) })
      ids.push(...page.items.map(({ id }) => id))
      token = page.continuationToken
    } while (token !== null)
    assert.deepEqual(ids, [...all, address].map(({ id }) => id).sort())
    const even = await store.list({ source: 'even', kind: 'domain', limit: 10 })
    assert.equal(even.items.length, 4)
    assert.equal(even.continuationToken, null)
    await assert.rejects(store.list({ limit: 0 }), { code: 'ArgumentInvalid' })
    await assert.rejects(store.list({ limit: 1, continuationToken: 'x' }), {
      code: 'ArgumentInvalid',
    })
  })

  test('what is removed, alone, as a list or by its time, is gone and not counted', async () => {
    const store = await open()
    const kept = indicator('kept.example', { expiresMs: 100 })
    const forever = indicator('forever.example')
    const gone = indicator('gone.example', { expiresMs: 99 })
    await store.put([kept, forever, gone, indicator('s.example', { source: 's' })])
    await store.removeExpired(99)
    await store.removeSource('s')
    await store.removeSource('none')
    await store.remove(forever.id)
    await store.remove(forever.id)
    assert.deepEqual((await store.list({ limit: 10 })).items, [kept])
    assert.equal(await store.count(), 1)
  })
}

function indicator(value: string, fields: Partial<StoredIndicator> = {}): StoredIndicator {
  const plain = { kind: 'domain' as const, source: '', confidence: 100, expiresMs: 0, note: '' }
  const id = indicatorId({ kind: fields.kind ?? 'domain', value })
  return { ...plain, value, id, changedMs: 5, changedBy: 'service', ...fields }
}
