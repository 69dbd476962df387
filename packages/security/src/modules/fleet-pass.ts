import type { TwinPlatform } from '../platform.ts'
import type { ModuleStore } from './module-store.ts'
import { isRepaired, type ModulePolicy } from './policy.ts'
import type { ModuleRecords } from './records.ts'

/** Device ids read at once. */
export const PAGE_SIZE = 200

/** What one pass over all devices found. */
export interface PassCounts {
  readonly devices: number
  /** Modules whose twin was not as its record said. */
  readonly changed: number
  readonly created: number
  readonly restored: number
  readonly failed: number
}

/** Looks at what is known about a device, and keeps it in its twin. */
export interface PostureQueue {
  touch(deviceId: string): void
  /** Resolves when what was touched has been looked at. */
  settled(): Promise<void>
}

interface Ports {
  readonly platform: TwinPlatform
  readonly modules: ModuleStore
  readonly records: ModuleRecords
  readonly postures: PostureQueue
}

interface Options {
  /** Ids of security modules. */
  readonly moduleIds: readonly string[]
  readonly policy: ModulePolicy
  /** Looks at one device by itself; never throws. */
  readonly look: (deviceId: string) => Promise<string>
  /** Between pages, so that a pass over a large fleet does not get in the way. */
  readonly pause: () => Promise<void>
  readonly signal?: AbortSignal
}

/**
 * One look at a whole fleet, in pages: marks of all security modules first, then the devices that have
 * none, then records of devices that are gone. Only what is not as its record says is read by itself.
 */
export class FleetPass {
  readonly #ports: Ports
  readonly #options: Options
  /** Ids of devices: of a hundred thousand some megabytes, for as long as the pass takes. */
  readonly #seen = new Set<string>()
  readonly #counts = { devices: 0, changed: 0, created: 0, restored: 0, failed: 0 }

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  /** @throws what the platform or the store refuse, or the signal's reason */
  async run(): Promise<PassCounts> {
    await this.#passModules()
    await this.#passDevices()
    await this.#passRecords()
    return this.#counts
  }

  /** Whoever has a security module is seen here; what a notice has missed is made good. */
  async #passModules(): Promise<void> {
    const { platform, records, postures } = this.#ports
    const { moduleIds, signal } = this.#options
    for (let after: string | undefined; ; ) {
      const { marks, next } = await platform.listModuleMarks(moduleIds, after)
      signal?.throwIfAborted()
      for (const { ref } of marks) this.#seen.add(ref.deviceId)
      const changed = await records.changed(marks)
      for (const { ref } of changed) postures.touch(ref.deviceId)
      if (changed.length > 0) await orAborted(postures.settled(), signal)
      for (const mark of changed) await records.acknowledge(mark)
      this.#counts.changed += changed.length
      if (next === undefined) return
      after = next
      await this.#options.pause()
    }
  }

  async #passDevices(): Promise<void> {
    const { platform } = this.#ports
    for (let after: string | undefined; ; ) {
      const page = await platform.listDevices(PAGE_SIZE, after)
      this.#counts.devices += page.length
      await this.#lookAt(page, true)
      after = page.at(-1)
      if (page.length < PAGE_SIZE) return
      await this.#options.pause()
    }
  }

  /** Records of devices that are gone. */
  async #passRecords(): Promise<void> {
    for (let after: string | undefined; ; ) {
      const page = await this.#ports.modules.deviceIds(PAGE_SIZE, after)
      await this.#lookAt(page, false)
      after = page.at(-1)
      if (page.length < PAGE_SIZE) return
      await this.#options.pause()
    }
  }

  /**
   * Looks at the devices of a page that nobody has seen yet.
   *
   * @param isListed  whether the platform has just listed them; else they may be gone
   */
  async #lookAt(page: readonly string[], isListed: boolean): Promise<void> {
    const { policy, look, signal } = this.#options
    const unseen = page.filter((deviceId) => !this.#seen.has(deviceId))
    if (unseen.length === 0) return
    const records = await this.#ports.modules.findMany(unseen)
    for (const deviceId of unseen) {
      signal?.throwIfAborted()
      const record = records.get(deviceId)
      this.#seen.add(deviceId)
      // Known to have none, and to be left so: nothing to do, however many there are.
      const isSettled = record && record.kept === undefined && !isRepaired(policy, record)
      if (isSettled && isListed) continue
      const outcome = await look(deviceId)
      const isCounted = outcome === 'created' || outcome === 'restored' || outcome === 'failed'
      if (isCounted) this.#counts[outcome]++
    }
  }
}

/** What may take its time must not keep anybody from closing. */
async function orAborted(done: Promise<void>, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
  })
  await Promise.race([done, aborted]).finally(() => signal?.removeEventListener('abort', abort))
}
