import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import type { FindingStore } from '../../src/data/finding-store.ts'
import { alert, allPages, ids, recommendation, rejection, tokenOf } from './findings.ts'

/** Pages of the lists, and the tokens that join them. */
export function findingPageContract(open: () => Promise<FindingStore>): void {
  test('listAlerts: pages join without a gap or a repetition while alerts arrive', async () => {
    for (const filter of [{}, { deviceId: 'pump-1' }, { status: 'Active' }] as const) {
      const store = await open()
      const names = Array.from({ length: 10 }, (_, index) => `a${index}`)
      const alerts = names.map((id, index) => alert(id, { endTimeMs: index % 2 }))
      await store.commit({ alerts })
      const pages = [await store.listAlerts({ limit: 4, ...filter })]
      assert.equal(ids(pages[0]?.items ?? []), 'a1 a3 a5 a7')
      // Before the place, by time and by id, and behind it.
      const arrived = [alert('n', { endTimeMs: 5 }), alert('a4b', { endTimeMs: 1 })]
      await store.commit({ alerts: [...arrived, alert('a8b', { endTimeMs: 1 })] })
      pages.push(await store.listAlerts({ limit: 4, ...filter, ...tokenOf(pages[0]) }))
      assert.equal(ids(pages[1]?.items ?? []), 'a8b a9 a0 a2')
      // An update takes one that was shown, and one that was not, to the front.
      const updated = [alert('a3', { endTimeMs: 7 }), alert('a6', { endTimeMs: 7 })]
      await store.commit({ alerts: updated })
      pages.push(await store.listAlerts({ limit: 4, ...filter, ...tokenOf(pages[1]) }))
      assert.equal(ids(pages[2]?.items ?? []), 'a4 a8')
      assert.equal(pages[2]?.continuationToken, null)
    }
  })

  test('listRecommendations: pages join while recommendations arrive', async () => {
    const store = await open()
    const names = ['a', 'b', 'c', 'd', 'e']
    await store.commit({ recommendations: names.map((id) => recommendation(id)) })
    const first = await store.listRecommendations({ limit: 2 })
    const later = recommendation('z', { stateChangedMs: 3_000 })
    await store.commit({ recommendations: [later, recommendation('aa'), recommendation('cc')] })
    const second = await store.listRecommendations({ limit: 9, ...tokenOf(first) })
    assert.equal(ids([...first.items, ...second.items]), 'a b c cc d e')
  })

  test('lists: a page goes on behind its last item even when that was removed', async () => {
    const store = await open()
    const alerts = ['a', 'b', 'c', 'd'].map((id) => alert(id, { deviceId: id }))
    await store.commit({ alerts })
    const first = await store.listAlerts({ limit: 2 })
    await store.removeDevice('b')
    const second = await store.listAlerts({ limit: 2, ...tokenOf(first) })
    assert.equal(ids(second.items), 'c d')
  })

  test('lists: a full last page has no token, and an empty list is an empty page', async () => {
    const store = await open()
    const empty = { items: [], continuationToken: null }
    assert.deepEqual(await store.listAlerts({ limit: 2 }), empty)
    assert.deepEqual(await store.listRecommendations({ limit: 2 }), empty)
    assert.deepEqual(await store.listRejections({ limit: 2 }), empty)
    await store.commit({
      alerts: [alert('a'), alert('b')],
      recommendations: [recommendation('a'), recommendation('b')],
      rejections: [rejection(1), rejection(2)],
    })
    for (const limit of [1, 2, 3]) {
      const pages = [
        await store.listAlerts({ limit }),
        await store.listRecommendations({ limit }),
        await store.listRejections({ limit }),
      ]
      for (const { items, continuationToken } of pages) {
        assert.equal(items.length, Math.min(limit, 2))
        assert.equal(continuationToken === null, limit > 1)
      }
    }
  })

  test('listAlerts: a page of very long alerts ends early, and the rest follows', async () => {
    const store = await open()
    const description = 'x'.repeat(500_000)
    const names = Array.from({ length: 40 }, (_, index) => `a${10 + index}`)
    await store.commit({ alerts: names.map((id) => alert(id, { description })) })
    const first = await store.listAlerts({ limit: 40 })
    assert.ok(first.items.length > 0 && first.items.length < 40)
    const all = await allPages((token) => store.listAlerts({ limit: 40, ...token }))
    assert.equal(ids(all), names.join(' '))
  })

  test('lists: a token or a limit that is not ours is refused', async () => {
    const store = await open()
    const alerts = [alert('a'), alert('b')]
    const recommendations = [recommendation('a'), recommendation('b')]
    await store.commit({ alerts, recommendations, rejections: [rejection(1), rejection(2)] })
    type List = (page: { limit: number; continuationToken?: string }) => Promise<{
      continuationToken: string | null
    }>
    const lists: List[] = [
      (page) => store.listAlerts(page),
      (page) => store.listRecommendations(page),
      (page) => store.listRejections(page),
    ]
    const tokens = await Promise.all(
      lists.map(async (list) => (await list({ limit: 1 })).continuationToken),
    )
    for (const [at, list] of lists.entries()) {
      const others = tokens.filter((_, index) => index !== at).map((token) => token ?? '')
      for (const continuationToken of ['', 'x', '%%%', 'A'.repeat(100_000), ...others]) {
        await assert.rejects(list({ limit: 1, continuationToken }), isArgumentInvalid)
      }
      for (const limit of [0, -1, 1.5, Number.NaN, 1_001]) {
        await assert.rejects(list({ limit }), isArgumentInvalid)
      }
    }
    await assert.rejects(store.openAlerts('pump-1', 0), isArgumentInvalid)
  })
}

function isArgumentInvalid(error: unknown): boolean {
  return error instanceof HubError && error.code === 'ArgumentInvalid'
}
