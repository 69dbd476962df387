import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_ROUTING, type RoutingDocument } from '../../src/routing/routing-document.ts'
import type { RoutingStore } from '../../src/routing/routing-store.ts'

/** What every RoutingStore must do. Each adapter's test calls this with a way to open an empty one. */
export function routingStoreContract(open: () => Promise<RoutingStore>): void {
  test('find: nothing at first, then what was put last, as it was put', async () => {
    const store = await open()
    assert.equal(await store.find(), undefined)
    assert.equal(await store.put({ etag: 1, document: DEFAULT_ROUTING }), true)
    assert.deepEqual(await store.find(), { etag: 1, document: DEFAULT_ROUTING })
    assert.equal(await store.put({ etag: 2, document: document() }), true)
    assert.deepEqual(await store.find(), { etag: 2, document: document() })
  })

  test('put: only on top of what is there', async () => {
    const store = await open()
    assert.equal(await store.put({ etag: 2, document: document() }), false)
    assert.equal(await store.find(), undefined)
    assert.equal(await store.put({ etag: 1, document: document() }), true)
    for (const etag of [0, 1, 3]) {
      assert.equal(await store.put({ etag, document: DEFAULT_ROUTING }), false, `${etag}`)
    }
    assert.deepEqual(await store.find(), { etag: 1, document: document() })
  })

  test('put: of many at once, one wins', async () => {
    const store = await open()
    const puts = [1, 2, 3].map(() => store.put({ etag: 1, document: document() }))
    assert.equal((await Promise.all(puts)).filter(Boolean).length, 1)
  })

  test('nextEpoch: grows by one, from 1', async () => {
    const store = await open()
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => store.nextEpoch())), [1, 2, 3])
  })
}

function document(): RoutingDocument {
  return {
    routes: [
      {
        name: 'hot',
        source: 'DeviceMessages',
        condition: '$body.t > 30 AND site = \'nörd "1"\'',
        endpointNames: ['events'],
        isEnabled: false,
      },
    ],
    fallbackRoute: { isEnabled: false },
    enrichments: [{ key: 'site', value: '$twin.tags.site', endpointNames: ['events'] }],
  }
}
