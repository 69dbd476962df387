import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { type DuePlace, type ModuleStore, noModules } from '../../src/modules/module-store.ts'
import type { ModuleRecord, Tombstone } from '../../src/modules/record.ts'

export function record(deviceId: string, changes: Partial<ModuleRecord> = {}): ModuleRecord {
  return {
    deviceId,
    generation: 'g1',
    state: 'active',
    sinceMs: 1,
    history: [{ state: 'active', timeMs: 1, by: '', reason: '' }],
    kept: { moduleId: 'azureiotsecurity', desired: { a: [1.5, null, '\u0000°'] }, tags: {} },
    hadModule: true,
    desiredVersion: 3,
    reportedVersion: 4,
    dueMs: 0,
    ...changes,
  }
}

export function tombstone(deviceId: string, changes: Partial<Tombstone> = {}): Tombstone {
  return {
    ...{ deviceId, generation: 'g1', moduleId: 'azureiotsecurity', cause: 'module' as const },
    ...{ desired: { a: { b: 1 } }, tags: { securityGroup: 'x' }, deletedMs: 5 },
    ...changes,
  }
}

/** What every ModuleStore must do. Each adapter calls this with a way to open an empty one. */
export function moduleStoreContract(open: () => Promise<ModuleStore>): void {
  recordContract(open)
  listContract(open)
  dueContract(open)
  tombstoneContract(open)
  runContract(open)
}

function runContract(open: () => Promise<ModuleStore>): void {
  test('beginRun: tells whether the run before said its end', async () => {
    const store = await open()
    assert.equal(await store.beginRun(), true, 'the first one')
    assert.equal(await store.beginRun(), false, 'nobody said anything')
    await store.endRun()
    assert.equal(await store.beginRun(), true)
  })
}

function recordContract(open: () => Promise<ModuleStore>): void {
  test('commit: records come back exactly as they were stored, by one or by many', async () => {
    const store = await open()
    const odd = record("o'clock%_", { state: 'suspended', dueMs: 9 })
    await store.commit({ records: [odd, record('b')] })
    assert.deepEqual(await store.find("o'clock%_"), odd)
    assert.equal(await store.find("O'clock%_"), undefined)
    const found = await store.findMany(['b', 'nobody', "o'clock%_"])
    assert.deepEqual([...found.keys()].sort(), ['b', "o'clock%_"])
    assert.deepEqual(found.get('b'), record('b'))
    assert.deepEqual([...(await store.findMany([]))], [])
  })

  test('commit: a record replaces the one before, and goes when it is removed', async () => {
    const store = await open()
    await store.commit({ records: [record('a'), record('b')] })
    await store.commit({ records: [record('a', { state: 'silent' })], removed: ['b', 'nobody'] })
    assert.equal((await store.find('a'))?.state, 'silent')
    assert.equal(await store.find('b'), undefined)
  })

  test('counts: follow every change of state', async () => {
    const store = await open()
    assert.deepEqual(await store.counts(), noModules())
    await store.commit({ records: [record('a'), record('b'), record('c', { state: 'absent' })] })
    assert.deepEqual(await store.counts(), { ...noModules(), active: 2, absent: 1 })
    await store.commit({ records: [record('a', { state: 'silent' }), record('b', { dueMs: 1 })] })
    await store.commit({ removed: ['c', 'c'] })
    assert.deepEqual(await store.counts(), { ...noModules(), active: 1, silent: 1 })
  })
}

function listContract(open: () => Promise<ModuleStore>): void {
  test('list: all or those of a state, in pages, each once and in order', async () => {
    const store = await open()
    const ids = ['a', 'A', 'pump-10', 'pump-2', 'z']
    const records = ids.map((id, n) => record(id, { state: n % 2 === 0 ? 'active' : 'silent' }))
    await store.commit({ records })
    const read = async (state?: 'silent') => {
      const seen: string[] = []
      for (let token: string | null = null; ; ) {
        const page = await store.list({
          limit: 2,
          ...(state && { state }),
          ...(token !== null && { continuationToken: token }),
        })
        seen.push(...page.items.map(({ deviceId }) => deviceId))
        token = page.continuationToken
        if (token === null) return seen
      }
    }
    assert.deepEqual(await read(), [...ids].sort())
    assert.deepEqual(await read('silent'), ['A', 'pump-2'])
    assert.deepEqual(await store.deviceIds(2), ['A', 'a'])
    assert.deepEqual(await store.deviceIds(9, 'pump-10'), ['pump-2', 'z'])
  })

  test('list: a wrong limit or a token of another list is refused', async () => {
    const store = await open()
    await store.commit({ tombstones: [tombstone('a'), tombstone('b')] })
    const { continuationToken } = await store.listTombstones({ limit: 1 })
    const refused = { code: 'ArgumentInvalid' as const }
    const isRefused = (error: unknown) => error instanceof HubError && error.code === refused.code
    for (const limit of [0, 1001, 1.5]) {
      await assert.rejects(store.list({ limit }), isRefused)
      await assert.rejects(store.listTombstones({ limit }), isRefused)
    }
    assert.ok(continuationToken !== null)
    await assert.rejects(store.list({ limit: 1, continuationToken }), isRefused)
    await assert.rejects(store.listTombstones({ limit: 1, continuationToken: 'x' }), isRefused)
  })
}

function dueContract(open: () => Promise<ModuleStore>): void {
  test('due: whose time has come, the longest waiting first, page by page', async () => {
    const store = await open()
    await store.commit({
      records: [
        ...[record('never'), record('later', { dueMs: 51 }), record('b', { dueMs: 50 })],
        ...[record('c', { dueMs: 10 }), record('a', { dueMs: 50 })],
      ],
    })
    const seen: string[] = []
    for (let after: DuePlace | undefined; ; ) {
      const page = await store.due(50, 2, after)
      seen.push(...page.map(({ deviceId }) => deviceId))
      after = page.at(-1)
      if (page.length < 2) break
    }
    assert.deepEqual(seen, ['c', 'a', 'b'])
    await store.commit({ records: [record('c', { dueMs: 0 })] })
    assert.deepEqual(await store.due(49, 9), [])
  })
}

function tombstoneContract(open: () => Promise<ModuleStore>): void {
  test('tombstones: the last of a device stays, listed newest first, until it is forgotten', async () => {
    const store = await open()
    await store.commit({ tombstones: [tombstone('a'), tombstone('b', { deletedMs: 7 })] })
    const again = tombstone('a', { deletedMs: 7, cause: 'device' })
    await store.commit({ tombstones: [again, tombstone('c', { deletedMs: 6 })] })
    assert.deepEqual(await store.findTombstone('a'), again)
    const first = await store.listTombstones({ limit: 2 })
    assert.deepEqual(first.items[0], again)
    assert.ok(first.continuationToken !== null)
    const { continuationToken } = first
    const second = await store.listTombstones({ limit: 2, continuationToken })
    const ids = [...first.items, ...second.items].map(({ deviceId }) => deviceId)
    assert.deepEqual(ids, ['a', 'b', 'c'])
    await store.commit({ forgotten: ['a', 'nobody'] })
    assert.equal(await store.findTombstone('a'), undefined)
  })

  test('expireTombstones: those that were deleted before, not those at that time', async () => {
    const store = await open()
    const stones = [1, 2, 3].map((deletedMs) => tombstone(`d${deletedMs}`, { deletedMs }))
    await store.commit({ tombstones: stones })
    assert.equal(await store.expireTombstones(2), 1)
    assert.equal(await store.findTombstone('d1'), undefined)
    assert.ok(await store.findTombstone('d2'))
    assert.equal(await store.expireTombstones(2), 0)
  })
}
