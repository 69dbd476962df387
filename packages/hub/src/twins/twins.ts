import {
  type DeviceRef,
  HubError,
  type JsonObject,
  MAX_PROPERTIES_BYTES,
  MAX_TAGS_BYTES,
  type Twin,
  type TwinPatch,
  type TwinSection,
  type TwinWrite,
} from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Entry, Registry } from '../registry/registry.ts'
import { type EtagCondition, etagMatches, formatTwinEtag } from './etag.ts'
import {
  patchSection,
  patchTags,
  replacementPatch,
  replaceSection,
  withoutReserved,
} from './patch.ts'

/** What must still hold when a service's write takes effect. */
export interface TwinCondition {
  readonly ifMatch?: EtagCondition
  /** Desired `$version` that the caller read; compared only when there is no `ifMatch`. */
  readonly ifDesiredVersion?: number
}

/**
 * Looks at a write to desired before it happens and throws a `HubError` to refuse it. Whoever knows
 * what certain properties do to a device brings it.
 */
export type DesiredReview = (ref: DeviceRef, desired: TwinPatch) => void

/** Reading and changing twins: what every gateway calls, whatever protocol it speaks. */
export class Twins {
  readonly #registry: Registry
  readonly #bus: EventBus
  readonly #clock: Clock

  readonly #review: DesiredReview

  constructor(
    { registry, bus, clock }: { registry: Registry; bus: EventBus; clock: Clock },
    review: DesiredReview = () => {},
  ) {
    this.#registry = registry
    this.#bus = bus
    this.#clock = clock
    this.#review = review
  }

  /** @throws {HubError} `DeviceNotFound`, for a module's twin too (02 §6) */
  async get(ref: DeviceRef): Promise<Entry> {
    return found(ref, await this.#registry.find(ref))
  }

  /**
   * A device or module patches its reported properties.
   *
   * @param ifVersion  the reported `$version` that the device read; without it the last writer wins
   * @returns the new reported `$version`, already durable
   * @throws {HubError} `DeviceNotFound`; `ArgumentInvalid`; `PreconditionFailed`
   */
  updateReported(ref: DeviceRef, patch: TwinPatch, ifVersion?: number): Promise<number> {
    const nowMs = this.#clock.now()
    const changed = this.#registry.change(ref, (before) => {
      const { reported } = before.twin
      if (ifVersion !== undefined && ifVersion !== reported.version) {
        throw new HubError('PreconditionFailed', `Reported is at version ${reported.version}.`)
      }
      return withReported(before, patchSection(reported, patch, nowMs, MAX_PROPERTIES_BYTES))
    })
    // The hot path: `then` costs one promise less than a function that awaits.
    return changed.then((entry) => {
      const { twin } = found(ref, entry)
      this.#bus.publish({ kind: 'reported-changed', ref })
      return twin.reported.version
    })
  }

  /**
   * A service merges into tags and desired in one step, then the device is told. A write without
   * either moves no version.
   *
   * @returns the entry after the patch, already durable
   * @throws {HubError} `DeviceNotFound`; `ArgumentInvalid`; `PreconditionFailed`
   */
  async patch(ref: DeviceRef, write: TwinWrite, condition: TwinCondition = {}): Promise<Entry> {
    const nowMs = this.#clock.now()
    if (write.desired) this.#review(ref, write.desired)
    let told = withoutReserved(write.desired ?? {})
    const entry = await this.#registry.change(ref, (before) => {
      checkCondition(before.twin, condition)
      if (write.desired === null) told = replacementPatch(before.twin.desired.values, {})
      return patched(before, write, nowMs)
    })
    const after = found(ref, entry)
    if (write.desired !== undefined) this.#tell(after, told)
    return after
  }

  /**
   * A service replaces tags and desired; an absent section becomes empty. The device is told the new
   * keys, and `null` for those that went.
   */
  async replace(
    ref: DeviceRef,
    sections: { tags?: JsonObject; desired?: JsonObject },
    condition: TwinCondition = {},
  ): Promise<Entry> {
    const nowMs = this.#clock.now()
    if (sections.desired) this.#review(ref, sections.desired)
    let told: TwinPatch = {}
    const entry = await this.#registry.change(ref, (before) => {
      checkCondition(before.twin, condition)
      const next = replaced(before, sections, nowMs)
      told = replacementPatch(before.twin.desired.values, next.twin.desired.values)
      return next
    })
    const after = found(ref, entry)
    this.#tell(after, told)
    return after
  }

  #tell({ ref, twin }: Entry, patch: TwinPatch): void {
    this.#bus.publish({ kind: 'desired-changed', ref, patch, version: twin.desired.version })
  }
}

/** Member by member: entries of one shape are quicker to make, and to read from then on, than copies. */
function withReported({ ref, identity, twin }: Entry, reported: TwinSection): Entry {
  const { etag, version, tags, desired } = twin
  return { ref, identity, twin: { etag, version: version + 1, tags, desired, reported } }
}

function found(ref: DeviceRef, entry: Entry | undefined): Entry {
  if (!entry) throw new HubError('DeviceNotFound', ref.deviceId)
  return entry
}

function checkCondition(twin: Twin, { ifMatch, ifDesiredVersion }: TwinCondition): void {
  if (!etagMatches(ifMatch, formatTwinEtag(twin.etag))) {
    throw new HubError('PreconditionFailed', 'Precondition failed: the twin was changed since.')
  }
  if (ifMatch !== undefined || ifDesiredVersion === undefined) return
  if (ifDesiredVersion !== twin.desired.version) {
    throw new HubError(
      'PreconditionFailed',
      `Precondition failed: desired is at version ${twin.desired.version}.`,
    )
  }
}

function patched(before: Entry, { tags, desired }: TwinWrite, nowMs: number): Entry {
  if (tags === undefined && desired === undefined) return before
  const { twin } = before
  const next = {
    ...(tags !== undefined && { tags: tags ? patchTags(twin.tags, tags, MAX_TAGS_BYTES) : {} }),
    ...(desired !== undefined && { desired: patchDesired(twin.desired, desired, nowMs) }),
  }
  return { ...before, twin: { ...twin, ...next, etag: twin.etag + 1, version: twin.version + 1 } }
}

function patchDesired(section: TwinSection, patch: TwinPatch | null, nowMs: number): TwinSection {
  if (patch === null) return replaceSection(section, {}, nowMs, MAX_PROPERTIES_BYTES)
  return patchSection(section, patch, nowMs, MAX_PROPERTIES_BYTES)
}

function replaced(
  before: Entry,
  { tags = {}, desired = {} }: { tags?: JsonObject; desired?: JsonObject },
  nowMs: number,
): Entry {
  const { twin } = before
  return {
    ...before,
    twin: {
      ...twin,
      tags: patchTags({}, tags, MAX_TAGS_BYTES),
      desired: replaceSection(twin.desired, desired, nowMs, MAX_PROPERTIES_BYTES),
      etag: twin.etag + 1,
      version: twin.version + 1,
    },
  }
}
