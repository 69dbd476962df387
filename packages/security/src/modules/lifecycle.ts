import {
  type ConfigurationKeys,
  eraOf,
  HubError,
  isJsonObject,
  type JsonObject,
  ownKeys,
  privilegedChanges,
} from '@twinward/protocol'
import { type Caller, refuseWithoutRight } from '../configuration/shared-settings.ts'
import type { Page } from '../data/finding-store.ts'
import type { Log } from '../log.ts'
import type { PlatformModule, TwinPlatform } from '../platform.ts'
import { pickLogicalModule } from './logical.ts'
import type { ModuleStore, StateCounts } from './module-store.ts'
import type { ModuleProvider, Provided } from './provider.ts'
import {
  type ModuleRecord,
  operatorTags,
  TOMBSTONE_RETENTION_MS,
  type Tombstone,
} from './record.ts'
import type { ModuleRecords } from './records.ts'
import { securityGroupOf } from './security-group.ts'
import type { ModuleState } from './state.ts'
import { refuseRetired, type Suspensions, type SuspensionWish } from './suspensions.ts'

/** How often a restoration is tried anew because its twin changed in between. */
const MAX_WRITE_ATTEMPTS = 5

interface Ports {
  readonly platform: TwinPlatform
  readonly modules: ModuleStore
  readonly records: ModuleRecords
  readonly provider: ModuleProvider
  readonly suspensions: Suspensions
  /** Looks at a device now, so that its record and tags say what was just done. */
  readonly look: (deviceId: string) => Promise<void>
  readonly log: Log
}

/** A tombstone with its configuration. */
export interface DeletedModule extends Tombstone {
  readonly desired: JsonObject
  /** That of the module's own tags. */
  readonly securityGroup: string
  readonly expiresMs: number
}

/** The life of security modules, as people look at it and change it. */
export class ModuleLifecycle {
  readonly #ports: Ports
  readonly #securityModuleId: string
  readonly #keys: ConfigurationKeys

  constructor(ports: Ports, securityModuleId: string, keys: ConfigurationKeys = {}) {
    this.#ports = ports
    this.#securityModuleId = securityModuleId
    this.#keys = keys
  }

  /** In the order of device ids. @throws {HubError} `ArgumentInvalid` */
  list(filter: {
    readonly state?: ModuleState
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<ModuleRecord>> {
    return this.#ports.modules.list(filter)
  }

  counts(): Promise<StateCounts> {
    return this.#ports.modules.counts()
  }

  record(deviceId: string): Promise<ModuleRecord | undefined> {
    return this.#ports.modules.find(deviceId)
  }

  /**
   * Gives a device a security module, whatever the policy.
   *
   * @param isRestored  whether it gets what a deleted module held; by default, if that was this
   *   device's. With `true`, a module that exists gets it.
   * @throws {HubError} `DeviceNotFound`; `ModuleAlreadyExistsOnDevice`; `GenericNotFound` without a
   *   tombstone; `GenericForbidden` for one with privileged settings without the right;
   *   `ArgumentInvalid` for one of another era; `GenericConflict` for a retired device
   */
  async create(
    deviceId: string,
    isRestored: boolean | undefined,
    caller: Caller,
  ): Promise<'created' | 'restored'> {
    const { records, look, log } = this.#ports
    const { by } = caller
    const outcome = await records.inTurn(deviceId, () => this.#create(deviceId, isRestored, caller))
    if (outcome === 'gone') throw new HubError('DeviceNotFound', deviceId)
    if (outcome === 'present') throw exists(deviceId)
    log.info({ deviceId, by, outcome }, 'a security module was asked for')
    await look(deviceId)
    return outcome
  }

  /** Postures are written into the tags of the same twin, so losing the race is ordinary. */
  async #create(
    deviceId: string,
    isRestored: boolean | undefined,
    caller: Caller,
  ): Promise<Provided> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#tryToCreate(deviceId, isRestored, caller)
      } catch (error) {
        const isLost = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLost || attempt === MAX_WRITE_ATTEMPTS) throw error
      }
    }
  }

  async #tryToCreate(
    deviceId: string,
    isRestored: boolean | undefined,
    caller: Caller,
  ): Promise<Provided> {
    const { platform, modules, records, provider } = this.#ports
    const all = await platform.listModules(deviceId)
    if (all === undefined) return 'gone'
    const tombstone = isRestored ? await modules.findTombstone(deviceId) : undefined
    if (isRestored && !tombstone) {
      throw new HubError('GenericNotFound', `Nothing is kept of a module of device ${deviceId}.`)
    }
    const module = pickLogicalModule(all, this.#securityModuleId)
    if (tombstone) this.#refusePrivileged(module?.desired ?? {}, tombstone, caller)
    if (!module) {
      const moduleIds = all.map(({ ref }) => ref.moduleId)
      await records.note({ deviceId, moduleIds, state: 'absent', dueMs: 0 })
      return provider.provide(deviceId, isRestored)
    }
    if (!tombstone) return 'present'
    await this.#restoreInto(module, tombstone)
    return 'restored'
  }

  /** What was deleted may hold what this caller could not set again. */
  #refusePrivileged(before: JsonObject, tombstone: Tombstone, caller: Caller): void {
    const desired = this.#ports.records.desiredOf(tombstone)
    refuseWithoutRight(privilegedChanges(before, desired, ownKeys(this.#keys)), caller)
  }

  async #restoreInto(module: PlatformModule, tombstone: Tombstone): Promise<void> {
    const { platform, modules, records } = this.#ports
    refuseRetired(module)
    const desired = records.desiredOf(tombstone)
    const era = eraOf(tombstone.moduleId, { desired }, this.#keys)
    if (era !== eraOf(module.ref.moduleId, module, this.#keys)) {
      throw new HubError(
        'ArgumentInvalid',
        `What is kept is the configuration of ${tombstone.moduleId}, of another era.`,
      )
    }
    const patch = {
      desired: replacement(module.desired, desired),
      tags: replacement(operatorTags(module.tags), tombstone.tags),
    }
    const { deviceId, suspension } = tombstone
    const record = suspension && (await modules.find(deviceId))
    if (record) {
      const own = { ...suspension, moduleId: module.ref.moduleId }
      await modules.commit({ records: [{ ...record, suspension: own }] })
    }
    await platform.patchTwin(module.ref, patch, module.etag)
    await modules.commit({ forgotten: [deviceId] })
  }

  /** @throws {HubError} as `Suspensions.suspend` */
  async suspend(deviceId: string, wish: SuspensionWish, by: string): Promise<void> {
    await this.#ports.suspensions.suspend(deviceId, wish, by)
    await this.#ports.look(deviceId)
  }

  /** @throws {HubError} as `Suspensions.resume` */
  async resume(deviceId: string, by: string): Promise<void> {
    await this.#ports.suspensions.resume(deviceId, by)
    await this.#ports.look(deviceId)
  }

  /** @throws {HubError} as `Suspensions.retire` */
  async retire(deviceId: string, reason: string, by: string): Promise<void> {
    await this.#ports.suspensions.retire(deviceId, reason, by)
    await this.#ports.look(deviceId)
  }

  /** @throws {HubError} `GenericConflict` for a retired device, whose record is read-only */
  async refuseRetired(deviceId: string): Promise<void> {
    const all = (await this.#ports.platform.listModules(deviceId)) ?? []
    const module = pickLogicalModule(all, this.#securityModuleId)
    if (module) refuseRetired(module)
  }

  /** The last that was deleted first. @throws {HubError} `ArgumentInvalid` */
  async tombstones(filter: {
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<DeletedModule>> {
    const { modules, records } = this.#ports
    const { items, continuationToken } = await modules.listTombstones(filter)
    const whole = items.map((stone) => ({
      ...stone,
      desired: records.desiredOf(stone),
      securityGroup: securityGroupOf({}, stone.tags),
      expiresMs: stone.deletedMs + TOMBSTONE_RETENTION_MS,
    }))
    return { items: whole, continuationToken }
  }

  /** Forgets what is kept of a deleted module. @throws {HubError} `GenericNotFound` */
  async forget(deviceId: string, by: string): Promise<void> {
    const { modules, records, log } = this.#ports
    await records.inTurn(deviceId, async () => {
      if ((await modules.findTombstone(deviceId)) === undefined) {
        throw new HubError('GenericNotFound', `Nothing is kept of a module of device ${deviceId}.`)
      }
      await modules.commit({ forgotten: [deviceId] })
    })
    log.info({ deviceId, by }, 'what was kept of a deleted security module is forgotten')
  }
}

/**
 * The merge patch that makes `wanted` of `before`. Objects below the top are given whole, because
 * legacy agents take a patch for all there is. Pure.
 */
export function replacement(before: JsonObject, wanted: JsonObject): JsonObject {
  const nulls = (from: JsonObject, to: JsonObject) =>
    Object.fromEntries(
      Object.keys(from)
        .filter((name) => !Object.hasOwn(to, name))
        .map((name) => [name, null]),
    )
  const entries = Object.entries(wanted).map(([name, value]) => {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    const isBoth = isJsonObject(old) && isJsonObject(value)
    return [name, isBoth ? { ...nulls(old, value), ...value } : value] as const
  })
  return { ...nulls(before, wanted), ...Object.fromEntries(entries) }
}

function exists(deviceId: string): HubError {
  return new HubError(
    'ModuleAlreadyExistsOnDevice',
    `Device ${deviceId} has a security module already.`,
  )
}
