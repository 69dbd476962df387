import type { ConfigurationKeys, JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { ModuleMark, PlatformModule, TwinPlatform } from '../platform.ts'
import { KeyedSerial } from '../serial.ts'
import { MAX_RECORDS_AT_ONCE, type ModuleStore } from './module-store.ts'
import {
  bury,
  type KeptModule,
  type ModuleRecord,
  noteSight,
  operatorTags,
  type Sight,
  type Tombstone,
} from './record.ts'
import { securityModuleSeed } from './seed.ts'

interface Ports {
  readonly platform: TwinPlatform
  readonly modules: ModuleStore
  readonly clock: Clock
  /** Called for each device that is gone, before its record goes; may be called again. */
  readonly departed?: (deviceId: string) => Promise<void>
}

/** A look at a device, without what records know themselves. */
export type Look = Omit<Sight, 'generation' | 'isDefault'>

/** Keeps the record of each device's logical security module beside what the platform shows. */
export class ModuleRecords {
  readonly #ports: Ports
  readonly #turns = new KeyedSerial()
  readonly #keys: ConfigurationKeys
  /** By module id, the desired properties of a new one as JSON; modules have few different ids. */
  readonly #defaults = new Map<string, string>()

  constructor(ports: Ports, keys: ConfigurationKeys = {}) {
    this.#ports = ports
    this.#keys = keys
  }

  /**
   * Runs what looks at a device and then writes its record: one step after the other, so that no
   * older look is noted after a newer one. Not within itself.
   */
  inTurn<T>(deviceId: string, step: () => Promise<T>): Promise<T> {
    return this.#turns.run(deviceId, step)
  }

  /** Notes a look at a device. Call it `inTurn`. */
  async note(look: Look): Promise<ModuleRecord> {
    const { platform, modules, clock } = this.#ports
    const { deviceId, module } = look
    let before = await modules.find(deviceId)
    // Where a module is missing it matters whose it was; else the first look is enough.
    const isAsked = before === undefined || (module === undefined && before.kept !== undefined)
    const generation = isAsked ? ((await platform.deviceGeneration(deviceId)) ?? '') : ''
    const isOther = before !== undefined && isAsked && isAnother(before.generation, generation)
    const older = isOther && before ? bury(before, 'device', clock.now()) : undefined
    if (isOther) {
      await this.#ports.departed?.(deviceId)
      before = undefined
    }
    const sight = {
      ...look,
      generation,
      isDefault: module !== undefined && this.#isDefault(module),
    }
    const { record, tombstone = older } = noteSight(before, sight, clock.now())
    if (record !== before) {
      await modules.commit({ records: [record], ...(tombstone && { tombstones: [tombstone] }) })
    }
    return record
  }

  /** The desired properties that a kept module had. */
  desiredOf({ moduleId, desired }: KeptModule): JsonObject {
    return desired ?? (JSON.parse(this.#defaultOf(moduleId)) as JsonObject)
  }

  #isDefault({ ref, desired }: PlatformModule): boolean {
    return JSON.stringify(desired) === this.#defaultOf(ref.moduleId)
  }

  #defaultOf(moduleId: string): string {
    const known = this.#defaults.get(moduleId)
    if (known !== undefined) return known
    const text = JSON.stringify(securityModuleSeed(moduleId, { keys: this.#keys }).desired)
    this.#defaults.set(moduleId, text)
    return text
  }

  /** The device is gone; what its module held is kept as a tombstone. Call it `inTurn`. */
  async gone(deviceId: string): Promise<void> {
    const { modules, clock, departed } = this.#ports
    // First: where this fails the record stays, and the next pass over all devices comes by again.
    await departed?.(deviceId)
    const record = await modules.find(deviceId)
    if (record === undefined) return
    // A module that was deleted before its device is not to come back with the next one either.
    const earlier = await modules.findTombstone(deviceId)
    const tombstone =
      bury(record, 'device', clock.now()) ?? (earlier && { ...earlier, cause: 'device' as const })
    await modules.commit({ removed: [deviceId], ...(tombstone && { tombstones: [tombstone] }) })
  }

  /** Whether what a tombstone holds was of the device that has the id now. */
  async isOfDevice({ deviceId, cause, generation }: Tombstone): Promise<boolean> {
    if (cause === 'device') return false
    const now = (await this.#ports.platform.deviceGeneration(deviceId)) ?? ''
    return !isAnother(generation, now)
  }

  /** A device was created: a record that is of one before it becomes its tombstone. */
  async created(deviceId: string): Promise<void> {
    const { platform, modules } = this.#ports
    const record = await modules.find(deviceId)
    if (record === undefined) return
    const generation = await platform.deviceGeneration(deviceId)
    if (isAnother(record.generation, generation ?? '')) await this.gone(deviceId)
  }

  /** The marks of modules that are not as their records say. */
  async changed(marks: readonly ModuleMark[]): Promise<readonly ModuleMark[]> {
    const records = new Map<string, ModuleRecord>()
    const ids = [...new Set(marks.map(({ ref }) => ref.deviceId))]
    for (let at = 0; at < ids.length; at += MAX_RECORDS_AT_ONCE) {
      const found = await this.#ports.modules.findMany(ids.slice(at, at + MAX_RECORDS_AT_ONCE))
      for (const [deviceId, record] of found) records.set(deviceId, record)
    }
    return marks.filter((mark) => isChanged(mark, records.get(mark.ref.deviceId)))
  }

  /** What an agent reported was looked at, though it changed nothing that a record holds. */
  async acknowledge({ ref, reportedVersion }: ModuleMark): Promise<void> {
    const { modules } = this.#ports
    await this.inTurn(ref.deviceId, async () => {
      const record = await modules.find(ref.deviceId)
      if (record?.kept?.moduleId !== ref.moduleId) return
      if (record.reportedVersion === reportedVersion) return
      await modules.commit({ records: [{ ...record, reportedVersion }] })
    })
  }
}

/** Only where both are known, one can tell. */
function isAnother(before: string, now: string): boolean {
  return before !== '' && now !== '' && before !== now
}

function isChanged(mark: ModuleMark, record: ModuleRecord | undefined): boolean {
  const kept = record?.kept
  if (record === undefined || kept === undefined) return true
  // Which of several speaks for the device depends on who is connected, which no mark tells.
  if (kept.moduleId !== mark.ref.moduleId) return true
  return (
    record.desiredVersion !== mark.desiredVersion ||
    record.reportedVersion !== mark.reportedVersion ||
    JSON.stringify(kept.tags) !== JSON.stringify(operatorTags(mark.tags))
  )
}
