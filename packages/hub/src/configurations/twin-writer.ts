import { type DeviceRef, HubError } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Entry, Registry } from '../registry/registry.ts'
import type { ChangeEvents } from '../routing/change-events.ts'
import type { DesiredReview } from '../twins/desired-review.ts'
import { type Applied, applyTo } from './apply.ts'
import type { ConfigurationSet, MayApply } from './compiled.ts'

export interface TwinWriterPorts {
  readonly registry: Pick<Registry, 'find' | 'change' | 'listModules'>
  readonly bus: EventBus
  readonly clock: Pick<Clock, 'now'>
  readonly events: Pick<ChangeEvents, 'twinUpdated'>
  readonly review: DesiredReview
  /** Creates the modules that a deployment names. */
  readonly createModule: (ref: Required<DeviceRef>) => Promise<unknown>
}

/** Makes twins hold what the configurations say, and tells their devices. */
export class TwinWriter {
  readonly #ports: TwinWriterPorts
  #isTelling = false

  constructor(ports: TwinWriterPorts) {
    this.#ports = ports
  }

  /** A notice that comes now is of this writer's own write. */
  get isTelling(): boolean {
    return this.#isTelling
  }

  /**
   * @param set  asked for when the twin is decided on: what is in force then counts
   * @param use  as of `Registry.change`
   * @returns the configurations that may have gained or lost the twin; none when nothing was to do
   * @throws {HubError} `ServiceUnavailable` when it cannot be written now
   */
  async write(
    ref: DeviceRef,
    set: () => ConfigurationSet,
    mayApply: MayApply,
    use?: 'passing',
  ): Promise<readonly string[]> {
    const { registry, clock, review } = this.#ports
    const device = ref.moduleId === undefined ? undefined : await this.#deviceOf(ref, set())
    const nowMs = clock.now()
    let before: Entry | undefined
    let applied: Applied | undefined
    const decide = (entry: Entry) => {
      before = entry
      applied = applyTo({ entry, device }, set(), { nowMs, mayApply, review })
      return applied.entry
    }
    const after = await registry.change(ref, decide, use)
    if (!after || !before || !applied) return []
    const isChanged = applied.entry !== before
    if (isChanged) await this.#tell(after, applied)
    const isEdge = ref.moduleId === undefined && (after.identity.iotEdge || isChanged)
    if (isEdge) await this.#deploy(after, set, mayApply)
    if (!isChanged) return []
    return [
      ...Object.keys(before.configured?.statuses ?? {}),
      ...Object.keys(after.configured?.statuses ?? {}),
    ]
  }

  /** Looked at for deployments alone. */
  async #deviceOf({ deviceId }: DeviceRef, set: ConfigurationSet): Promise<Entry | undefined> {
    return set.hasDeployments ? this.#ports.registry.find({ deviceId }) : undefined
  }

  /** The modules of an edge device follow it; those that a deployment names and that are missing come. */
  async #deploy(device: Entry, set: () => ConfigurationSet, mayApply: MayApply): Promise<void> {
    if (!set().hasDeployments) return
    const { deviceId } = device.ref
    const modules = await this.#ports.registry.listModules(deviceId)
    const named = device.identity.iotEdge ? set().deployedModules(device, mayApply) : []
    const present = new Map(modules.map((entry) => [entry.ref.moduleId ?? '', entry]))
    for (const moduleId of named.filter((id) => !present.has(id))) {
      await absorb(this.#ports.createModule({ deviceId, moduleId }))
    }
    const concerned = modules.filter(
      ({ ref, configured }) => configured || named.includes(ref.moduleId ?? ''),
    )
    const ids = [...named, ...concerned.map(({ ref }) => ref.moduleId ?? '')]
    for (const moduleId of new Set(ids)) await this.write({ deviceId, moduleId }, set, mayApply)
  }

  async #tell(after: Entry, { patch, audits }: Applied): Promise<void> {
    const { bus, events, review } = this.#ports
    const { ref, twin } = after
    if (!patch) return
    const { values, version } = twin.desired
    const told = review.told(ref, patch, values)
    this.#isTelling = true
    try {
      bus.publish({ kind: 'desired-changed', ref, patch: told, version })
    } finally {
      this.#isTelling = false
    }
    for (const { names, author } of audits) await review.accepted(ref, names, author)
    await events.twinUpdated(after, { desired: patch })
  }
}

/** A module that is there already, or for which there is no room, is nothing to stop at. */
async function absorb(creation: Promise<unknown>): Promise<void> {
  try {
    await creation
  } catch (error) {
    if (!(error instanceof HubError)) throw error
  }
}
