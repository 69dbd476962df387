import { type DeviceRef, HubError } from '@twinward/protocol'
import { type DesiredReview, noReview, type WriteAuthor } from '../twins/desired-review.ts'
import { formatTwinEtag } from '../twins/etag.ts'
import type { Twins } from '../twins/twins.ts'
import type { Identities, UpdateOptions } from './identities.ts'
import type { ImportEntry } from './import-entry.ts'
import type { Entry } from './registry.ts'
import { isSystemModule, refuseSystemModule } from './system-modules.ts'

/** Most entries of one call (11 §1). */
export const MAX_BULK_ENTRIES = 100

/** How often one section of a twin is replaced again when another writer got in first. */
const MAX_ATTEMPTS = 5

/** An entry that was refused; the others are not touched by that. */
export interface EntryFailure<T extends ImportEntry = ImportEntry> {
  readonly entry: T
  readonly error: HubError
}

/** Many identities in one call (01 §5): each entry succeeds or fails by itself. */
export class Bulk {
  readonly #identities: Identities
  readonly #twins: Twins
  readonly #review: DesiredReview
  readonly #author: WriteAuthor | undefined

  /**
   * @param review  of desired properties that new twins start with; `twins` has its own
   * @param author  who writes; without one, what needs a right is refused
   */
  constructor(
    identities: Identities,
    twins: Twins,
    review: DesiredReview = noReview,
    author?: WriteAuthor,
  ) {
    this.#identities = identities
    this.#twins = twins
    this.#review = review
    this.#author = author
  }

  /** The same, on behalf of somebody. */
  as(author: WriteAuthor | undefined): Bulk {
    return new Bulk(this.#identities, this.#twins, this.#review, author)
  }

  /**
   * Applies entries of different devices side by side, so that they share commits.
   *
   * @returns what was refused, in the order of the entries
   * @throws {HubError} `ArgumentInvalid` for none; `TooManyDevices` for more than `MAX_BULK_ENTRIES`;
   *   `DeviceDefinedMultipleTimes` for a device id that comes twice, with modules or not
   */
  async run(entries: readonly ImportEntry[]): Promise<readonly EntryFailure[]> {
    if (entries.length === 0) throw new HubError('ArgumentInvalid', 'The list has no entries.')
    if (entries.length > MAX_BULK_ENTRIES) {
      throw new HubError('TooManyDevices', `A call may have ${MAX_BULK_ENTRIES} entries.`)
    }
    refuseDuplicates(entries)
    const failures = await Promise.all(entries.map((entry) => this.#try(entry, {})))
    return failures.flat()
  }

  /**
   * Applies entries of one device that come from an export, in their order. A device that is new is
   * created together with the modules that follow it.
   *
   * @returns what was refused, in the order of the entries
   */
  async restore<T extends ImportEntry>(entries: readonly T[]): Promise<readonly EntryFailure<T>[]> {
    const [first, ...others] = entries
    if (!first) return []
    const failures: EntryFailure<T>[] = []
    let rest: readonly T[] = entries
    if (first.ref.moduleId === undefined && creates(first)) {
      const modules = leadingModules(others)
      const created = await this.#createWithModules(first, modules)
      if (created) {
        failures.push(...created)
        rest = others.slice(modules.length)
      }
    }
    for (const entry of rest) failures.push(...(await this.#try(entry, { isRestored: true })))
    return failures
  }

  /** @returns what was refused; `undefined` when nothing was created and each must go by itself */
  async #createWithModules<T extends ImportEntry>(
    device: T,
    entries: readonly T[],
  ): Promise<readonly EntryFailure<T>[] | undefined> {
    const failures: EntryFailure<T>[] = []
    const modules: Entry[] = []
    for (const entry of entries) {
      try {
        if (!device.write.iotEdge) refuseSystemModule(entry.ref)
        const twin = await this.#reviewedTwin(entry)
        modules.push(this.#identities.makeModule(moduleRef(entry.ref), entry.write, twin))
      } catch (error) {
        failures.push({ entry, error: refusal(error) })
      }
    }
    try {
      const origin = { twin: await this.#reviewedTwin(device), modules, isRestored: true }
      await this.#identities.createDevice(device.ref.deviceId, device.write, origin)
      return failures
    } catch (error) {
      refusal(error)
      return undefined
    }
  }

  async #try<T extends ImportEntry>(
    entry: T,
    options: UpdateOptions,
  ): Promise<readonly EntryFailure<T>[]> {
    try {
      await this.#apply(entry, options)
      return []
    } catch (error) {
      return [{ entry, error: refusal(error) }]
    }
  }

  async #apply(entry: ImportEntry, options: UpdateOptions): Promise<void> {
    const { ref, mode } = entry
    switch (mode) {
      case 'create':
        return this.#create(entry, options)
      case 'createOrUpdate':
        return this.#createOrUpdate(entry, () => '*', options)
      case 'createOrUpdateIfMatchETag':
        return this.#createOrUpdate(entry, () => requiredEtag(entry), options)
      case 'update':
        return this.#update(entry, '*', options)
      case 'updateIfMatchETag':
        return this.#update(entry, requiredEtag(entry), options)
      case 'delete':
        return this.#identities.remove(ref, '*')
      case 'deleteIfMatchETag':
        return this.#identities.remove(ref, requiredEtag(entry))
      case 'updateTwin':
        return this.#patchTwin(entry, '*')
      case 'updateTwinIfMatchETag':
        return this.#patchTwin(entry, requiredTwinEtag(entry))
    }
  }

  async #create(entry: ImportEntry, { isRestored = false }: UpdateOptions): Promise<void> {
    const { ref, write } = entry
    const twin = await this.#reviewedTwin(entry)
    if (ref.moduleId === undefined) {
      await this.#identities.createDevice(ref.deviceId, write, { twin, isRestored })
    } else await this.#identities.createModule(moduleRef(ref), write, twin)
  }

  async #createOrUpdate(
    entry: ImportEntry,
    ifMatch: () => string,
    options: UpdateOptions,
  ): Promise<void> {
    // A system module exists, or nobody may create it.
    if (isSystemModule(entry.ref)) return this.#update(entry, ifMatch(), options)
    try {
      await this.#create(entry, options)
    } catch (error) {
      if (!isTaken(error)) throw error
      await this.#update(entry, ifMatch(), options)
    }
  }

  async #update(entry: ImportEntry, ifMatch: string, options: UpdateOptions): Promise<void> {
    await this.#identities.update(entry.ref, entry.write, ifMatch, options)
    await this.#replaceTwin(entry)
  }

  /** Sections that the entry speaks of become what it says; the twin's etag counts by itself. */
  async #replaceTwin(entry: ImportEntry): Promise<void> {
    const { ref, tags, desired } = entry
    if (tags === undefined && desired === undefined) return
    const twinETag = entry.mode.endsWith('IfMatchETag') ? entry.twinETag : undefined
    if (tags && desired) {
      await this.#twins.replace(ref, { tags, desired }, { ifMatch: twinETag ?? '*' }, this.#author)
      return
    }
    for (let attempt = 1; ; attempt++) {
      const { twin } = await this.#twins.get(ref)
      const sections = { tags: tags ?? twin.tags, desired: desired ?? twin.desired.values }
      try {
        const ifMatch = twinETag ?? formatTwinEtag(twin.etag)
        await this.#twins.replace(ref, sections, { ifMatch }, this.#author)
        return
      } catch (error) {
        const isLostRace = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLostRace || twinETag !== undefined || attempt === MAX_ATTEMPTS) throw error
      }
    }
  }

  /** The twin modes merge, as a service's PATCH does. */
  async #patchTwin({ ref, tags, desired }: ImportEntry, ifMatch: string): Promise<void> {
    await this.#twins.patch(
      ref,
      { ...(tags && { tags }), ...(desired && { desired }) },
      { ifMatch },
      this.#author,
    )
  }

  async #reviewedTwin({ ref, tags = {}, desired = {} }: ImportEntry) {
    const change = { written: desired, before: {}, after: desired, author: this.#author }
    const audited = this.#review.check(ref, change)
    // Before it is durable: what was tried and failed may stand in an audit, what was done must.
    if (audited.length > 0) await this.#review.accepted(ref, audited, this.#author)
    return { tags, desired }
  }
}

function refuseDuplicates(entries: readonly ImportEntry[]): void {
  const seen = new Set<string>()
  for (const { ref } of entries) {
    if (seen.has(ref.deviceId)) {
      throw new HubError(
        'DeviceDefinedMultipleTimes',
        `DeviceDefinedMultipleTimes, device ID ${ref.deviceId}`,
      )
    }
    seen.add(ref.deviceId)
  }
}

function creates({ mode }: ImportEntry): boolean {
  return mode === 'create' || mode.startsWith('createOrUpdate')
}

/** The modules that are created next, each once. */
function leadingModules<T extends ImportEntry>(entries: readonly T[]): readonly T[] {
  const ids = new Set<string>()
  for (const [at, entry] of entries.entries()) {
    const { moduleId } = entry.ref
    if (moduleId === undefined || ids.has(moduleId) || !creates(entry)) return entries.slice(0, at)
    ids.add(moduleId)
  }
  return entries
}

function moduleRef({ deviceId, moduleId = '' }: DeviceRef): Required<DeviceRef> {
  return { deviceId, moduleId }
}

function requiredEtag({ eTag, mode }: ImportEntry): string {
  if (eTag !== undefined) return eTag
  throw new HubError('PreconditionFailed', `${mode} needs an eTag.`)
}

function requiredTwinEtag({ twinETag, mode }: ImportEntry): string {
  if (twinETag !== undefined) return twinETag
  throw new HubError('PreconditionFailed', `${mode} needs a twinETag.`)
}

function isTaken(error: unknown): boolean {
  return (
    error instanceof HubError &&
    (error.code === 'DeviceAlreadyExists' || error.code === 'ModuleAlreadyExistsOnDevice')
  )
}

/** What is not the hub's own refusal is a bug and goes on. */
function refusal(error: unknown): HubError {
  if (error instanceof HubError) return error
  throw error
}
