import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IpFilterStore } from '../../src/network/ip-filter-store.ts'

/** What every IpFilterStore must do. */
export function ipFilterStoreContract(open: () => Promise<IpFilterStore>): void {
  test('rules: none at first, then those that were set last, in their order', async () => {
    const store = await open()
    assert.deepEqual(await store.rules(), [])
    const rules = [
      { name: 'b', action: 'accept', mask: '10.0.0.0/8' },
      { name: 'a', action: 'reject', mask: '0.0.0.0/0' },
    ] as const
    await store.setRules(rules)
    await store.setRules(rules.toReversed())
    assert.deepEqual(await store.rules(), rules.toReversed())
    await store.setRules([])
    assert.deepEqual(await store.rules(), [])
  })

  test('addresses: the last time of each; those of before are forgotten', async () => {
    const store = await open()
    const pairs = [
      ['192.0.2.1', 1],
      ['192.0.2.2', 5],
    ] as const
    await store.saveAddresses(new Map(pairs), 0)
    await store.saveAddresses(new Map([['192.0.2.3', 9]]), 0)
    await store.saveAddresses(new Map([['192.0.2.2', 8]]), 2)
    const found = [...(await store.addresses())].sort()
    assert.deepEqual(found, [
      ['192.0.2.2', 8],
      ['192.0.2.3', 9],
    ])
  })
}
