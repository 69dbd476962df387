import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EnrollmentToken } from '../../src/registry/enrollment-token.ts'
import type { EnrollmentTokenStore } from '../../src/registry/enrollment-token-store.ts'

const AT = { nowMs: 1000, forgetBeforeMs: 0 }
const LIMITS = { open: 3, finished: 2 }

/** What every EnrollmentTokenStore must do. */
export function enrollmentTokensContract(open: () => Promise<EnrollmentTokenStore>): void {
  test('insert: a token comes back as it was, by its id and by its device', async () => {
    const store = await open()
    const named = { ...token('a', 1), moduleId: 'DefenderIotMicroAgent' }
    assert.equal(await store.insert(named, AT, LIMITS), true)
    assert.deepEqual(await store.find('a'), named)
    assert.deepEqual(await store.list('pump-1'), [named])
    assert.deepEqual(await store.list('pump-10'), [])
    assert.equal(await store.find('b'), undefined)
  })

  test('list: the youngest first', async () => {
    const store = await open()
    for (const [id, atMs] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ] as const) {
      await store.insert(token(id, atMs), AT, LIMITS)
    }
    assert.deepEqual(idsOf(await store.list('pump-1')), ['b', 'c', 'a'])
  })

  test('insert: a device has so many that are open; used and expired ones do not count', async () => {
    const store = await open()
    for (const id of ['a', 'b', 'c']) assert.ok(await store.insert(token(id, 1), AT, LIMITS))
    assert.equal(await store.insert(token('d', 1), AT, LIMITS), false)
    assert.equal(await store.find('d'), undefined)
    assert.ok(await store.insert({ ...token('o', 1), deviceId: 'pump-2' }, AT, LIMITS))
    await store.use('a', 5, '::1')
    assert.ok(await store.insert(token('d', 1), AT, LIMITS))
    const later = { nowMs: 5000, forgetBeforeMs: 0 }
    assert.ok(await store.insert({ ...token('e', 2), expiresTimeMs: 9000 }, later, LIMITS))
  })

  test('insert: of what is finished a device keeps the youngest, others lose nothing', async () => {
    const store = await open()
    await store.insert({ ...token('o', 0), deviceId: 'pump-2' }, AT, LIMITS)
    await store.use('o', 5, '::1')
    for (const [index, id] of ['a', 'b', 'c', 'd'].entries()) {
      await store.insert(token(id, index), AT, LIMITS)
      await store.use(id, 5, '::1')
    }
    await store.insert(token('e', 9), AT, LIMITS)
    assert.deepEqual(idsOf(await store.list('pump-1')), ['e', 'd', 'c'])
    assert.deepEqual(idsOf(await store.list('pump-2')), ['o'])
  })

  test('insert: what expired long ago is forgotten, of whatever device', async () => {
    const store = await open()
    await store.insert({ ...token('o', 0), deviceId: 'pump-2', expiresTimeMs: 1999 }, AT, LIMITS)
    await store.insert({ ...token('p', 0), deviceId: 'pump-2', expiresTimeMs: 2000 }, AT, LIMITS)
    await store.insert(token('a', 1), { nowMs: 3000, forgetBeforeMs: 2000 }, LIMITS)
    assert.deepEqual(idsOf(await store.list('pump-2')), ['p'])
  })

  test('insert: what an earlier device of the same id had is forgotten, and takes no room', async () => {
    const store = await open()
    const earlier = (id: string) => ({ ...token(id, 1), generationId: '637' })
    for (const id of ['a', 'b', 'c']) assert.ok(await store.insert(earlier(id), AT, LIMITS))
    await store.insert({ ...earlier('o'), deviceId: 'pump-2' }, AT, LIMITS)
    assert.ok(await store.insert(token('d', 2), AT, LIMITS))
    assert.deepEqual(idsOf(await store.list('pump-1')), ['d'])
    assert.deepEqual(idsOf(await store.list('pump-2')), ['o'])
  })

  test('use: of many at once one succeeds, and who it was is kept', async () => {
    const store = await open()
    await store.insert(token('a', 1), AT, LIMITS)
    const uses = await Promise.all([1, 2, 3, 4, 5].map((n) => store.use('a', n, `10.0.0.${n}`)))
    assert.equal(uses.filter(Boolean).length, 1)
    const timeMs = uses.indexOf(true) + 1
    assert.deepEqual((await store.find('a'))?.used, { timeMs, address: `10.0.0.${timeMs}` })
    assert.equal(await store.use('a', 9, '::1'), false)
    assert.equal(await store.use('b', 9, '::1'), false)
  })

  test('remove: a token of this device, once; then nobody uses it', async () => {
    const store = await open()
    await store.insert(token('a', 1), AT, LIMITS)
    assert.equal(await store.remove('pump-2', 'a'), false)
    assert.equal(await store.remove('pump-1', 'a'), true)
    assert.equal(await store.remove('pump-1', 'a'), false)
    assert.equal(await store.use('a', 9, '::1'), false)
  })
}

function token(tokenId: string, createdTimeMs: number): EnrollmentToken {
  return {
    tokenId,
    secretHash: 'aGFzaA==',
    deviceId: 'pump-1',
    generationId: '638',
    createdTimeMs,
    expiresTimeMs: 4000,
    createdBy: 'iothubowner',
  }
}

function idsOf(tokens: readonly EnrollmentToken[]): readonly string[] {
  return tokens.map(({ tokenId }) => tokenId)
}
