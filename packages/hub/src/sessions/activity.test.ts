import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '../../test/clock.ts'
import { entry, pump } from '../../test/contracts/registry-entries.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { type Log, silentLog } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import { Queries } from '../twins/query/queries.ts'
import { ACTIVITY_DELAY_MS, recordActivity } from './activity.ts'

const START_MS = 1_000_000

test('a connect shows in the time stamps after the delay, with the time of the connect', async () => {
  const { registry, bus, clock } = await setUp()
  bus.publish({ kind: 'session-opened', ref: pump })
  clock.advance(ACTIVITY_DELAY_MS)
  await written()
  const { identity } = (await registry.find(pump)) ?? {}
  assert.equal(identity?.lastActivityTimeMs, START_MS)
  assert.equal(identity?.connectionStateUpdatedTimeMs, START_MS)
  assert.equal(identity?.etag, 1)
})

test('a query sees who is connected without waiting for the delay', async () => {
  const { bus, queries } = await setUp()
  const connected = async () => {
    const text = "SELECT deviceId FROM devices WHERE connectionState = 'Connected'"
    return (await queries.run(text)).rows
  }
  assert.deepEqual(await connected(), [])
  bus.publish({ kind: 'session-opened', ref: pump })
  assert.deepEqual(await connected(), [JSON.stringify({ deviceId: pump.deviceId })])
  bus.publish({ kind: 'session-closed', ref: pump })
  assert.deepEqual(await connected(), [])
})

test('a device that connects again and again costs one write', async () => {
  const { registry, changes, bus, clock } = await setUp()
  for (let i = 0; i < 10; i++) {
    clock.advance(1)
    bus.publish({ kind: i % 2 === 0 ? 'session-opened' : 'session-closed', ref: pump })
  }
  clock.advance(ACTIVITY_DELAY_MS)
  await written()
  assert.equal(changes.length, 1)
  assert.equal((await registry.find(pump))?.identity.lastActivityTimeMs, START_MS + 10)
})

test('many devices are written down before the delay is over', async () => {
  const { changes, bus } = await setUp()
  for (let i = 0; i < 1_000; i++) {
    bus.publish({ kind: 'session-opened', ref: { deviceId: `pump-${i}` } })
  }
  await written()
  assert.ok(changes.length >= 500, `${changes.length} of 1,000`)
})

test('the end writes what has gathered, and nothing later', async () => {
  const { registry, changes, bus, stop } = await setUp()
  bus.publish({ kind: 'session-closed', ref: pump })
  await stop()
  assert.equal((await registry.find(pump))?.identity.lastActivityTimeMs, START_MS)
  bus.publish({ kind: 'session-opened', ref: pump })
  await stop()
  assert.equal(changes.length, 1)
})

test('a store that fails is a warning, not a crash', async () => {
  const warnings: string[] = []
  const log: Log = { ...silentLog, warn: (_fields, message) => warnings.push(message) }
  const { bus, stop } = await setUp(log, () => Promise.reject(new Error('disk')))
  bus.publish({ kind: 'session-opened', ref: pump })
  await stop()
  assert.deepEqual(warnings, ['activity was not recorded'])
})

async function setUp(log = silentLog, change?: Registry['change']) {
  const registry = new MemoryRegistry()
  await registry.insert([entry(pump)])
  const changes: string[] = []
  const watched: Pick<Registry, 'change'> = {
    change: (ref, decide) => {
      changes.push(ref.deviceId)
      return change ? change(ref, decide) : registry.change(ref, decide)
    },
  }
  const bus = new InProcessBus(log)
  const clock = new TestClock(START_MS)
  const queries = new Queries(registry)
  const stop = recordActivity({ registry: watched, bus, clock, queries }, log)
  return { registry, changes, bus, clock, queries, stop }
}

/** The memory registry writes within a turn of the event loop. */
function written(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
