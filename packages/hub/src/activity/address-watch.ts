import { type DeviceRef, refKey } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { AuditLog } from './audit-log.ts'

/** An identity that comes back so soon to an address that it had left is told of. */
export const RETURN_WINDOW_MS = 5 * 60_000
/** Identities whose addresses are remembered; the one that connected longest ago goes first. */
export const MAX_WATCHED_IDENTITIES = 50_000

interface Seen {
  readonly address: string
  readonly before?: { readonly address: string; readonly leftMs: number }
}

/**
 * Notices two peers with the credential of one identity: each takes the connection from the other, so
 * it moves from one address to another and back within minutes. A device that roams moves on.
 */
export class AddressWatch {
  readonly #clock: Pick<Clock, 'now'>
  readonly #audit: Pick<AuditLog, 'note'>
  readonly #seen = new Map<string, Seen>()

  constructor(ports: {
    readonly bus: EventBus
    readonly clock: Pick<Clock, 'now'>
    readonly audit: Pick<AuditLog, 'note'>
  }) {
    this.#clock = ports.clock
    this.#audit = ports.audit
    ports.bus.subscribe((notice) => {
      if (notice.kind !== 'session-opened' || notice.address === undefined) return
      this.#opened(notice.ref, notice.address)
    })
  }

  #opened(ref: DeviceRef, address: string): void {
    const key = refKey(ref)
    const seen = this.#seen.get(key)
    this.#seen.delete(key)
    const nowMs = this.#clock.now()
    if (!seen || seen.address === address) this.#remember(key, seen ?? { address })
    else {
      const { before } = seen
      if (before?.address === address && nowMs - before.leftMs <= RETURN_WINDOW_MS) {
        this.#audit.note({
          ...{ kind: 'connection.addresses', outcome: 'success', ref, address },
          ...{ subject: seen.address, detail: `${seen.address} and ${address} in turn` },
        })
      }
      this.#remember(key, { address, before: { address: seen.address, leftMs: nowMs } })
    }
  }

  #remember(key: string, seen: Seen): void {
    this.#seen.set(key, seen)
    if (this.#seen.size <= MAX_WATCHED_IDENTITIES) return
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined) this.#seen.delete(oldest)
  }
}
