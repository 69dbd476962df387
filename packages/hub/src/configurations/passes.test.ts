import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, HubError } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { entry } from '../../test/contracts/registry-entries.ts'
import { until } from '../../test/hub.ts'
import { MemoryConfigurationStore } from '../adapters/memory/configurations.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { silentLog } from '../log.ts'
import { applyAtOnce, ConfigurationSet, compile } from './compiled.ts'
import { DirtyTwins } from './dirty-twins.ts'
import { Passes } from './passes.ts'

/** More than two pages of a sweep. */
const DEVICES = 1100

const SET = new ConfigurationSet([
  compile({
    ...{ id: 'c', schemaVersion: null, labels: null, targetCondition: '*', priority: 0 },
    ...{ content: { deviceContent: { 'properties.desired.a': 1 } }, metricQueries: {} },
    ...{ createdMs: 0, updatedMs: 0, revision: 1, sequence: 1, author: null },
  }),
])

async function openPasses(
  devices: number,
  evaluate: (refs: readonly DeviceRef[]) => Promise<number>,
  onQuery: (after: string | undefined) => void = () => {},
) {
  const registry = new MemoryRegistry()
  const refs = Array.from({ length: devices }, (_, n) => ({ deviceId: `d${n}` }))
  await registry.insert(refs.map((ref) => entry(ref)))
  const query = registry.query.bind(registry)
  registry.query = (asked, page) => {
    onQuery(page.after)
    return query(asked, page)
  }
  const clock = new TestClock()
  const ended: string[] = []
  const passes = new Passes(
    { store: new MemoryConfigurationStore(), registry, clock, log: silentLog },
    { set: () => SET, mayApply: applyAtOnce, evaluate, ended: (id) => ended.push(id) },
  )
  return { passes, clock, ended }
}

test('sweep: goes on where a pass interrupted it, and begins anew when it was asked for again', async () => {
  const seen: string[] = []
  const first: (() => void)[] = []
  const { passes, ended } = await openPasses(DEVICES, async (refs) => {
    seen.push(...refs.map(({ deviceId }) => deviceId))
    first.pop()?.()
    return 0
  })
  first.push(() => passes.begin({ configurationId: 'gone', number: 1, step: 0 }))
  passes.sweep()
  await passes.idle()
  assert.deepEqual([seen.length, new Set(seen).size, ended], [DEVICES, DEVICES, ['gone']])
  seen.length = 0
  first.push(() => passes.sweep())
  passes.sweep()
  await passes.idle()
  assert.deepEqual([seen.length, new Set(seen).size], [2 * DEVICES, DEVICES])
})

test('pass: one that fails does not keep others from going on; a lost place is begun anew', async () => {
  const { passes, clock, ended } = await openPasses(
    1,
    async () => 1,
    (after) => {
      if (after === 'old') throw new HubError('ArgumentInvalid', 'The token is not valid.')
    },
  )
  passes.begin({ configurationId: 'c', number: 1, step: 0, after: 'old' })
  passes.begin({ configurationId: 'gone', number: 2, step: 0 })
  await until(() => {
    clock.advance(1000)
    return !passes.isBusy
  })
  assert.deepEqual(ended, ['gone', 'c'])
})

test('turn: does not wait for twins that come meanwhile', async () => {
  let come = 0
  const dirty: DirtyTwins = new DirtyTwins(async () => {
    await Promise.resolve()
    if (come++ < 1000) dirty.add({ deviceId: `d${come}` })
  })
  dirty.add({ deviceId: 'd' })
  await Promise.resolve()
  await dirty.turn()
  assert.ok(come < 10, `${come} turns`)
  await dirty.close()
})
