import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity } from '@twinward/protocol'
import type { Configured, Entry, Registry } from '../../src/registry/registry.ts'
import { parseQuery } from '../../src/twins/query/parse-query.ts'
import {
  agent,
  entry,
  neighbour,
  neighbourAgent,
  oddValues,
  opened,
  otherModule,
  pump,
  report,
} from './registry-entries.ts'
import { testModules } from './registry-modules.ts'
import { testPassing } from './registry-passing.ts'
import { testQueries } from './registry-query.ts'
import { testRaces } from './registry-races.ts'

/** What every Registry must do. Each adapter's test calls this with a way to open an empty one. */
export function registryContract(open: () => Promise<Registry>): void {
  testFindAndInsert(open)
  testChange(open)
  testRemove(open)
  testLists(open)
  testModules(open)
  testPassing(open)
  testQueries(open)
  testRaces(open)
}

function testFindAndInsert(open: () => Promise<Registry>): void {
  test('find: an entry comes back exactly as it was stored', async () => {
    await using store = await opened(open)
    const { registry } = store
    const stored = entry(pump, { values: oddValues })
    assert.equal(await registry.find(pump), undefined)
    assert.equal(await registry.insert([stored]), 'inserted')
    const found = await registry.find(pump)
    assert.deepEqual(found, stored)
    assert.equal(JSON.stringify(found?.twin), JSON.stringify(stored.twin), 'the order of keys, too')
    assert.equal(await registry.find(agent), undefined)
  })

  test('find: what configurations made of a twin comes, changes and goes with it', async () => {
    await using store = await opened(open)
    const { registry } = store
    const configured: Configured = {
      statuses: { c: { status: 'Applied' }, d: { status: 'Targeted', error: '°C' } },
      paths: { 'a.b': 'c' },
      version: 7,
    }
    await registry.insert([{ ...entry(pump), configured }, entry(neighbour)])
    assert.deepEqual((await registry.find(pump))?.configured, configured)
    const statuses = { c: { status: 'Targeted' } } as const
    const changed = { ...configured, version: 8, statuses }
    await registry.change(neighbour, (e) => ({ ...e, configured: changed }))
    const later = await registry.change(neighbour, (e) => report(e, { x: 1 }))
    assert.deepEqual(later?.configured, changed)
    assert.deepEqual(await registry.find(neighbour), later)
    const text = "SELECT deviceId FROM devices WHERE configurations.c.status = 'Applied'"
    assert.deepEqual(await registry.query(parseQuery(text), { limit: 9 }), {
      rows: [`{"deviceId":"${pump.deviceId}"}`],
    })
    await registry.change(pump, ({ configured: _, ...rest }) => rest)
    assert.deepEqual(await registry.listDevices(9), [entry(pump), later])
  })

  test('find: ids differ by case, and a module id is not a part of a device id', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([
      entry({ deviceId: "A(1)_%#*?!,=@;$'" }),
      entry({ deviceId: '__proto__' }),
    ])
    assert.deepEqual((await registry.find({ deviceId: '__proto__' }))?.ref, {
      deviceId: '__proto__',
    })
    assert.ok(await registry.find({ deviceId: "A(1)_%#*?!,=@;$'" }))
    assert.equal(await registry.find({ deviceId: "a(1)_%#*?!,=@;$'" }), undefined)
    assert.equal(await registry.find({ deviceId: 'constructor' }), undefined)
    assert.equal(await registry.find({ deviceId: '__proto__', moduleId: 'constructor' }), undefined)
  })

  test('insert: one ref that is taken keeps the others out too', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    const outcome = await registry.insert([entry(neighbour), entry(agent), entry(pump)])
    assert.deepEqual(outcome, { taken: pump })
    assert.equal(await registry.find(agent), undefined)
    assert.equal(await registry.find(neighbour), undefined)
    assert.deepEqual(await registry.count(), { devices: 1, disabledDevices: 0, modules: 0 })
  })

  test('insert: the same ref twice is taken, and neither is there', async () => {
    await using store = await opened(open)
    const { registry } = store
    assert.deepEqual(await registry.insert([entry(pump), entry(pump)]), { taken: pump })
    assert.equal(await registry.find(pump), undefined)
  })

  test('insert: a module without its device keeps everything out', async () => {
    await using store = await opened(open)
    const { registry } = store
    const outcome = await registry.insert([entry(neighbour), entry(agent)])
    assert.deepEqual(outcome, { orphan: agent })
    assert.equal(await registry.find(agent), undefined)
    assert.equal(await registry.find(neighbour), undefined)
  })

  test('insert: a module may stand before its device', async () => {
    await using store = await opened(open)
    const { registry } = store
    assert.equal(await registry.insert([entry(agent), entry(pump)]), 'inserted')
    assert.deepEqual(await registry.find(agent), entry(agent))
  })
}

function testChange(open: () => Promise<Registry>): void {
  test('change: returns the new entry, and later reads see it', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    const changed = await registry.change(agent, (e) => report(e, { rpm: 900 }))
    assert.deepEqual(changed, report(entry(agent), { rpm: 900 }))
    assert.deepEqual(await registry.find(agent), changed)
    assert.deepEqual(await registry.listModules('pump-1'), [changed])
    assert.deepEqual(await registry.find(pump), entry(pump))
  })

  test('change: every part of an entry can change, alone and together', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    let expected = entry(pump)
    for (let parts = 1; parts < 16; parts++) {
      expected = withParts(expected, parts)
      const next = expected
      await registry.change(pump, () => next)
      assert.deepEqual(await registry.find(pump), expected)
      assert.deepEqual(await registry.listDevices(1), [expected])
    }
  })

  test('change: when decide throws, the caller gets it and nothing changes', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    const refusal = new Error('stale')
    const refused = registry.change(pump, () => {
      throw refusal
    })
    const other = registry.change(pump, (e) => report(e, { rpm: 1 }))
    await assert.rejects(refused, (error) => error === refusal)
    assert.deepEqual(await other, report(entry(pump), { rpm: 1 }))
  })

  test('change: the same object changes nothing', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    assert.deepEqual(await registry.change(pump, (e) => e), entry(pump))
    assert.deepEqual(await registry.find(pump), entry(pump))
  })

  test('change: of a device or module that does not exist is undefined', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump)])
    const fail = () => assert.fail('there is nothing to decide')
    assert.equal(await registry.change(neighbour, fail), undefined)
    assert.equal(await registry.change(agent, fail), undefined)
  })
}

function testRemove(open: () => Promise<Registry>): void {
  test('remove: a device takes its modules along and leaves its neighbours', async () => {
    await using store = await opened(open)
    const { registry } = store
    const others = [entry(neighbour), entry(neighbourAgent)]
    await registry.insert([entry(pump), entry(agent), entry(otherModule), ...others])
    await Promise.all([pump, agent, neighbour].map((ref) => registry.find(ref)))
    assert.deepEqual(await registry.remove(pump), [pump, otherModule, agent])
    for (const ref of [pump, agent, otherModule]) assert.equal(await registry.find(ref), undefined)
    assert.deepEqual(await registry.find(neighbour), entry(neighbour))
    assert.deepEqual(await registry.find(neighbourAgent), entry(neighbourAgent))
    assert.deepEqual(await registry.count(), { devices: 1, disabledDevices: 0, modules: 1 })
  })

  test('remove: a module leaves its device and its siblings', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent), entry(otherModule)])
    assert.deepEqual(await registry.remove(agent), [agent])
    assert.equal(await registry.find(agent), undefined)
    assert.deepEqual(await registry.find(pump), entry(pump))
    assert.deepEqual(await registry.listModules('pump-1'), [entry(otherModule)])
  })

  test('remove: of nothing is empty and checks nothing', async () => {
    await using store = await opened(open)
    const { registry } = store
    const check = () => assert.fail('there is nothing to check')
    assert.deepEqual(await registry.remove(pump, check), [])
    await registry.insert([entry(pump)])
    assert.deepEqual(await registry.remove(agent, check), [])
  })

  test('remove: when check throws, nothing is removed', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    const refusal = new Error('stale')
    let seen: Entry | undefined
    const refused = registry.remove(pump, (e) => {
      seen = e
      throw refusal
    })
    await assert.rejects(refused, (error) => error === refusal)
    assert.deepEqual(seen, entry(pump))
    assert.deepEqual(await registry.find(agent), entry(agent))
  })

  test('remove: a device that is created again starts anew', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    await registry.change(pump, (e) => report(e, { rpm: 900 }))
    await registry.remove(pump)
    assert.equal(await registry.insert([entry(pump)]), 'inserted')
    assert.deepEqual(await registry.find(pump), entry(pump))
    assert.deepEqual(await registry.listModules('pump-1'), [])
  })
}

function testLists(open: () => Promise<Registry>): void {
  test('listDevices: pages in the order of code units, without modules', async () => {
    await using store = await opened(open)
    const { registry } = store
    const ids = ['b', 'B', 'a', 'a-', 'a1', 'Z', '9', 'aa']
    await registry.insert(ids.map((deviceId) => entry({ deviceId })))
    await registry.insert([entry({ deviceId: 'a', moduleId: 'm' })])
    const sorted = ['9', 'B', 'Z', 'a', 'a-', 'a1', 'aa', 'b']
    const first = await registry.listDevices(5)
    const second = await registry.listDevices(5, first.at(-1)?.ref.deviceId)
    assert.deepEqual(
      first,
      sorted.slice(0, 5).map((deviceId) => entry({ deviceId })),
    )
    assert.deepEqual(
      second,
      sorted.slice(5).map((deviceId) => entry({ deviceId })),
    )
    assert.deepEqual(await registry.listDevices(5, 'b'), [])
  })

  test('listModules: all of one device, in the order of code units', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent), entry(otherModule)])
    await registry.insert([entry(neighbour), entry(neighbourAgent)])
    assert.deepEqual(await registry.listModules('pump-1'), [entry(otherModule), entry(agent)])
    assert.deepEqual(await registry.listModules('pump'), [])
  })

  test('count: follows inserts, status changes and removals', async () => {
    await using store = await opened(open)
    const { registry } = store
    assert.deepEqual(await registry.count(), { devices: 0, disabledDevices: 0, modules: 0 })
    await registry.insert([entry(pump, { status: 'disabled' }), entry(agent), entry(neighbour)])
    assert.deepEqual(await registry.count(), { devices: 2, disabledDevices: 1, modules: 1 })
    await registry.change(neighbour, (e) => withStatus(e, 'disabled'))
    await registry.change(agent, (e) => withStatus(e, 'disabled'))
    assert.deepEqual(await registry.count(), { devices: 2, disabledDevices: 2, modules: 1 })
    await registry.change(neighbour, (e) => withStatus(e, 'enabled'))
    await registry.remove(pump)
    assert.deepEqual(await registry.count(), { devices: 1, disabledDevices: 0, modules: 0 })
  })
}

function withStatus(e: Entry, status: Identity['status']): Entry {
  return { ...e, identity: { ...e.identity, status, etag: e.identity.etag + 1 } }
}

/** Changes the parts whose bits are set: identity, tags, desired, reported. */
function withParts(e: Entry, parts: number): Entry {
  const values = { parts }
  const twin = { ...e.twin, version: e.twin.version + 1, etag: 2 ** 31 + parts }
  const section = { ...e.twin.desired, values, version: parts }
  return {
    ref: e.ref,
    identity: parts & 1 ? { ...e.identity, etag: e.identity.etag + 1 } : e.identity,
    twin: {
      ...twin,
      ...(parts & 2 && { tags: values }),
      ...(parts & 4 && { desired: section }),
      ...(parts & 8 && { reported: { ...section, sizeBytes: 99 } }),
    },
  }
}
