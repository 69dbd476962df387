import { type DeviceRef, refKey } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { connectionBody } from './event-bodies.ts'
import type { HubEvents } from './hub-events.ts'
import type { Router } from './router.ts'

/** Digits of each half of a sequence number, in base 16. */
const HALF_DIGITS = 32

export interface ConnectionEventPorts {
  readonly sessions: Pick<Sessions, 'isConnected'>
  readonly registry: Pick<Registry, 'find'>
  readonly bus: EventBus
  readonly log: Log
}

/**
 * Tells that a device or module is connected, with the first message that it sends or receives on its
 * session, and when that session ends (10 §5). Only MQTT and AMQP have sessions. Which sessions were
 * told of is known in memory only: after a crash their end goes untold, and their return is told again.
 */
export class ConnectionEvents {
  readonly #ports: ConnectionEventPorts
  readonly #events: HubEvents
  readonly #router: Router
  /** Whose connection was told, with what is still under way. */
  readonly #told = new Map<string, Promise<void>>()
  readonly #ending = new Set<Promise<void>>()
  #epoch = 0
  #count = 0

  constructor(ports: ConnectionEventPorts, events: HubEvents, router: Router) {
    this.#ports = ports
    this.#events = events
    this.#router = router
    // A session's end is no operation that somebody waits for, so here a notice is enough.
    ports.bus.subscribe((notice) => {
      if (notice.kind === 'session-closed') this.#closed(notice.ref)
    })
  }

  /** @param epoch  greater than at any start before: sequence numbers grow with it */
  start(epoch: number): void {
    this.#epoch = epoch
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#ending)
  }

  /**
   * A device or module has sent or received something, which is not acknowledged yet.
   *
   * @returns what to wait for before it is; `undefined` when there is nothing to tell
   */
  operated(ref: DeviceRef): Promise<void> | undefined {
    if (!this.#router.wants('deviceConnectionStateEvents')) return undefined
    const key = refKey(ref)
    const told = this.#told.get(key)
    if (told || !this.#ports.sessions.isConnected(ref)) return told
    const telling = this.#tell(ref, 'deviceConnected')
    this.#told.set(key, telling)
    telling.catch(() => {
      // The next operation tries again.
      if (this.#told.get(key) === telling) this.#told.delete(key)
    })
    return telling
  }

  #closed(ref: DeviceRef): void {
    const key = refKey(ref)
    const told = this.#told.get(key)
    if (!told) return
    this.#told.delete(key)
    const ending: Promise<void> = told
      .then(() => this.#tell(ref, 'deviceDisconnected'))
      .catch((error) => {
        this.#ports.log.error({ err: error, ref: key }, 'the end of a connection was not told')
      })
      .finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }

  async #tell(ref: DeviceRef, opType: string): Promise<void> {
    const source = 'deviceConnectionStateEvents'
    const body = connectionBody(this.#nextSequence())
    const needsTwin = this.#router.needsTwin(source)
    const entry = needsTwin ? await this.#ports.registry.find(ref) : undefined
    await this.#events.tell([{ ref, source, opType, body, ...(entry && { entry }) }])
  }

  #nextSequence(): string {
    this.#count++
    const halves = [this.#epoch, this.#count]
    return halves
      .map((half) => half.toString(16).padStart(HALF_DIGITS, '0'))
      .join('')
      .toUpperCase()
  }
}
