import type { JsonObject } from '@twinward/protocol'
import { MemoryRollouts } from '../src/adapters/memory/rollouts.ts'
import { silentLog } from '../src/log.ts'
import type { RolloutStore } from '../src/rollouts/rollout-store.ts'
import { Rollouts } from '../src/rollouts/rollouts.ts'
import { TestClock } from './clock.ts'
import { memoryStores, type Stores, startConfigurations } from './configurations.ts'

export const DEVICES = 40
export const MINUTE_MS = 60_000

export interface World {
  readonly stores: Stores
  readonly rolloutStore: RolloutStore
  readonly clock: TestClock
}

/** A hub's configurations and rollouts on these stores, as a process has them. */
export async function start({ stores, rolloutStore, clock }: World) {
  const late: { hub?: Awaited<ReturnType<typeof startConfigurations>> } = {}
  const configurations = () => {
    if (!late.hub) throw new Error('not started yet')
    return late.hub.configurations
  }
  const rollouts = new Rollouts({
    store: rolloutStore,
    registry: stores.registry,
    configurations: {
      put: (...args) => configurations().put(...args),
      remove: (...args) => configurations().remove(...args),
      get: (id) => configurations().get(id),
      reconsider: (id) => configurations().reconsider(id),
      isUnderWay: (id) => configurations().isUnderWay(id),
    },
    ...{ clock, log: silentLog },
  })
  // The gate is known before the first twin is looked at.
  await rollouts.load()
  const hub = await startConfigurations(stores, {
    clock,
    mayApply: (configuration, ref) => rollouts.mayApply(configuration, ref),
  })
  late.hub = hub
  return { ...hub, rollouts }
}

export async function setUp() {
  const world: World = {
    stores: memoryStores(),
    rolloutStore: new MemoryRollouts(),
    clock: new TestClock(),
  }
  const hub = await start(world)
  for (let n = 0; n < DEVICES; n++) await hub.identities.createDevice(`d-${n}`, {})
  return { world, hub }
}

export const body = (more: JsonObject = {}): JsonObject => ({
  configuration: {
    id: 'fan-2',
    content: { deviceContent: { 'properties.desired.fan': 2 } },
    targetCondition: '*',
    priority: 10,
  },
  waves: ['10%', '50%'],
  success: 'properties.reported.fan = 2',
  failure: "properties.reported.state = 'broken'",
  successRatio: 0.75,
  failureRatio: 0.1,
  pause: 'PT10M',
  wait: 'PT2H',
  ...more,
})

export type Hub = Awaited<ReturnType<typeof start>>

export async function holdersOf(hub: Hub): Promise<string[]> {
  const entries = await hub.registry.listDevices(1000)
  return entries.filter(({ twin }) => twin.desired.values.fan === 2).map(({ ref }) => ref.deviceId)
}

export async function report(hub: Hub, deviceIds: readonly string[], reported: JsonObject) {
  for (const deviceId of deviceIds) await hub.twins.updateReported({ deviceId }, reported)
}

export async function stateOf(hub: Hub): Promise<[state: unknown, wave: unknown]> {
  const { state, currentWave } = await hub.rollouts.get('r1')
  return [state, currentWave]
}

export async function settle(hub: Hub): Promise<void> {
  await hub.configurations.engine.idle()
  await hub.rollouts.look()
  await hub.configurations.engine.idle()
}
