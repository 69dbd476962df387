import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  deviceConfiguration,
  entryOf,
  memoryStores,
  put,
  startConfigurations,
} from '../../test/configurations.ts'
import { until } from '../../test/hub.ts'
import { METRICS_DELAY_MS } from './metrics.ts'
import { MAX_WRITES_PER_WINDOW, WINDOW_MS } from './restless-twins.ts'

const A = 'properties.desired.a'

test('engine: a device that answers each write by leaving the target is written now and then', async () => {
  const hub = await startConfigurations()
  const { engine } = hub.configurations
  const pump = { deviceId: 'pump' }
  await hub.identities.createDevice('pump', {}, { twin: { tags: {}, desired: {} } })
  await hub.twins.updateReported(pump, { fw: 1 })
  let answers = 0
  const leave = hub.bus.subscribe((notice) => {
    if (notice.kind !== 'desired-changed' || answers === 10 * MAX_WRITES_PER_WINDOW) return
    answers++
    void hub.twins.updateReported(pump, { fw: notice.patch.a === 1 ? 2 : 1 })
  })
  const targetCondition = 'properties.reported.fw = 1'
  await put(hub, 'c', deviceConfiguration({ [A]: 1 }, { targetCondition }))
  await until(() => engine.waitingTwins === 1)
  // The first was of the pass.
  assert.equal(answers, 1 + MAX_WRITES_PER_WINDOW)
  hub.clock.advance(WINDOW_MS)
  await until(() => answers > 2 * MAX_WRITES_PER_WINDOW && engine.waitingTwins === 1)
  await engine.idle()
  assert.deepEqual([answers, engine.waitingTwins], [1 + 2 * MAX_WRITES_PER_WINDOW, 1])
  leave()
  hub.clock.advance(WINDOW_MS)
  await engine.idle()
  const { twin } = await entryOf(hub, 'pump')
  assert.deepEqual(twin.desired.values, twin.reported.values.fw === 1 ? { a: 1 } : {})
  assert.equal(engine.waitingTwins, 0)
  await hub.stop()
})

test('engine: a pass tries to write those twins alone that do not hold what they shall', async () => {
  const { registry, store } = memoryStores()
  const tried: string[] = []
  const counting = new Proxy(registry, {
    get(target, name) {
      const member = Reflect.get(target, name) as (...args: readonly unknown[]) => unknown
      return (...args: readonly unknown[]) => {
        if (name === 'change') tried.push((args[0] as { deviceId: string }).deviceId)
        return member.apply(target, [...args])
      }
    },
  })
  const allowed = new Set(['d1', 'd2', 'd3'])
  const hub = await startConfigurations(
    { registry: counting, store },
    { mayApply: (_, { deviceId }) => allowed.has(deviceId) },
  )
  for (const id of ['d1', 'd2', 'd3', 'd4']) await hub.identities.createDevice(id, {})
  await put(hub, 'c', deviceConfiguration({ [A]: 1 }))
  // All but one were written: the next page would not be read twice, so that one goes by.
  await hub.configurations.reconsider('c')
  await hub.configurations.engine.idle()
  tried.length = 0
  allowed.add('d4')
  await hub.configurations.reconsider('c')
  await hub.configurations.engine.idle()
  assert.deepEqual(tried, ['d4'])
  await hub.stop()
})

test('metrics: after a long count other queries come first', async () => {
  const stores = memoryStores()
  const hub = await startConfigurations(stores)
  const { engine } = hub.configurations
  await put(hub, 'c', deviceConfiguration({ [A]: 1 }))
  const query = stores.registry.query.bind(stores.registry)
  let queries = 0
  stores.registry.query = async (...args) => {
    await Promise.resolve()
    // Each of the first takes a second.
    if (queries++ < 2) hub.clock.advance(1000)
    return query(...args)
  }
  hub.clock.advance(METRICS_DELAY_MS)
  await engine.metrics.idle()
  assert.equal(queries, 2)
  engine.metrics.changed('c')
  hub.clock.advance(7 * METRICS_DELAY_MS)
  await engine.metrics.idle()
  assert.equal(queries, 2, 'it rests')
  hub.clock.advance(2 * METRICS_DELAY_MS)
  await engine.metrics.idle()
  assert.equal(queries, 4)
  await hub.stop()
})
