import { type ConfigurationKeys, HubError, type JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PlatformModule, TwinPatchRequest, TwinPlatform } from '../platform.ts'
import { pickLogicalModule } from './logical.ts'
import type { ModuleStore } from './module-store.ts'
import type { ModuleRecord } from './record.ts'
import type { ModuleRecords } from './records.ts'
import { OPERATOR_STATE_TAG } from './state.ts'
import {
  NO_OPERATOR_TAGS,
  OPERATOR_REASON_TAG,
  OPERATOR_UNTIL_TAG,
  type Suspension,
  saveSwitches,
  suspendedTags,
  suspendedUntilMs,
  switchBack,
  switchOff,
} from './suspension.ts'

/** How often a patch is planned anew because its twin changed in between. */
const MAX_WRITE_ATTEMPTS = 5
/** A suspension may last so long; for more there is one without an end. */
export const MAX_SUSPENSION_MS = 366 * 24 * 3_600_000

interface Ports {
  readonly platform: TwinPlatform
  readonly modules: ModuleStore
  readonly records: ModuleRecords
  readonly clock: Clock
  readonly log: Log
}

/** How the modules of this server are named and configured. */
interface Naming {
  readonly securityModuleId: string
  readonly keys: ConfigurationKeys
}

/** What an operator asks for. */
export type SuspensionWish = { readonly reason: string } & (
  | {
      /** ms since the epoch; 0 = until somebody resumes. */
      readonly untilMs: number
    }
  | { readonly forMs: number }
)

/**
 * Suspends, resumes and retires security modules. A suspension switches the collectors off in the
 * module's desired properties and says so in its tags, in one patch; what the switches were before is
 * in the record. A module has no status of its own that could be disabled, and to refuse what an agent
 * still sends would lose it.
 */
export class Suspensions {
  readonly #ports: Ports
  readonly #naming: Naming

  constructor(ports: Ports, naming: Naming) {
    this.#ports = ports
    this.#naming = naming
  }

  /**
   * Suspends, or changes end and reason of a suspension.
   *
   * @throws {HubError} `DeviceNotFound`; `ModuleNotFound`; `ArgumentInvalid` for an end that is past or
   *   too far; `GenericConflict` for a retired device
   */
  async suspend(deviceId: string, wish: SuspensionWish, by: string): Promise<void> {
    const { records, modules, clock, log } = this.#ports
    const nowMs = clock.now()
    const { reason } = wish
    const untilMs = 'forMs' in wish ? nowMs + wish.forMs : wish.untilMs
    checkEnd(untilMs, nowMs)
    await records.inTurn(deviceId, async () => {
      const { record, module } = await this.#find(deviceId)
      refuseRetired(module)
      const begun = record.suspension?.moduleId === module.ref.moduleId && record.suspension
      const suspension: Suspension = {
        ...{ untilMs, reason },
        ...{ by, sinceMs: nowMs, saved: saveSwitches(module, this.#naming.keys) },
        ...(begun && { sinceMs: begun.sinceMs, saved: begun.saved }),
        moduleId: module.ref.moduleId,
      }
      // First: once the twin is changed, nothing else knows what the switches were.
      await modules.commit({ records: [{ ...record, suspension }] })
      await this.#patch(module, (now) => ({
        tags: suspendedTags(suspension),
        desired: switchOff(now, this.#naming.keys),
      }))
      log.info({ deviceId, by, untilMs, reason }, 'security module suspended')
    })
  }

  /**
   * Ends a suspension or a retirement; nothing when there is none.
   *
   * @throws {HubError} `DeviceNotFound`; `ModuleNotFound`
   */
  async resume(deviceId: string, by: string): Promise<void> {
    await this.#ports.records.inTurn(deviceId, async () => {
      const { record, module } = await this.#find(deviceId)
      await this.#end(record, module, { by, reason: 'resumed' })
      this.#ports.log.info({ deviceId, by }, 'security module resumed')
    })
  }

  /** Takes a device out of service. @throws {HubError} `DeviceNotFound`; `ModuleNotFound` */
  async retire(deviceId: string, reason: string, by: string): Promise<void> {
    const { records, modules, log } = this.#ports
    await records.inTurn(deviceId, async () => {
      const { record, module } = await this.#find(deviceId)
      const tags = {
        [OPERATOR_STATE_TAG]: 'retired',
        [OPERATOR_UNTIL_TAG]: null,
        [OPERATOR_REASON_TAG]: reason === '' ? null : reason,
      }
      await this.#patch(module, () => ({ tags }))
      await modules.commit({ records: [{ ...record, asked: { by, reason } }] })
      log.info({ deviceId, by, reason }, 'security module retired')
    })
  }

  /**
   * Ends a suspension whose time is over, and brings back what one switched off whose tag somebody
   * removed by hand. Call it in the device's turn.
   *
   * @returns whether anything was changed
   */
  async follow(record: ModuleRecord, module: PlatformModule): Promise<boolean> {
    const untilMs = suspendedUntilMs(module)
    if (untilMs > 0 && this.#ports.clock.now() >= untilMs) {
      await this.#end(record, module, { by: '', reason: 'its time was over' })
      this.#ports.log.info({ deviceId: record.deviceId }, 'a suspension is over')
      return true
    }
    const tag = module.tags[OPERATOR_STATE_TAG]
    // During a migration another module may speak for the device for a while.
    if (record.suspension?.moduleId !== module.ref.moduleId) return false
    if (tag === 'suspended' || tag === 'retired') return false
    await this.#end(record, module, { by: '', reason: 'the tag was removed' })
    return true
  }

  async #end(
    record: ModuleRecord,
    module: PlatformModule,
    asked: NonNullable<ModuleRecord['asked']>,
  ): Promise<void> {
    const { suspension, ...rest } = record
    const saved = suspension?.moduleId === module.ref.moduleId ? suspension.saved : undefined
    const tags = presentOnly(NO_OPERATOR_TAGS, module.tags)
    await this.#patch(module, (now) => ({
      tags,
      desired: saved && switchBack(now, saved, this.#naming.keys),
    }))
    await this.#ports.modules.commit({ records: [{ ...rest, asked }] })
  }

  async #find(deviceId: string): Promise<{ record: ModuleRecord; module: PlatformModule }> {
    const { platform, modules, records } = this.#ports
    const all = await platform.listModules(deviceId)
    if (all === undefined) throw new HubError('DeviceNotFound', deviceId)
    const module = pickLogicalModule(all, this.#naming.securityModuleId)
    if (!module) throw new HubError('ModuleNotFound', `Device ${deviceId} has no security module.`)
    const known = await modules.find(deviceId)
    if (known) return { record: known, module }
    const moduleIds = all.map(({ ref }) => ref.moduleId)
    const look = { deviceId, moduleIds, module, state: 'provisioned', dueMs: 0 } as const
    return { record: await records.note(look), module }
  }

  /** Postures are written into the tags of the same twin, so losing the race is ordinary. */
  async #patch(
    module: PlatformModule,
    plan: (module: PlatformModule) => { tags: JsonObject; desired?: JsonObject | undefined },
  ): Promise<void> {
    const { platform } = this.#ports
    let now = module
    for (let attempt = 1; ; attempt++) {
      const { tags, desired } = plan(now)
      const patch: TwinPatchRequest = {
        ...(Object.keys(tags).length > 0 && { tags }),
        ...(desired && { desired }),
      }
      if (Object.keys(patch).length === 0) return
      try {
        await platform.patchTwin(now.ref, patch, now.etag)
        return
      } catch (error) {
        const isLost = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLost || attempt === MAX_WRITE_ATTEMPTS) throw error
        now = (await platform.findModule(now.ref)) ?? now
      }
    }
  }
}

/** @throws {HubError} `GenericConflict` for a module whose record is read-only */
export function refuseRetired({ ref, tags }: PlatformModule): void {
  if (tags[OPERATOR_STATE_TAG] !== 'retired') return
  throw new HubError(
    'GenericConflict',
    `Device ${ref.deviceId} is retired, its record is read-only; resume it first.`,
  )
}

function checkEnd(untilMs: number, nowMs: number): void {
  if (untilMs === 0) return
  if (untilMs <= nowMs) throw new HubError('ArgumentInvalid', 'The end must lie in the future.')
  if (untilMs - nowMs > MAX_SUSPENSION_MS) {
    throw new HubError('ArgumentInvalid', 'The end may lie 366 days ahead at most.')
  }
}

/** To remove what is not there would be a write for nothing. */
function presentOnly(patch: JsonObject, tags: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => Object.hasOwn(tags, name)))
}
