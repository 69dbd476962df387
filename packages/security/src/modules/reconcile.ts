import { DEFAULT_SECURITY_MODULE_ID, securityModuleIds } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { PlatformNotice } from '../platform.ts'
import { FleetPass, type PassCounts, type PostureQueue } from './fleet-pass.ts'
import { securityModules } from './logical.ts'
import { isRepaired, type ModulePolicy } from './policy.ts'
import { ModuleProvider, type Provided, type ProviderPorts } from './provider.ts'
import { TOMBSTONE_RETENTION_MS } from './record.ts'
import type { SeedOptions } from './seed.ts'

/** Pause between pages, so that a pass over a large fleet does not get in the way. */
export const PAGE_PAUSE_MS = 50
/** Every device is looked at again after so long. */
export const PASS_INTERVAL_MS = 3_600_000
/** Pause after a pass, or a look at a device, that failed. */
export const RETRY_PAUSE_MS = 30_000
/** Who deletes a module to create it anew with own credentials has so long for it. */
export const REMOVAL_GRACE_MS = 5_000
/** Devices with a notice that wait to be looked at; beyond, a whole pass follows instead. */
export const MAX_WAITING_DEVICES = 10_000

export type ReconcileOutcome =
  | Provided
  /** It has none, and by the policy it is not given one. */
  | 'unwanted'

/** A pass that went over all devices. */
export interface FinishedPass extends PassCounts {
  readonly startedMs: number
  readonly endedMs: number
}

export interface ReconcilerOptions extends SeedOptions {
  /** The id of modules that are created. Default `azureiotsecurity`. */
  readonly securityModuleId?: string
  /** Default `automatic`. */
  readonly policy?: ModulePolicy
}

export interface ReconcilerPorts extends ProviderPorts {
  readonly postures: PostureQueue
  readonly clock: Clock
}

/**
 * Makes sure that every device that the policy gives a security module has one: looks at all devices
 * at the start, every `PASS_INTERVAL_MS`, and at one when a notice says that it is new or has lost its
 * module. A module of any era counts; otherwise the deleted one is restored, or one of our own is
 * created with its default configuration.
 *
 * A pass reads marks of all modules in pages, and looks closer only at those that are not as their
 * records say, and at devices that have none.
 */
export class Reconciler {
  readonly #ports: ReconcilerPorts
  readonly #provider: ModuleProvider
  readonly #policy: ModulePolicy
  readonly #moduleId: string
  /** Device ids and when they are to be looked at, ms since the epoch. */
  readonly #waiting = new Map<string, number>()
  #closing: AbortController | undefined
  #ended: Promise<void> = Promise.resolve()
  #nextPassMs = 0
  #lastPass: FinishedPass | undefined
  #wake: () => void = () => {}

  constructor(ports: ReconcilerPorts, options: ReconcilerOptions = {}) {
    this.#ports = ports
    this.#moduleId = options.securityModuleId ?? DEFAULT_SECURITY_MODULE_ID
    this.#policy = options.policy ?? 'automatic'
    this.#provider = new ModuleProvider(ports, this.#moduleId, options)
  }

  /** Starts to work in the background. Starting twice changes nothing. */
  start(): void {
    if (this.#closing) return
    const closing = new AbortController()
    this.#closing = closing
    this.#nextPassMs = this.#ports.clock.now()
    const leave = this.#ports.platform.subscribe((notice) => this.#hear(notice))
    this.#ended = this.#run(closing.signal).finally(leave)
  }

  /** The last pass that came to its end since the start. */
  get lastPass(): FinishedPass | undefined {
    return this.#lastPass
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#closing?.abort()
    this.#wake()
    await this.#ended
    this.#closing = undefined
  }

  /** Looks at one device now. @throws {HubError} when the platform or the store cannot */
  reconcileDevice(deviceId: string): Promise<ReconcileOutcome> {
    return this.#ports.records.inTurn(deviceId, () => this.#reconcile(deviceId))
  }

  async #reconcile(deviceId: string): Promise<ReconcileOutcome> {
    const { platform, records } = this.#ports
    const modules = await platform.listModules(deviceId)
    if (modules === undefined) {
      await records.gone(deviceId)
      return 'gone'
    }
    if (securityModules(modules, this.#moduleId).length > 0) return 'present'
    const moduleIds = modules.map(({ ref }) => ref.moduleId)
    const record = await records.note({ deviceId, moduleIds, state: 'absent', dueMs: 0 })
    if (!isRepaired(this.#policy, record)) return 'unwanted'
    const provided = await this.#provider.provide(deviceId)
    if (provided === 'created' || provided === 'restored') this.#ports.postures.touch(deviceId)
    return provided
  }

  /**
   * Looks at all devices, page by page. One device that cannot be looked at is logged and counted,
   * not in the others' way; it waits for `RETRY_PAUSE_MS`.
   *
   * @throws when devices cannot be listed, or with the signal's reason
   */
  async reconcileAll(signal?: AbortSignal): Promise<PassCounts> {
    const { modules, clock, log } = this.#ports
    const startedMs = clock.now()
    const counts = await new FleetPass(this.#ports, {
      moduleIds: securityModuleIds(this.#moduleId),
      policy: this.#policy,
      look: (deviceId) => this.#tryDevice(deviceId),
      pause: () => this.#pause(signal),
      ...(signal && { signal }),
    }).run()
    await modules.expireTombstones(clock.now() - TOMBSTONE_RETENTION_MS)
    this.#lastPass = { ...counts, startedMs, endedMs: clock.now() }
    log.info(counts, 'every device was looked at for its security module')
    return counts
  }

  async #pause(signal?: AbortSignal): Promise<void> {
    await this.#ports.clock.sleep(PAGE_PAUSE_MS, signal)
    // A new device should not wait for the end of a pass over a large fleet.
    await this.#lookAtDue(signal)
  }

  async #tryDevice(deviceId: string): Promise<ReconcileOutcome | 'failed'> {
    try {
      return await this.reconcileDevice(deviceId)
    } catch (thrown) {
      this.#ports.log.warn({ err: thrown, deviceId }, 'a security module could not be created')
      this.#look(deviceId, RETRY_PAUSE_MS)
      return 'failed'
    }
  }

  #hear(notice: PlatformNotice): void {
    if (notice.kind === 'device-created') this.#look(notice.deviceId, 0)
    if (notice.kind === 'module-removed') this.#look(notice.ref.deviceId, REMOVAL_GRACE_MS)
    if (notice.kind === 'device-removed') this.#waiting.delete(notice.deviceId)
  }

  #look(deviceId: string, afterMs: number): void {
    const dueMs = this.#ports.clock.now() + afterMs
    if (this.#waiting.has(deviceId) || this.#waiting.size < MAX_WAITING_DEVICES) {
      this.#waiting.set(deviceId, dueMs)
    } else this.#nextPassMs = Math.min(this.#nextPassMs, dueMs)
    this.#wake()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports
    while (!signal.aborted) {
      if (clock.now() >= this.#nextPassMs) await this.#pass(signal)
      await this.#lookAtDue(signal)
      await this.#rest(signal)
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    this.#nextPassMs = clock.now() + PASS_INTERVAL_MS
    try {
      await this.reconcileAll(signal)
    } catch (thrown) {
      if (signal.aborted) return
      log.error({ err: thrown }, 'devices could not be looked at for their security modules')
      this.#nextPassMs = clock.now() + RETRY_PAUSE_MS
    }
  }

  async #lookAtDue(signal?: AbortSignal): Promise<void> {
    const nowMs = this.#ports.clock.now()
    for (const [deviceId, dueMs] of [...this.#waiting]) {
      if (signal?.aborted) return
      if (dueMs > nowMs) continue
      this.#waiting.delete(deviceId)
      const outcome = await this.#tryDevice(deviceId)
      if (outcome !== 'created' && outcome !== 'restored') continue
      this.#ports.log.info({ deviceId, outcome }, 'a missing security module was provided')
    }
  }

  /** Until the next thing is due, a notice comes, or the end. */
  async #rest(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { clock } = this.#ports
    const dueMs = Math.min(this.#nextPassMs, ...this.#waiting.values())
    const awake = new AbortController()
    this.#wake = () => awake.abort()
    try {
      if (dueMs > clock.now()) await clock.sleep(dueMs - clock.now(), awake.signal)
    } catch (thrown) {
      if (!awake.signal.aborted) throw thrown
    } finally {
      this.#wake = () => {}
    }
  }
}
