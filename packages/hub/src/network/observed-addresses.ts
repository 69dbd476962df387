import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { IpFilterStore } from './ip-filter-store.ts'

/** Addresses that are remembered; the one that was seen longest ago goes first. */
export const MAX_ADDRESSES = 10_000
/** How long an address is remembered after it was seen last. */
export const REMEMBERED_MS = 14 * 24 * 3_600_000
/** How often what is new is stored. A crash loses so much of it. */
const SAVE_INTERVAL_MS = 60_000
/** An address that is seen all the time is written down so often. */
const RESOLUTION_MS = 3_600_000

interface Ports {
  readonly store: IpFilterStore
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
}

/** From which addresses devices and modules connect: what an IP filter can be made of. */
export class ObservedAddresses {
  readonly #ports: Ports
  /** In the order in which they were seen last. */
  readonly #seen = new Map<string, number>()
  readonly #unsaved = new Map<string, number>()

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /** Reads what is stored, and watches until the returned function is called. */
  async start(): Promise<() => Promise<void>> {
    const { store, bus, clock } = this.#ports
    const stored = [...(await store.addresses())].sort(([, a], [, b]) => a - b)
    for (const [address, timeMs] of stored.slice(-MAX_ADDRESSES)) this.#seen.set(address, timeMs)
    const leave = bus.subscribe((notice) => {
      if (notice.kind === 'session-opened' && notice.address) this.#see(plain(notice.address))
    })
    const stop = clock.every(SAVE_INTERVAL_MS, () => void this.#save())
    return async () => {
      leave()
      stop()
      await this.#save()
    }
  }

  /** Those of the last fourteen days, without this machine's own. */
  list(): readonly string[] {
    const sinceMs = this.#ports.clock.now() - REMEMBERED_MS
    return [...this.#seen].filter(([, timeMs]) => timeMs >= sinceMs).map(([address]) => address)
  }

  #see(address: string): void {
    if (isOwn(address)) return
    const nowMs = this.#ports.clock.now()
    const beforeMs = this.#seen.get(address)
    this.#seen.delete(address)
    this.#seen.set(address, nowMs)
    if (beforeMs === undefined || nowMs - beforeMs >= RESOLUTION_MS) {
      this.#unsaved.set(address, nowMs)
    }
    if (this.#seen.size <= MAX_ADDRESSES) return
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined) this.#seen.delete(oldest)
  }

  async #save(): Promise<void> {
    if (this.#unsaved.size === 0) return
    const { store, clock, log } = this.#ports
    const seen = new Map(this.#unsaved)
    this.#unsaved.clear()
    try {
      await store.saveAddresses(seen, clock.now() - REMEMBERED_MS)
    } catch (error) {
      log.warn({ err: error }, 'addresses that were seen are not stored')
    }
  }
}

/** `::ffff:192.0.2.7`, as a socket for both families writes it, is `192.0.2.7`. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

function isOwn(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
