import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceRef, JsonObject } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import {
  CONDITION_COUNT,
  CONTENTS,
  documentOf,
  expectedOf,
  KINDS,
  type ModelConfiguration,
  nameOf,
} from '../../test/configuration-model.ts'
import {
  memoryStores,
  OWNER,
  type Stores,
  startConfigurations,
  type TestConfigurations,
} from '../../test/configurations.ts'
import type { Entry, Registry } from '../registry/registry.ts'
import type { ConfigurationStore } from './configuration-store.ts'
import { WINDOW_MS } from './restless-twins.ts'

const DEVICES = ['d0', 'd1', 'd2', 'd3']
const IDS = ['c0', 'c1', 'c2', 'c3']
/** Turns of the microtask queue that a store takes: so that a crash meets what waits for it. */
const STORE_TURNS = 8

type Step =
  | { readonly kind: 'put'; readonly id: string; readonly configuration: ModelConfiguration }
  | { readonly kind: 'remove'; readonly id: string }
  | { readonly kind: 'tags' | 'reported' | 'own'; readonly ref: DeviceRef; readonly value: unknown }
  | { readonly kind: 'create' | 'delete' | 'overwrite'; readonly ref: DeviceRef }
  /** The process dies: nothing of what it has begun goes on. */
  | { readonly kind: 'kill' }
  | { readonly kind: 'wait'; readonly turns: number }

const ref = fc.constantFrom<DeviceRef>(
  ...DEVICES.map((deviceId) => ({ deviceId })),
  ...DEVICES.map((deviceId) => ({ deviceId, moduleId: 'm0' })),
)
const configuration = fc.record<ModelConfiguration>({
  kind: fc.constantFrom(...KINDS),
  paths: fc.constantFrom(...CONTENTS),
  condition: fc.nat({ max: CONDITION_COUNT - 1 }),
  priority: fc.nat({ max: 2 }),
})
const id = fc.constantFrom(...IDS)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), id, configuration }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), id }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('tags' as const),
      ref,
      value: fc.constantFrom('x', 'y', null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reported' as const),
      ref,
      value: fc.constantFrom(1, 2, null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('own' as const), ref, value: fc.constantFrom(1, 2) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('create' as const, 'create' as const, 'delete', 'overwrite'),
      ref,
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'kill' }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.nat({ max: 40 }) }),
  },
)

test('configurations: however changes and crashes meet, every twin ends as the documents say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const run = await Run.start()
      for (const each of steps) await run.do(each)
      await run.check()
      await run.kill()
      // What is done stays as it is, whoever looks at it again.
      const before = await run.entries()
      await run.check()
      assert.deepEqual(await run.entries(), before, 'nothing is written again')
    }),
    fuzzRuns(150),
  )
})

/** One random life of a hub, and what it should come to. */
class Run {
  readonly #stores: Stores
  readonly #documents = new Map<string, ModelConfiguration>()
  #life: Life

  private constructor(stores: Stores, life: Life) {
    this.#stores = stores
    this.#life = life
  }

  static async start(): Promise<Run> {
    const stores = memoryStores()
    return new Run(stores, await Life.start(stores))
  }

  async do(each: Step): Promise<void> {
    const { configurations, identities, twins } = this.#life.hub
    switch (each.kind) {
      case 'put':
        return this.#put(each.id, each.configuration)
      case 'remove':
        if (this.#documents.delete(each.id)) await configurations.remove(each.id, undefined)
        return
      case 'tags':
        return absent(twins.patch(each.ref, { tags: { site: each.value } as JsonObject }))
      case 'reported':
        return absent(twins.updateReported(each.ref, { fw: each.value } as JsonObject))
      case 'own':
        return absent(twins.patch(each.ref, { desired: { own: each.value } as JsonObject }))
      case 'create': {
        const { deviceId, moduleId } = each.ref
        if (moduleId === undefined) return absent(identities.createDevice(deviceId, {}))
        return absent(identities.createModule({ deviceId, moduleId }, {}))
      }
      case 'delete':
        return absent(identities.remove(each.ref, '*'))
      case 'overwrite':
        return this.#overwrite(each.ref)
      case 'kill':
        return this.kill()
      case 'wait':
        for (let turn = 0; turn < each.turns; turn++) await Promise.resolve()
    }
  }

  /** A new process on the same stores. */
  async kill(): Promise<void> {
    this.#life.end()
    this.#life = await Life.start(this.#stores)
  }

  /** Waits for rest, then looks at every twin. */
  async check(): Promise<void> {
    await this.#life.hub.configurations.engine.idle()
    // Those that were written again and again waited for this.
    this.#life.hub.clock.advance(WINDOW_MS)
    await this.#life.hub.configurations.engine.idle()
    assert.deepEqual(await this.#stores.store.passes(), [])
    for (const entry of await this.entries()) {
      const { desired, count } = expectedOf(entry, [...this.#documents.values()])
      assert.deepEqual(entry.twin.desired.values, desired, nameOf(entry))
      const statuses = Object.values(entry.configured?.statuses ?? {})
      assert.deepEqual(statuses, Array(count).fill({ status: 'Applied' }), nameOf(entry))
    }
  }

  entries(): Promise<readonly Entry[]> {
    return this.#stores.registry.listEntries(100)
  }

  async #put(configurationId: string, written: ModelConfiguration): Promise<void> {
    const before = this.#documents.get(configurationId)
    // The content and the place in the order of creation stay.
    const { kind, paths } = before ?? written
    const next = { ...written, kind, paths }
    this.#documents.set(configurationId, next)
    const { configurations } = this.#life.hub
    await configurations.put(configurationId, documentOf(next), before && '*', OWNER)
  }

  /** Somebody writes to what a configuration set; what she writes does not last. */
  async #overwrite(twin: DeviceRef): Promise<void> {
    const { twins, configurations } = this.#life.hub
    await configurations.engine.idle()
    const entry = await this.#stores.registry.find(twin)
    const [path] = Object.keys(entry?.configured?.paths ?? {})
    if (path === undefined) return
    const [first = ''] = path.split('.')
    // Where a configuration only says what is not to be there, another value is no fault.
    if (!entry || !Object.hasOwn(entry.twin.desired.values, first)) return
    await absent(twins.patch(twin, { desired: { [first]: 'by hand' } }))
    await configurations.engine.idle()
  }
}

/** What is not there, is there already, or came from a process that died. */
async function absent(call: Promise<unknown>): Promise<void> {
  await call.catch(() => {})
}

/** One process. */
class Life {
  readonly hub: TestConfigurations
  readonly #killed: { isSo: boolean }

  private constructor(hub: TestConfigurations, killed: { isSo: boolean }) {
    this.hub = hub
    this.#killed = killed
  }

  static async start({ registry, store }: Stores): Promise<Life> {
    const killed = { isSo: false }
    const stores = {
      registry: mortal<Registry>(registry, killed),
      store: mortal<ConfigurationStore>(store, killed),
    }
    return new Life(await startConfigurations(stores), killed)
  }

  end(): void {
    this.#killed.isSo = true
  }
}

/** A store whose calls neither do anything nor come back once the process is dead. */
function mortal<T extends object>(store: T, killed: { readonly isSo: boolean }): T {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as (...args: readonly unknown[]) => Promise<unknown>
      return async (...args: unknown[]) => {
        for (let turn = 0; turn < STORE_TURNS; turn++) await Promise.resolve()
        if (killed.isSo) return new Promise(() => {})
        const answer = await member.apply(target, args)
        return killed.isSo ? new Promise(() => {}) : answer
      }
    },
  })
}
