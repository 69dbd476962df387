import { isSecurityModuleId, type JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { OPERATOR_STATE_TAG } from '../modules/state.ts'
import type { PlatformNotice, TwinPlatform } from '../platform.ts'
import type { ConfigurationStore, Rollout } from './configuration-store.ts'
import type { Inheritance } from './inheritance.ts'
import type { SharedSettings } from './shared-settings.ts'

/** Device ids read at once; the rollout remembers its place after each page. */
export const PAGE_DEVICES = 200
/** Devices looked at side by side, so that their writes share commits. */
const CONCURRENT_DEVICES = 8
/** Pause between pages, so that a pass over a large fleet does not get in the way. */
export const PAGE_PAUSE_MS = 100
/** Every device is looked at again after so long, for what no notice told. */
export const PASS_INTERVAL_MS = 3_600_000
/** Pause after a pass, or a look at a device, that failed; doubled each time a device fails again. */
export const RETRY_PAUSE_MS = 30_000
/** Devices with a notice that wait to be looked at; beyond, a whole pass follows instead. */
const MAX_WAITING_DEVICES = 10_000
/** How long changes of configurations are remembered. */
export const HISTORY_RETENTION_MS = 365 * 24 * 3_600_000
const EXPIRY_INTERVAL_MS = 3_600_000

/** Tags that name a security group or take a module out of service; others mean nothing here. */
const HEARD_TAGS = ['SecurityGroup', 'securityGroup', OPERATOR_STATE_TAG]

interface Ports {
  readonly platform: TwinPlatform
  readonly configurations: ConfigurationStore
  readonly clock: Clock
  readonly log: Log
}

interface Waiting {
  readonly dueMs: number
  /** How often it could not be looked at, one time after the other. */
  readonly failures: number
}

interface PassCounts {
  devices: number
  written: number
  failed: number
}

/**
 * Carries layers to devices, in the background: to all after a change of a layer, from where it was
 * when the program ended; to one when a notice says that it is new, has changed its group or was
 * written to; and to all every `PASS_INTERVAL_MS`, as notices may be lost.
 */
export class InheritanceKeeper {
  readonly #ports: Ports
  readonly #securityModuleId: string
  readonly #shared: SharedSettings
  readonly #inheritance: Inheritance
  readonly #waiting = new Map<string, Waiting>()
  #closing: AbortController | undefined
  #ended: Promise<void> = Promise.resolve()
  #nextPassMs = 0
  #wake: () => void = () => {}

  constructor(
    ports: Ports,
    securityModuleId: string,
    shared: SharedSettings,
    inheritance: Inheritance,
  ) {
    this.#ports = ports
    this.#securityModuleId = securityModuleId
    this.#shared = shared
    this.#inheritance = inheritance
  }

  /** Starts to work in the background. Starting twice changes nothing. */
  start(): void {
    if (this.#closing) return
    const { platform, clock } = this.#ports
    const closing = new AbortController()
    this.#closing = closing
    this.#nextPassMs = clock.now()
    const leave = platform.subscribe((notice) => this.#hear(notice))
    const stopExpiry = clock.every(EXPIRY_INTERVAL_MS, () => void this.#expire())
    this.#ended = this.#run(closing.signal).finally(() => {
      leave()
      stopExpiry()
    })
  }

  /** A layer changed: its rollout begins now. */
  rollOut(): void {
    this.#nextPassMs = this.#ports.clock.now()
    this.#wake()
  }

  /** Resolves when nothing runs any more; a rollout goes on after the next start. */
  async close(): Promise<void> {
    this.#closing?.abort()
    this.#wake()
    await this.#ended
    this.#closing = undefined
  }

  #hear(notice: PlatformNotice): void {
    if (notice.kind === 'device-created') this.#inherit(notice.deviceId)
    else if (notice.kind === 'module-created' || notice.kind === 'desired-changed') {
      const { deviceId, moduleId } = notice.ref
      if (!isSecurityModuleId(moduleId, this.#securityModuleId)) return
      if (notice.kind === 'module-created') this.#inherit(deviceId)
      else this.#look(deviceId)
    } else if (notice.kind === 'tags-changed') {
      if (mayMatter(notice.patch)) this.#inherit(notice.deviceId)
    } else if (notice.kind === 'device-removed') {
      this.#waiting.delete(notice.deviceId)
      void this.#forget(notice.deviceId)
    }
  }

  /** Without layers there is nothing to inherit: a fleet that is created in one go costs nothing. */
  #inherit(deviceId: string): void {
    if (!this.#shared.areNone) this.#look(deviceId)
  }

  #look(deviceId: string, failures = 0): void {
    const pauseMs = Math.min(RETRY_PAUSE_MS * 2 ** (failures - 1), PASS_INTERVAL_MS)
    const dueMs = this.#ports.clock.now() + (failures > 0 ? pauseMs : 0)
    if (this.#waiting.has(deviceId) || this.#waiting.size < MAX_WAITING_DEVICES) {
      this.#waiting.set(deviceId, { dueMs, failures })
    } else {
      // Without layers no pass follows, and what somebody wrote is seen with their next write.
      this.#ports.log.warn({ deviceId }, 'too many devices wait; all are looked at instead')
      this.#nextPassMs = Math.min(this.#nextPassMs, dueMs)
    }
    this.#wake()
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#ports
    while (!signal.aborted) {
      if (clock.now() >= this.#nextPassMs) await this.#tryPass(signal)
      await this.#lookAtDue(signal)
      await this.#rest(signal)
    }
  }

  async #tryPass(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#ports
    this.#nextPassMs = clock.now() + PASS_INTERVAL_MS
    try {
      await this.#pass(signal)
    } catch (error) {
      if (signal.aborted) return
      log.error({ err: error }, 'configurations could not be carried to devices')
      this.#nextPassMs = clock.now() + RETRY_PAUSE_MS
    }
  }

  /** Goes on with a rollout where it was; otherwise begins with the first device. */
  async #pass(signal: AbortSignal): Promise<void> {
    const { platform, configurations, clock, log } = this.#ports
    let rollout = await configurations.rollout()
    if (rollout.isDone && !(await this.#shared.areThereAny())) return
    let counts: PassCounts = { devices: 0, written: 0, failed: 0 }
    for (let after = rollout.isDone ? '' : rollout.after; ; ) {
      const page = await platform.listDevices(PAGE_DEVICES, after === '' ? undefined : after)
      await this.#lookAtAll(page, counts, signal)
      after = page.at(-1) ?? after
      const isLast = page.length < PAGE_DEVICES
      const latest = await this.#advance(rollout, after, isLast && counts.failed === 0)
      const isSame = latest.generation === rollout.generation
      rollout = latest
      if (isLast && isSame) break
      await clock.sleep(PAGE_PAUSE_MS, signal)
      if (!isSame) {
        // A layer has changed meanwhile, which begins with the first device again.
        after = rollout.after
        counts = { devices: 0, written: counts.written, failed: 0 }
      }
      await this.#lookAtDue(signal)
    }
    // What failed is tried one by one, and all of it again with the next pass.
    if (!rollout.isDone) await configurations.advanceRollout({ ...rollout, after: '' })
    if (counts.written > 0) log.info(counts, 'configurations were carried to devices')
  }

  /** @returns the rollout as it stands: another one when a layer has changed meanwhile */
  async #advance(before: Rollout, after: string, isDone: boolean): Promise<Rollout> {
    const { configurations } = this.#ports
    if (!before.isDone) await configurations.advanceRollout({ ...before, after, isDone })
    return configurations.rollout()
  }

  async #lookAtAll(
    devices: readonly string[],
    counts: PassCounts,
    signal: AbortSignal,
  ): Promise<void> {
    const left = devices[Symbol.iterator]()
    const worker = async () => {
      for (const deviceId of left) {
        if (signal.aborted) return
        const written = await this.#tryDevice(deviceId)
        counts.devices++
        if (written === undefined) counts.failed++
        else counts.written += written
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT_DEVICES }, worker))
    // Not before: nobody may be at work any more when this ends.
    signal.throwIfAborted()
  }

  /** One device that cannot be written is not in the others' way. @returns `undefined` when failed */
  async #tryDevice(deviceId: string, failures = 0): Promise<number | undefined> {
    try {
      return await this.#inheritance.inherit(deviceId)
    } catch (error) {
      const message = 'a device could not be given its configuration'
      this.#ports.log.warn({ err: error, deviceId }, message)
      this.#look(deviceId, failures + 1)
      return undefined
    }
  }

  async #lookAtDue(signal: AbortSignal): Promise<void> {
    const nowMs = this.#ports.clock.now()
    const due = [...this.#waiting].filter(([, { dueMs }]) => dueMs <= nowMs)
    const left = due[Symbol.iterator]()
    const worker = async () => {
      for (const [deviceId, { failures }] of left) {
        if (signal.aborted) return
        this.#waiting.delete(deviceId)
        await this.#tryDevice(deviceId, failures)
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT_DEVICES }, worker))
  }

  async #forget(deviceId: string): Promise<void> {
    try {
      await this.#inheritance.forget(deviceId)
    } catch (error) {
      this.#ports.log.error({ err: error, deviceId }, 'a removed device is still remembered')
    }
  }

  async #expire(): Promise<void> {
    const { configurations, clock, log } = this.#ports
    try {
      await configurations.expireHistory(clock.now() - HISTORY_RETENTION_MS)
    } catch (error) {
      log.error({ err: error }, 'old changes of configurations could not be removed')
    }
  }

  /** Until the next thing is due, a notice comes, or the end. */
  async #rest(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { clock } = this.#ports
    const times = [...this.#waiting.values()].map(({ dueMs }) => dueMs)
    const dueMs = times.reduce((least, timeMs) => Math.min(least, timeMs), this.#nextPassMs)
    const awake = new AbortController()
    this.#wake = () => awake.abort()
    try {
      if (dueMs > clock.now()) await clock.sleep(dueMs - clock.now(), awake.signal)
    } catch (error) {
      if (!awake.signal.aborted) throw error
    } finally {
      this.#wake = () => {}
    }
  }
}

function mayMatter(patch: JsonObject | null): boolean {
  return patch === null || HEARD_TAGS.some((tag) => Object.hasOwn(patch, tag))
}
