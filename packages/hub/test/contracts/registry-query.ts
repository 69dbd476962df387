import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceRef, JsonObject } from '@twinward/protocol'
import type { Entry, Registry } from '../../src/registry/registry.ts'
import { parseQuery } from '../../src/twins/query/parse-query.ts'
import { serviceView } from '../../src/twins/view.ts'
import { entry, opened, report } from './registry-entries.ts'

type Open = () => Promise<Registry>

/** What every Registry must answer to queries; `twins/query` says what they mean. */
export function testQueries(open: Open): void {
  testRows(open)
  testPages(open)
  testFreshness(open)
}

function testRows(open: Open): void {
  test('query: SELECT * answers the service’s view of each twin', async () => {
    await using store = await opened(open)
    const { registry } = store
    const stored = [device('pump-1'), module('pump-1', 'app'), device('pump-2')]
    await registry.insert(stored)
    const views = stored.map((each) => serviceView(each, false))
    assert.deepEqual((await ask(registry, 'SELECT * FROM devices')).rows, [views[0], views[2]])
    assert.deepEqual((await ask(registry, 'SELECT * FROM devices.modules')).rows, [views[1]])
    assert.deepEqual(await ask(registry, 'SELECT * FROM devices.jobs'), { rows: [] })
  })

  test('query: a missing property compares to nothing, and NOT of that is true', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([
      device('none', {}),
      device('number', { level: 1 }),
      device('text', { level: '1' }),
      device('true', { level: true }),
      device('object', { level: { x: 1 } }),
      device('list', { level: [1] }),
    ])
    const ids = (where: string) => idsOf(registry, where)
    assert.deepEqual(await ids('tags.level = 1'), ['number'])
    assert.deepEqual(await ids("tags.level = '1'"), ['text'])
    assert.deepEqual(await ids('tags.level = true'), ['true'])
    assert.deepEqual(await ids('tags.level'), ['true'])
    assert.deepEqual(await ids('tags.level != 2'), ['number'])
    assert.deepEqual(await ids('NOT tags.level = 1'), ['list', 'none', 'object', 'text', 'true'])
    assert.deepEqual(await ids('tags.level IN [1, true]'), ['number', 'true'])
    assert.deepEqual(await ids('tags.level NIN [1]'), ['text', 'true'])
    assert.deepEqual(await ids('tags.level >= 0'), ['number'])
    assert.deepEqual(await ids("tags.level >= ''"), ['text'])
    assert.deepEqual(await ids('IS_DEFINED(tags.level) AND NOT is_primitive(tags.level)'), [
      'list',
      'object',
    ])
  })

  test('query: a text is compared to its end, however long it is', async () => {
    await using store = await opened(open)
    const { registry } = store
    const long = 'é'.repeat(200)
    await registry.insert([device('a', { x: `${long}a` }), device('b', { x: `${long}b` })])
    assert.deepEqual(await idsOf(registry, `tags.x = '${long}a'`), ['a'])
    assert.deepEqual(await idsOf(registry, `tags.x > '${long}a'`), ['b'])
    assert.deepEqual(await idsOf(registry, `tags.x <= '${long}b'`), ['a', 'b'])
    assert.deepEqual(await idsOf(registry, `tags.x IN ['${long}', '${long}b']`), ['b'])
  })

  test('query: projections leave out what is missing; groups leave out what has no value', async () => {
    await using store = await opened(open)
    const { registry } = store
    const sites = ['north', 'south', 'north', undefined]
    await registry.insert(
      sites.map((site, at) => device(`d-${at}`, { ...(site && { site }), level: at })),
    )
    const rows = async (text: string) =>
      (await ask(registry, text)).rows.map((row) => JSON.parse(row))
    assert.deepEqual(
      await rows('SELECT DEVICEID, tags.site AS s FROM devices WHERE tags.level > 1'),
      [{ deviceId: 'd-2', s: 'north' }, { deviceId: 'd-3' }],
    )
    const sums = 'COUNT() AS n, SUM(tags.level) AS sum, MAX(tags.site) AS none'
    assert.deepEqual(await rows(`SELECT tags.site, ${sums} FROM devices GROUP BY tags.site`), [
      { site: 'north', n: 2, sum: 2 },
      { site: 'south', n: 1, sum: 1 },
    ])
    assert.deepEqual(await rows('SELECT AVG(tags.level) AS a, COUNT() AS n FROM devices'), [
      { a: 1.5, n: 4 },
    ])
    assert.deepEqual(await rows('SELECT COUNT() AS n, MIN(tags.x) AS m FROM devices.modules'), [
      { n: 0 },
    ])
  })
}

function testPages(open: Open): void {
  const filters = [
    '',
    ' WHERE tags.level >= 0',
    " WHERE tags.site = 'x'",
    " WHERE status = 'enabled'",
  ]
  for (const filter of filters) {
    test(`query: pages${filter} skip and repeat nothing while others come, change and go`, async () => {
      await using store = await opened(open)
      const { registry } = store
      const kept = Array.from({ length: 20 }, (_, at) => `kept-${at}`)
      const others = Array.from({ length: 20 }, (_, at) => `other-${at}`)
      const tags = (at: number) => ({ site: 'x', level: at % 3 })
      const all = kept.flatMap((id, at) => [
        device(id, tags(at)),
        device(others[at] ?? '', tags(at)),
      ])
      await registry.insert(all)
      const seen: string[] = []
      let after: string | undefined
      let step = 0
      do {
        const page = await ask(registry, `SELECT deviceId FROM devices${filter}`, 3, after)
        assert.ok(page.rows.length > 0, 'a page that was announced is not empty')
        seen.push(...page.rows.map((row) => JSON.parse(row).deviceId))
        after = page.next
        await registry.remove({ deviceId: `other-${step}` })
        await registry.change({ deviceId: `other-${step + 1}` }, (e) => retag(e, { level: 9 }))
        await registry.insert([device(`new-${step++}`, tags(step))])
      } while (after !== undefined)
      const keptSeen = seen.filter((id) => id.startsWith('kept-'))
      assert.deepEqual(keptSeen.sort(), [...kept].sort())
    })
  }

  test('query: the last page says so, also when it is full', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert(['a', 'b', 'c', 'd'].map((id) => device(id, { group: id })))
    for (const text of [
      'SELECT * FROM devices',
      'SELECT COUNT() AS n, tags.group FROM devices GROUP BY tags.group',
    ]) {
      const first = await ask(registry, text, 2)
      assert.equal(first.rows.length, 2)
      const second = await ask(registry, text, 2, first.next)
      assert.equal(second.rows.length, 2)
      assert.equal(second.next, undefined)
      assert.equal(new Set([...first.rows, ...second.rows]).size, 4)
    }
  })

  test('query: a position that was made up is refused', async () => {
    await using store = await opened(open)
    for (const after of ['', 'x', '{}', '[]', '[null]', '[{}]', '[1,2,3]']) {
      await assert.rejects(ask(store.registry, 'SELECT * FROM devices', 2, after), {
        code: 'ArgumentInvalid',
      })
    }
  })
}

function testFreshness(open: Open): void {
  test('query: sees each change that was called before, of every kind', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([device('d-0')])
    for (let round = 1; round <= 30; round++) {
      const ref = { deviceId: `d-${round}` }
      void registry.insert([device(ref.deviceId)])
      void registry.change({ deviceId: 'd-0' }, (e) => retag(report(e, { round }), { round }))
      const text = `SELECT COUNT() AS n FROM devices WHERE deviceId != 'd-0'`
      const where = `tags.round = ${round} AND properties.reported.round = ${round}`
      const [count, ids] = await Promise.all([ask(registry, text), idsOf(registry, where)])
      assert.deepEqual(count.rows, [JSON.stringify({ n: round })])
      assert.deepEqual(ids, ['d-0'])
    }
    void registry.remove({ deviceId: 'd-1' })
    assert.deepEqual(await idsOf(registry, "deviceId IN ['d-0', 'd-1']"), ['d-0'])
  })

  test('query: whoever is connected is found by it, and shown so', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([device('a'), device('b'), module('a', 'app')])
    void registry.change({ deviceId: 'a' }, (e) => connect(e, true))
    void registry.change({ deviceId: 'a', moduleId: 'app' }, (e) => connect(e, true))
    const connected = "connectionState = 'Connected'"
    assert.deepEqual(await idsOf(registry, connected), ['a'])
    assert.deepEqual(await idsOf(registry, "connectionState = 'Disconnected'"), ['b'])
    const { rows } = await ask(registry, `SELECT * FROM devices.modules WHERE ${connected}`)
    assert.deepEqual(
      rows.map((row) => JSON.parse(row).connectionState),
      ['Connected'],
    )
    void registry.change({ deviceId: 'a' }, (e) => connect(e, false))
    assert.deepEqual(await idsOf(registry, connected), [])
    await registry.remove({ deviceId: 'a' })
    await registry.insert([device('c')])
    assert.deepEqual(await idsOf(registry, connected), [])
  })
}

function ask(registry: Registry, text: string, limit = 100, after?: string) {
  return registry.query(parseQuery(text), { limit, ...(after !== undefined && { after }) })
}

async function idsOf(registry: Registry, where: string): Promise<readonly string[]> {
  const { rows } = await ask(registry, `SELECT deviceId FROM devices WHERE ${where}`)
  return rows.map((row) => JSON.parse(row).deviceId as string).sort()
}

function device(deviceId: string, tags: JsonObject = {}): Entry {
  return tagged({ deviceId }, tags)
}

function module(deviceId: string, moduleId: string): Entry {
  return tagged({ deviceId, moduleId }, {})
}

function tagged(ref: DeviceRef, tags: JsonObject): Entry {
  return retag(entry(ref), tags)
}

function retag(e: Entry, tags: JsonObject): Entry {
  return { ...e, twin: { ...e.twin, tags } }
}

function connect(e: Entry, isConnected: boolean): Entry {
  const { connected: _, ...identity } = e.identity
  return { ...e, identity: { ...identity, ...(isConnected && { connected: true }) } }
}
