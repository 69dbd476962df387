import { HubError, type JsonObject } from '@twinward/protocol'
import { InProcessBus } from '../src/adapters/memory/bus.ts'
import { MemoryConfigurationStore } from '../src/adapters/memory/configurations.ts'
import { MemoryRegistry } from '../src/adapters/memory/registry.ts'
import type { Clock } from '../src/clock.ts'
import type { MayApply } from '../src/configurations/compiled.ts'
import type { ConfigurationStore } from '../src/configurations/configuration-store.ts'
import type { Configurations } from '../src/configurations/configurations.ts'
import { createConfigurations } from '../src/configurations/create-configurations.ts'
import type { EdgeContent } from '../src/configurations/edge-content.ts'
import { silentLog } from '../src/log.ts'
import { HostNames } from '../src/registry/host-names.ts'
import { Identities } from '../src/registry/identities.ts'
import type { Entry, Registry } from '../src/registry/registry.ts'
import { type DesiredReview, noReview, type WriteAuthor } from '../src/twins/desired-review.ts'
import { Twins } from '../src/twins/twins.ts'
import { TestClock } from './clock.ts'

export const OWNER: WriteAuthor = {
  name: 'owner',
  rights: ['RegistryRead', 'RegistryWrite', 'ServiceConnect'],
}

/** What outlives a process. */
export interface Stores {
  readonly registry: Registry
  readonly store: ConfigurationStore
}

/** Configurations and what they work on, without gateways. */
export interface TestConfigurations {
  readonly bus: InProcessBus
  readonly clock: TestClock
  readonly registry: Registry
  readonly identities: Identities
  readonly twins: Twins
  readonly configurations: Configurations
  readonly edgeContent: EdgeContent
  stop(): Promise<void>
}

export function memoryStores(): Stores {
  return { registry: new MemoryRegistry(), store: new MemoryConfigurationStore() }
}

export async function startConfigurations(
  { registry, store }: Stores = memoryStores(),
  options: {
    readonly review?: DesiredReview
    readonly mayApply?: MayApply
    clock?: TestClock
  } = {},
): Promise<TestConfigurations> {
  const { review = noReview, mayApply, clock = new TestClock() } = options
  const bus = new InProcessBus(silentLog)
  const ports = { registry, bus, clock: clock as Clock }
  const identities = new Identities(ports, new HostNames(['localhost']), () => [])
  const twins = new Twins(ports, review)
  const created = createConfigurations({
    ...ports,
    ...{ store, identities, twins, review, log: silentLog, ...(mayApply && { mayApply }) },
  })
  const stop = await created.configurations.start()
  return { bus, clock, registry, identities, twins, ...created, stop }
}

/** A document as a caller writes it. */
export function deviceConfiguration(
  values: JsonObject,
  rest: { targetCondition?: string; priority?: number } = {},
): JsonObject {
  return { content: { deviceContent: values }, targetCondition: '*', ...rest }
}

export async function entryOf(
  { registry }: Pick<TestConfigurations, 'registry'>,
  deviceId: string,
  moduleId?: string,
): Promise<Entry> {
  const entry = await registry.find({ deviceId, ...(moduleId !== undefined && { moduleId }) })
  if (!entry) throw new Error(`no ${deviceId} ${moduleId ?? ''}`)
  return entry
}

/** The name of the error that a call ends with. */
export async function codeOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    if (error instanceof HubError) return error.code
    throw error
  }
}

/** Writes a configuration and waits until all twins hold it. */
export async function put(
  { configurations }: TestConfigurations,
  id: string,
  body: JsonObject,
  ifMatch?: string,
): Promise<JsonObject> {
  const view = await configurations.put(id, body, ifMatch, OWNER)
  await configurations.engine.idle()
  return view
}

export async function desiredOf(hub: TestConfigurations, deviceId: string, moduleId?: string) {
  return (await entryOf(hub, deviceId, moduleId)).twin.desired.values
}
