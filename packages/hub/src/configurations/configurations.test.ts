import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject } from '@twinward/protocol'
import {
  codeOf,
  desiredOf,
  deviceConfiguration,
  entryOf,
  memoryStores,
  put,
  startConfigurations,
  type TestConfigurations,
} from '../../test/configurations.ts'
import type { Notice } from '../bus.ts'
import { noReview } from '../twins/desired-review.ts'
import { MAX_CONFIGURATIONS } from './configuration-store.ts'
import { METRICS_DELAY_MS } from './metrics.ts'

const A = 'properties.desired.a'

test('put: creates once, changes with the etag that is there, and keeps the content it began with', async () => {
  const hub = await startConfigurations()
  const { configurations } = hub
  const first = await put(hub, 'c', deviceConfiguration({ [A]: 1 }))
  assert.deepEqual([first.etag, first.priority, first.schemaVersion], ['MQ==', 0, null])
  const other = deviceConfiguration({ [A]: 2 }, { priority: 5 })
  const tries: readonly (readonly [string, string | undefined])[] = [
    ['c', undefined],
    ['c', 'Mg=='],
    ['d', 'MQ=='],
    ['d', '*'],
  ]
  const codes: (string | undefined)[] = []
  for (const [id, ifMatch] of tries) codes.push(await codeOf(() => put(hub, id, other, ifMatch)))
  assert.deepEqual(codes, [
    'ConfigurationAlreadyExists',
    'PreconditionFailed',
    'ConfigurationNotFound',
    'ConfigurationNotFound',
  ])
  const second = await put(hub, 'c', other, 'MQ==')
  assert.deepEqual([second.etag, second.priority], ['Mg==', 5])
  assert.deepEqual(second.content, { deviceContent: { [A]: 1 } })
  assert.equal((await put(hub, 'c', other, '*')).etag, 'Mw==')
  assert.equal(await codeOf(() => configurations.remove('c', 'MQ==')), 'PreconditionFailed')
  await configurations.remove('c', undefined)
  assert.equal(await codeOf(() => configurations.remove('c', undefined)), 'ConfigurationNotFound')
  assert.equal((await put(hub, 'c', other)).etag, 'MQ==')
  await hub.stop()
})

test('put: there is room for so many configurations, and a change needs none', async () => {
  const hub = await startConfigurations()
  const document = deviceConfiguration({ [A]: 1 }, { targetCondition: '' })
  for (let i = 0; i < MAX_CONFIGURATIONS; i++) await put(hub, `c${i}`, document)
  assert.equal(await codeOf(() => put(hub, 'x', document)), 'ConfigurationCountLimitExceeded')
  await put(hub, 'c7', document, '*')
  await hub.configurations.remove('c0', '*')
  await put(hub, 'x', document)
  assert.equal(hub.configurations.list().length, MAX_CONFIGURATIONS)
  await hub.stop()
})

test('apply: by path the highest priority wins, of two alike the younger; what goes gives its place', async () => {
  const hub = await startConfigurations()
  await hub.identities.createDevice('pump', {}, { twin: { tags: {}, desired: { own: 1 } } })
  await put(hub, 'low', deviceConfiguration({ [A]: 'low', 'properties.desired.b': { x: 1, y: 2 } }))
  await put(hub, 'young', deviceConfiguration({ [A]: 'young' }))
  await put(hub, 'high', deviceConfiguration({ 'properties.desired.b.x': 9 }, { priority: 1 }))
  assert.deepEqual(await desiredOf(hub, 'pump'), { own: 1, a: 'young', b: { x: 9, y: 2 } })
  const { paths, statuses } = await hub.configurations.statusOf({ deviceId: 'pump' })
  assert.deepEqual(paths, { a: 'young', 'b.x': 'high', 'b.y': 'low' })
  assert.deepEqual(Object.values(statuses), Array(3).fill({ status: 'Applied' }))
  await put(hub, 'low', deviceConfiguration({}, { targetCondition: "deviceId = 'other'" }), '*')
  assert.deepEqual(await desiredOf(hub, 'pump'), { own: 1, a: 'young', b: { x: 9 } })
  await hub.configurations.remove('high', '*')
  await hub.configurations.remove('young', '*')
  await hub.configurations.engine.idle()
  const { twin, configured } = await entryOf(hub, 'pump')
  assert.deepEqual([twin.desired.values, configured], [{ own: 1 }, undefined])
  await hub.stop()
})

test('apply: null removes, and a twin that holds it all is not written', async () => {
  const hub = await startConfigurations()
  const desired = { a: 5, b: { old: 1, kept: 2 } }
  await hub.identities.createDevice('same', {}, { twin: { tags: {}, desired: { a: 5 } } })
  await hub.identities.createDevice('other', {}, { twin: { tags: {}, desired } })
  const before = await entryOf(hub, 'same')
  const notices: Notice[] = []
  hub.bus.subscribe((notice) => notices.push(notice))
  await put(hub, 'c', deviceConfiguration({ [A]: 5, 'properties.desired.b.old': null }))
  const after = await entryOf(hub, 'same')
  assert.equal(after.twin, before.twin)
  assert.equal(after.configured?.statuses.c?.status, 'Applied')
  assert.deepEqual(await desiredOf(hub, 'other'), { a: 5, b: { kept: 2 } })
  assert.deepEqual(notices, [
    {
      kind: 'desired-changed',
      ref: { deviceId: 'other' },
      patch: { b: { old: null } },
      version: 2,
    },
  ])
  await hub.stop()
})

test('apply: tags and reported properties decide at once, a new device gets its share, a write by hand does not last', async () => {
  const hub = await startConfigurations()
  const targetCondition = "tags.site = 'x' OR properties.reported.fw = 2"
  await put(hub, 'c', deviceConfiguration({ [A]: 1 }, { targetCondition }))
  const { engine } = hub.configurations
  await hub.identities.createDevice('new', {}, { twin: { tags: { site: 'x' }, desired: {} } })
  await hub.identities.createDevice('old', {})
  await engine.idle()
  assert.deepEqual([await desiredOf(hub, 'new'), await desiredOf(hub, 'old')], [{ a: 1 }, {}])
  await hub.twins.updateReported({ deviceId: 'old' }, { fw: 2 })
  await engine.idle()
  assert.deepEqual(await desiredOf(hub, 'old'), { a: 1 })
  await hub.twins.patch({ deviceId: 'old' }, { desired: { a: 7, mine: 1 } })
  await engine.idle()
  assert.deepEqual(await desiredOf(hub, 'old'), { a: 1, mine: 1 })
  await hub.twins.updateReported({ deviceId: 'old' }, { fw: null })
  await hub.twins.replace({ deviceId: 'new' }, { tags: {} })
  await engine.idle()
  assert.deepEqual([await desiredOf(hub, 'new'), await desiredOf(hub, 'old')], [{}, { mine: 1 }])
  await hub.stop()
})

test('apply: what somebody else wrote after a configuration is not taken back with it', async () => {
  const stores = memoryStores()
  const hub = await startConfigurations(stores)
  await hub.identities.createDevice('pump', {})
  await put(hub, 'c', deviceConfiguration({ [A]: 1, 'properties.desired.b': 2 }))
  await hub.configurations.remove('c', '*')
  await hub.twins.patch({ deviceId: 'pump' }, { desired: { a: 7 } })
  await hub.configurations.engine.idle()
  assert.deepEqual(await desiredOf(hub, 'pump'), { a: 7 })
  await hub.stop()
})

test('apply: a value that somebody repeats while it is in force goes with its configuration', async () => {
  const hub = await startConfigurations()
  await hub.identities.createDevice('pump', {})
  await put(hub, 'c', deviceConfiguration({ [A]: 1, 'properties.desired.b.c': 2 }))
  const { engine } = hub.configurations
  await engine.idle()
  await hub.twins.patch({ deviceId: 'pump' }, { desired: { a: 1, b: { c: 2, mine: 3 } } })
  await engine.idle()
  const version = (await hub.registry.find({ deviceId: 'pump' }))?.twin.desired.version
  assert.equal(version, 3, 'nothing had to be written back')
  await hub.configurations.remove('c', '*')
  await engine.idle()
  assert.deepEqual(await desiredOf(hub, 'pump'), { b: { mine: 3 } })
  await hub.stop()
})

test('apply: who repeats a value in the write that ends the target does not keep it', async () => {
  const hub = await startConfigurations()
  const content = { [A]: 1, 'properties.desired.b': 2 }
  await put(hub, 'c', deviceConfiguration(content, { targetCondition: "tags.site = 'x'" }))
  await hub.identities.createDevice('pump', {}, { twin: { tags: { site: 'x' }, desired: {} } })
  const { engine } = hub.configurations
  await engine.idle()
  const whole = { a: 1, b: 7 }
  await hub.twins.patch({ deviceId: 'pump' }, { tags: { site: 'y' }, desired: whole })
  await engine.idle()
  assert.deepEqual(await desiredOf(hub, 'pump'), { b: 7 })
  await hub.stop()
})

test('apply: modules by their own twins, devices not', async () => {
  const hub = await startConfigurations()
  await hub.identities.createDevice('pump', {})
  for (const moduleId of ['azureiotsecurity', 'app']) {
    await hub.identities.createModule({ deviceId: 'pump', moduleId }, {})
  }
  await put(hub, 'c', {
    content: { moduleContent: { [A]: 1 } },
    targetCondition: "FROM devices.modules WHERE moduleId = 'azureiotsecurity'",
  })
  const found = [undefined, 'app', 'azureiotsecurity'].map((id) => desiredOf(hub, 'pump', id))
  assert.deepEqual(await Promise.all(found), [{}, {}, { a: 1 }])
  await hub.stop()
})

test('apply: what cannot be applied says why, and the next one gets its place', async () => {
  const review = {
    ...noReview,
    check: (...[, change]: Parameters<typeof noReview.check>) => {
      if (change.after.a !== 'root' || change.author?.rights.includes('RegistryWrite')) return []
      throw new HubError('GenericForbidden', 'a needs RegistryWrite.')
    },
  }
  const hub = await startConfigurations(memoryStores(), { review })
  const { configurations } = hub
  await hub.identities.createDevice('pump', {})
  await put(hub, 'low', deviceConfiguration({ [A]: 'low' }))
  const high = deviceConfiguration({ [A]: 'root', 'properties.desired.b': 1 }, { priority: 1 })
  await configurations.put('high', high, undefined, { name: 'clerk', rights: ['ServiceConnect'] })
  await configurations.engine.idle()
  const refused = await entryOf(hub, 'pump')
  assert.deepEqual(refused.twin.desired.values, { a: 'low' })
  assert.deepEqual(refused.configured?.statuses, {
    high: { status: 'Targeted', error: 'a needs RegistryWrite.' },
    low: { status: 'Applied' },
  })
  // Whoever sends another content does not vouch for the one that stays.
  await put(hub, 'high', { ...high, content: { deviceContent: { [A]: 'x' } } }, '*')
  assert.deepEqual(await desiredOf(hub, 'pump'), { a: 'low' })
  // Nor can the right be had back from what was given away; a new one has it.
  await configurations.remove('high', '*')
  await put(hub, 'high', high)
  assert.deepEqual(await desiredOf(hub, 'pump'), { a: 'root', b: 1 })
  await hub.stop()
})

test('apply: a target that may not have it yet is left alone', async () => {
  const allowed = new Set(['first'])
  const hub = await startConfigurations(memoryStores(), {
    mayApply: (_, { deviceId }) => allowed.has(deviceId),
  })
  for (const id of ['first', 'second']) await hub.identities.createDevice(id, {})
  await put(hub, 'c', deviceConfiguration({ [A]: 1 }))
  assert.deepEqual([await desiredOf(hub, 'first'), await desiredOf(hub, 'second')], [{ a: 1 }, {}])
  allowed.add('second')
  await hub.configurations.reconsider('c')
  await hub.configurations.engine.idle()
  assert.deepEqual(await desiredOf(hub, 'second'), { a: 1 })
  await hub.stop()
})

test('metrics: none until the first count, then how many are targets, hold it, and meet the queries', async () => {
  const hub = await startConfigurations()
  for (const id of ['d1', 'd2']) await hub.identities.createDevice(id, {})
  const queries = {
    all: 'SELECT * FROM devices',
    one: 'SELECT TOP 1 deviceId FROM devices',
    groups: 'SELECT COUNT() AS n FROM devices GROUP BY status',
  }
  const document = deviceConfiguration({ [A]: 1 }, { targetCondition: "deviceId = 'd1'" })
  const first = await put(hub, 'c', { ...document, metrics: { queries } })
  assert.deepEqual(
    [first.systemMetrics, first.metrics],
    [
      {
        results: {},
        queries: {
          targetedCount: "SELECT deviceId FROM devices WHERE deviceId = 'd1'",
          appliedCount:
            "SELECT deviceId FROM devices WHERE configurations.[[c]].status = 'Applied'",
        },
      },
      { results: {}, queries },
    ],
  )
  await counted(hub)
  assert.deepEqual(hub.configurations.engine.metrics.of('c'), {
    system: { targetedCount: 1, appliedCount: 1 },
    custom: { all: 2, one: 1, groups: 1 },
  })
  await hub.stop()
})

async function counted(hub: TestConfigurations): Promise<void> {
  hub.clock.advance(METRICS_DELAY_MS)
  await hub.configurations.engine.metrics.idle()
}

test('test: says what is wrong, and nothing of what is good; * is no expression', async () => {
  const { configurations, stop } = await startConfigurations()
  const good = {
    targetCondition: "tags.a = 'x'",
    customMetricQueries: { n: 'SELECT * FROM devices' },
  }
  assert.deepEqual([configurations.test(good), configurations.test({})], [{}, {}])
  const modules = { targetCondition: "FROM devices.modules WHERE moduleId = 'm'" }
  assert.deepEqual(configurations.test(modules), {})
  const bad = configurations.test({ targetCondition: '*', customMetricQueries: { n: 'SELECT' } })
  assert.match(String(bad.targetConditionError), /\*/)
  assert.match(String((bad.customMetricQueryErrors as JsonObject).n), /SELECT|expected|character/i)
  assert.match(
    String(configurations.test({ targetCondition: 'status = 1' }).targetConditionError),
    /not status/,
  )
  await stop()
})
