import { DEFAULT_SECURITY_MODULE_ID, HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PlatformNotice, TwinPlatform } from '../platform.ts'
import { securityModules } from './logical.ts'
import { type SeedOptions, securityModuleSeed } from './seed.ts'

/** Device ids read at once. */
export const PAGE_SIZE = 200
/** Pause between pages, so that a pass over a large fleet does not get in the way. */
export const PAGE_PAUSE_MS = 100
/** Every device is looked at again after so long. */
export const PASS_INTERVAL_MS = 3_600_000
/** Pause after a pass, or a look at a device, that failed. */
export const RETRY_PAUSE_MS = 30_000
/** Who deletes a module to create it anew with own credentials has so long for it. */
export const REMOVAL_GRACE_MS = 5_000
/** Devices with a notice that wait to be looked at; beyond, a whole pass follows instead. */
export const MAX_WAITING_DEVICES = 10_000

export type ReconcileOutcome =
  /** It had a security module. */
  | 'present'
  /** It has one now. */
  | 'created'
  /** There is no such device. */
  | 'gone'

/** What one pass over all devices found. */
export interface PassCounts {
  readonly devices: number
  readonly created: number
  readonly failed: number
}

export interface ReconcilerOptions extends SeedOptions {
  /** The id of modules that are created. Default `azureiotsecurity`. */
  readonly securityModuleId?: string
}

export interface ReconcilerPorts {
  readonly platform: TwinPlatform
  readonly clock: Clock
  readonly log: Log
}

/**
 * Makes sure that every device has a security module: looks at all devices at the start, every
 * `PASS_INTERVAL_MS`, and at one when a notice says that it is new or has lost its module. A module
 * of any era counts; otherwise one of our own is created with its default configuration.
 */
export class Reconciler {
  readonly #ports: ReconcilerPorts
  readonly #options: ReconcilerOptions
  readonly #moduleId: string
  /** Device ids and when they are to be looked at, ms since the epoch. */
  readonly #waiting = new Map<string, number>()
  #closing: AbortController | undefined
  #ended: Promise<void> = Promise.resolve()
  #nextPassMs = 0
  #wake: () => void = () => {}

  constructor(ports: ReconcilerPorts, options: ReconcilerOptions = {}) {
    this.#ports = ports
    this.#options = options
    this.#moduleId = options.securityModuleId ?? DEFAULT_SECURITY_MODULE_ID
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

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#closing?.abort()
    this.#wake()
    await this.#ended
    this.#closing = undefined
  }

  /** Looks at one device now. @throws {HubError} when the platform cannot */
  async reconcileDevice(deviceId: string): Promise<ReconcileOutcome> {
    const { platform } = this.#ports
    const modules = await platform.listModules(deviceId)
    if (modules === undefined) return 'gone'
    if (securityModules(modules, this.#moduleId).length > 0) return 'present'
    const { moduleId, ...seed } = securityModuleSeed(this.#moduleId, this.#options)
    try {
      await platform.createModule({ deviceId, moduleId }, seed)
      return 'created'
    } catch (thrown) {
      // Somebody else was faster; either way nothing is left to do.
      if (hasCode(thrown, 'ModuleAlreadyExistsOnDevice')) return 'present'
      if (hasCode(thrown, 'DeviceNotFound')) return 'gone'
      throw thrown
    }
  }

  /**
   * Looks at all devices, page by page. One device that cannot be looked at is logged and counted,
   * not in the others' way; it waits for `RETRY_PAUSE_MS`.
   *
   * @throws when devices cannot be listed, or with the signal's reason
   */
  async reconcileAll(signal?: AbortSignal): Promise<PassCounts> {
    const { platform, clock, log } = this.#ports
    const counts = { devices: 0, created: 0, failed: 0 }
    for (let after: string | undefined; ; ) {
      const page = await platform.listDevices(PAGE_SIZE, after)
      for (const deviceId of page) {
        signal?.throwIfAborted()
        const outcome = await this.#tryDevice(deviceId)
        counts.devices++
        if (outcome === 'created') counts.created++
        if (outcome === 'failed') counts.failed++
      }
      after = page.at(-1)
      if (page.length < PAGE_SIZE) break
      await clock.sleep(PAGE_PAUSE_MS, signal)
      // A new device should not wait for the end of a pass over a large fleet.
      await this.#lookAtDue(signal)
    }
    log.info(counts, 'every device was looked at for its security module')
    return counts
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
      if (outcome === 'created') this.#ports.log.info({ deviceId }, 'a security module was created')
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

function hasCode(thrown: unknown, code: HubError['code']): boolean {
  return thrown instanceof HubError && thrown.code === code
}
