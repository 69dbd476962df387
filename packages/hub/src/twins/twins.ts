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
import { type ChangeEvents, NO_EVENTS } from '../routing/change-events.ts'
import { type DesiredReview, noReview, type WriteAuthor } from './desired-review.ts'
import { type EtagCondition, etagMatches, formatTwinEtag } from './etag.ts'
import {
  patchSection,
  patchTags,
  replacementPatch,
  replaceSection,
  withoutReserved,
} from './patch.ts'

/** Jobs remembered with a twin: more than can be under way at a time. */
const MAX_APPLIED_JOBS = 16

/** What must still hold when a service's write takes effect. */
export interface TwinCondition {
  readonly ifMatch?: EtagCondition
  /** Desired `$version` that the caller read; compared only when there is no `ifMatch`. */
  readonly ifDesiredVersion?: number
}

/** Reading and changing twins: what every gateway calls, whatever protocol it speaks. */
export class Twins {
  readonly #registry: Registry
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #events: ChangeEvents
  readonly #review: DesiredReview

  constructor(
    ports: { registry: Registry; bus: EventBus; clock: Clock; events?: ChangeEvents },
    review: DesiredReview = noReview,
  ) {
    this.#registry = ports.registry
    this.#bus = ports.bus
    this.#clock = ports.clock
    this.#events = ports.events ?? NO_EVENTS
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
   * @throws {HubError} `DeviceNotFound`; `ArgumentInvalid`; `PreconditionFailed`; as all writes here
   *   `ServiceUnavailable` when the write is done and its event could not be stored
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
      const after = found(ref, entry)
      const { version } = after.twin.reported
      this.#bus.publish({ kind: 'reported-changed', ref, patch })
      const told = this.#events.twinUpdated(after, { reported: patch })
      return told ? told.then(() => version) : version
    })
  }

  /**
   * A service merges into tags and desired in one step, then the device is told. A write without
   * either moves no version.
   *
   * @param author  who writes; without one, what needs a right is refused
   * @returns the entry after the patch, already durable
   * @throws {HubError} `DeviceNotFound`; `ArgumentInvalid`; `PreconditionFailed`
   */
  patch(
    ref: DeviceRef,
    write: TwinWrite,
    condition: TwinCondition = {},
    author?: WriteAuthor,
  ): Promise<Entry> {
    return this.#patch(ref, { write, author }, (before, apply) => {
      checkCondition(before.twin, condition)
      return apply(before)
    })
  }

  /**
   * As `patch`, of a job: whatever happens in between, it takes effect once. What tells so is kept with
   * the twin in the same commit; notices and events that a crash took with it come again.
   *
   * @param job  unlike that of any other job, e.g. its `runId`
   */
  async patchOnce(
    ref: DeviceRef,
    write: TwinWrite,
    job: string,
    author?: WriteAuthor,
  ): Promise<void> {
    await this.#patch(ref, { write, author }, (before, apply) => {
      const { appliedJobs = [] } = before.identity
      if (appliedJobs.includes(job)) return before
      const next = apply(before)
      const marks = [...appliedJobs, job].slice(-MAX_APPLIED_JOBS)
      return { ...next, identity: { ...next.identity, appliedJobs: marks } }
    })
  }

  async #patch(
    ref: DeviceRef,
    { write, author }: { readonly write: TwinWrite; readonly author: WriteAuthor | undefined },
    decide: (before: Entry, apply: (before: Entry) => Entry) => Entry,
  ): Promise<Entry> {
    const nowMs = this.#clock.now()
    let told = withoutReserved(write.desired ?? {})
    let audited: readonly string[] = []
    const apply = (before: Entry) => {
      const next = patched(before, write, nowMs)
      if (write.desired === null) told = replacementPatch(before.twin.desired.values, {})
      if (write.desired !== undefined) {
        audited = this.#check({ before, next }, write.desired ?? {}, author)
      }
      return next
    }
    const entry = await this.#registry.change(ref, (before) => decide(before, apply))
    const after = found(ref, entry)
    if (audited.length > 0) await this.#review.accepted(ref, audited, author)
    if (write.tags !== undefined) {
      this.#bus.publish({ kind: 'tags-changed', ref, patch: write.tags })
    }
    if (write.desired !== undefined) this.#tell(after, told)
    const isWrite = write.tags !== undefined || write.desired !== undefined
    if (isWrite) await this.#events.twinUpdated(after, write)
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
    author?: WriteAuthor,
  ): Promise<Entry> {
    const nowMs = this.#clock.now()
    let told: TwinPatch = {}
    let audited: readonly string[] = []
    const entry = await this.#registry.change(ref, (before) => {
      checkCondition(before.twin, condition)
      const next = replaced(before, sections, nowMs)
      told = replacementPatch(before.twin.desired.values, next.twin.desired.values)
      audited = this.#check({ before, next }, sections.desired ?? {}, author)
      return next
    })
    const after = found(ref, entry)
    if (audited.length > 0) await this.#review.accepted(ref, audited, author)
    this.#bus.publish({ kind: 'tags-changed', ref, patch: null })
    this.#tell(after, told)
    await this.#events.twinReplaced(after)
    return after
  }

  #check(
    { before, next }: { readonly before: Entry; readonly next: Entry },
    written: TwinPatch,
    author: WriteAuthor | undefined,
  ): readonly string[] {
    const { values } = before.twin.desired
    const change = { written, before: values, after: next.twin.desired.values, author }
    return this.#review.check(before.ref, change)
  }

  #tell({ ref, twin }: Entry, patch: TwinPatch): void {
    const { values, version } = twin.desired
    const told = this.#review.told(ref, patch, values)
    this.#bus.publish({ kind: 'desired-changed', ref, patch: told, version })
  }
}

/** Member by member: entries of one shape are quicker to make, and to read from then on, than copies. */
function withReported(before: Entry, reported: TwinSection): Entry {
  const { ref, identity, configured } = before
  const { etag, version, tags, desired } = before.twin
  const twin = { etag, version: version + 1, tags, desired, reported }
  return configured ? { ref, identity, twin, configured } : { ref, identity, twin }
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
