import { HubError } from '@twinward/protocol'
import type { Log } from '../log.ts'
import type { TwinPatchRequest, TwinPlatform } from '../platform.ts'
import type { ModuleStore } from './module-store.ts'
import type { Tombstone } from './record.ts'
import type { ModuleRecords } from './records.ts'
import { type SeedOptions, securityModuleSeed } from './seed.ts'

export interface ProviderPorts {
  readonly platform: TwinPlatform
  readonly modules: ModuleStore
  readonly records: ModuleRecords
  readonly log: Log
}

/** How a device without a security module came by one. */
export type Provided =
  /** With the default configuration. */
  | 'created'
  /** With what its deleted module held. */
  | 'restored'
  /** Somebody else was faster. */
  | 'present'
  /** There is no such device any more. */
  | 'gone'

/** Gives a device without a security module one. */
export class ModuleProvider {
  readonly #ports: ProviderPorts
  readonly #moduleId: string
  readonly #seed: SeedOptions

  constructor(ports: ProviderPorts, moduleId: string, seed: SeedOptions = {}) {
    this.#ports = ports
    this.#moduleId = moduleId
    this.#seed = seed
  }

  /**
   * Call it in the device's turn, after its absence was noted.
   *
   * @param isRestored  whether it gets what a tombstone holds; by default what was of this device,
   *   not of another one that had its id before
   * @throws {HubError} when the platform cannot
   */
  async provide(deviceId: string, isRestored?: boolean): Promise<Provided> {
    const { modules, records } = this.#ports
    const tombstone = await modules.findTombstone(deviceId)
    if (tombstone && (isRestored ?? (await records.isOfDevice(tombstone)))) {
      const outcome = await this.#restore(tombstone)
      if (outcome !== 'refused') return outcome
    }
    const { moduleId, ...seed } = securityModuleSeed(this.#moduleId, this.#seed)
    return (await this.#create(deviceId, moduleId, seed)) ?? 'created'
  }

  async #restore(tombstone: Tombstone): Promise<Provided | 'refused'> {
    const { modules, records, log } = this.#ports
    const { deviceId, moduleId, tags, suspension } = tombstone
    // Before the module is there, or a suspension could not be ended as it began.
    const record = suspension && (await modules.find(deviceId))
    if (record) await modules.commit({ records: [{ ...record, suspension }] })
    try {
      const seed = { tags, desired: records.desiredOf(tombstone) }
      const outcome = await this.#create(deviceId, moduleId, seed)
      if (outcome !== undefined) return outcome
    } catch (thrown) {
      if (!hasCode(thrown, 'ArgumentInvalid')) throw thrown
      // To be covered matters more than to be as before; what was stays in the tombstone.
      log.warn({ err: thrown, deviceId }, 'a deleted security module could not be restored')
      return 'refused'
    }
    await modules.commit({ forgotten: [deviceId] })
    return 'restored'
  }

  async #create(
    deviceId: string,
    moduleId: string,
    seed: TwinPatchRequest,
  ): Promise<'present' | 'gone' | undefined> {
    try {
      await this.#ports.platform.createModule({ deviceId, moduleId }, seed)
      return undefined
    } catch (thrown) {
      // Somebody else was faster; either way nothing is left to do.
      if (hasCode(thrown, 'ModuleAlreadyExistsOnDevice')) return 'present'
      if (hasCode(thrown, 'DeviceNotFound')) return 'gone'
      throw thrown
    }
  }
}

function hasCode(thrown: unknown, code: HubError['code']): boolean {
  return thrown instanceof HubError && thrown.code === code
}
