import { type DeviceRef, isSameRef } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import { Turns } from '../messages/turns.ts'
import { type ChangeEvents, NO_EVENTS } from '../routing/change-events.ts'
import type { Entry, Registry } from './registry.ts'

export interface LifecyclePorts {
  readonly registry: Pick<Registry, 'listModules'>
  readonly bus: EventBus
  /** Default: nobody listens. */
  readonly events?: ChangeEvents
}

/** Tells what has come and gone: notices at once, and events, which are durable when a call resolves. */
export class Lifecycle {
  readonly #registry: Pick<Registry, 'listModules'>
  readonly #bus: EventBus
  readonly #events: ChangeEvents
  /** Modules of one device come one after the other, or their limit would not hold. */
  readonly #turns = new Turns()

  constructor({ registry, bus, events = NO_EVENTS }: LifecyclePorts) {
    this.#registry = registry
    this.#bus = bus
    this.#events = events
  }

  /** Runs a job with the modules of a device; none comes meanwhile. */
  withModules<T>(deviceId: string, job: (modules: readonly Entry[]) => Promise<T>): Promise<T> {
    return this.#turns.run(deviceId, async () => job(await this.#registry.listModules(deviceId)))
  }

  /** The same when events tell what goes; otherwise it runs at once, with none. */
  withTold<T>(deviceId: string, job: (modules: readonly Entry[]) => Promise<T>): Promise<T> {
    return this.#events.wantsLifecycle ? this.withModules(deviceId, job) : job([])
  }

  async created(entries: readonly Entry[]): Promise<void> {
    for (const { ref } of entries) this.#bus.publish({ kind: 'identity-created', ref })
    await this.#events.created(entries)
  }

  /** @param before  entries as they were, those of `refs` among them */
  async removed(refs: readonly DeviceRef[], before: readonly Entry[]): Promise<void> {
    for (const ref of refs) this.#bus.publish({ kind: 'identity-removed', ref })
    const gone = refs.flatMap((ref) => before.find((entry) => isSameRef(entry.ref, ref)) ?? [])
    await this.#events.removed(gone)
  }
}
