import type { Duplex } from 'node:stream'
import type { Hub } from '../../hub.ts'
import type { ClientCertificate } from '../../registry/client-certificate.ts'
import type { WeakTls } from '../../sessions/weak-tls.ts'
import { Wheel } from '../wheel.ts'
import { Connection } from './connection.ts'

export const DEFAULT_MAX_CONNECTIONS = 100_000

export interface AmqpGatewayOptions {
  /** More connections than this are closed at once. */
  readonly maxConnections?: number
}

/** Who is at the other end of a stream. */
export interface Peer {
  /** For the log. */
  readonly address: string
  readonly certificate: () => ClientCertificate | undefined
  /** Asked for once somebody has presented itself; absent = nothing is weak. */
  readonly weakTls?: () => WeakTls | undefined
  /** Where the stream came to. Default: AMQP's own port, 5671. */
  readonly localPort?: number | undefined
}

/** What the connections of a gateway share. */
export interface GatewayParts {
  readonly hub: Hub
  readonly wheel: Wheel
  /** The socket of `connection` is gone. */
  closed(connection: Connection): void
  /** Work that `AmqpGateway.close` waits for; it must not reject. */
  background(work: Promise<void>): void
}

/** The AMQP 1.0 side (04): devices, modules and services over TLS or WebSocket streams. */
export class AmqpGateway {
  readonly #parts: GatewayParts
  readonly #maxConnections: number
  readonly #connections = new Set<Connection>()
  readonly #background = new Set<Promise<void>>()
  #isClosed = false
  #isFull = false
  #whenEmpty: (() => void) | undefined

  constructor(hub: Hub, { maxConnections = DEFAULT_MAX_CONNECTIONS }: AmqpGatewayOptions = {}) {
    this.#maxConnections = maxConnections
    this.#parts = {
      hub,
      wheel: new Wheel(hub.clock),
      closed: (connection) => this.#closed(connection),
      background: (work) => this.#keep(work),
    }
  }

  /** Sockets that are open, whether or not anybody has authenticated there. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Serves one byte stream: a TLS socket or a WebSocket's. */
  accept(socket: Duplex, peer: Peer): void {
    if (this.#isClosed || this.#connections.size >= this.#maxConnections) {
      if (!this.#isFull && !this.#isClosed) {
        this.#isFull = true
        this.#parts.hub.log.warn({ limit: this.#maxConnections }, 'amqp connections are refused')
      }
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    this.#connections.add(new Connection(socket, peer, this.#parts))
  }

  /** Ends all connections; resolves when they are gone and what they held is released. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#parts.wheel.close()
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    for (const connection of [...this.#connections]) connection.terminate()
    if (this.#connections.size > 0) await empty
    await Promise.all(this.#background)
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection)
    this.#isFull = false
    if (this.#connections.size === 0) this.#whenEmpty?.()
  }

  #keep(work: Promise<void>): void {
    this.#background.add(work)
    void work.finally(() => this.#background.delete(work))
  }
}
