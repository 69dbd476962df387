import type { Duplex } from 'node:stream'
import type { Server, TLSSocket } from 'node:tls'
import type { Hub } from '../../hub.ts'
import { tlsCertificate, weakTlsOf } from '../tls-certificate.ts'
import { Wheel } from '../wheel.ts'
import type { Connecting } from './connecting.ts'
import { Connection, STOPPING } from './connection.ts'
import type { Peer } from './peer.ts'
import { REASON } from './reasons.ts'
import { PacketWriter } from './writer.ts'

export const DEFAULT_MAX_CONNECTIONS = 100_000

export interface MqttGatewayOptions {
  /** More connections than this are closed at once. */
  readonly maxConnections?: number
}

/** What the connections of a gateway share. */
export interface GatewayParts {
  readonly hub: Hub
  readonly wheel: Wheel
  readonly writer: PacketWriter
  readonly connecting: Set<Connecting>
  /** Numbers the CONNECTs, so that the newer of two is known however long their checks take. */
  nextOrder(): number
  /** Has `connection.flush` called at the end of this turn of the event loop. */
  flushSoon(connection: Connection): void
  /** Calls `connection.flush` now; a bug in there ends that connection only. */
  flush(connection: Connection): void
  /** The socket of `connection` is gone. */
  closed(connection: Connection): void
  /** Work that `MqttGateway.close` waits for; it must not reject. */
  background(work: Promise<void>): void
}

/** The device-facing side of MQTT 3.1.1 and 5 (03): devices and modules over TLS or WebSocket streams. */
export class MqttGateway {
  readonly #parts: GatewayParts
  readonly #maxConnections: number
  readonly #connections = new Set<Connection>()
  readonly #background = new Set<Promise<void>>()
  readonly #detach: (() => void)[] = []
  #order = 0
  #dirty: Connection[] = []
  #isClosed = false
  #isFull = false
  #whenEmpty: (() => void) | undefined

  constructor(hub: Hub, { maxConnections = DEFAULT_MAX_CONNECTIONS }: MqttGatewayOptions = {}) {
    this.#maxConnections = maxConnections
    this.#parts = {
      hub,
      wheel: new Wheel(hub.clock),
      writer: new PacketWriter(),
      connecting: new Set(),
      nextOrder: () => ++this.#order,
      flushSoon: (connection) => this.#flushSoon(connection),
      flush: (connection) => this.#flush(connection),
      closed: (connection) => this.#closed(connection),
      background: (work) => this.#keep(work),
    }
    this.#detach.push(
      hub.bus.subscribe((notice) => {
        for (const attempt of this.#parts.connecting) attempt.notice(notice)
      }),
    )
  }

  /** Sockets that are open, whether or not their device has presented itself. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Takes the connections of a TLS server until the gateway is closed. Who made it, closes it. */
  listen(server: Server): void {
    const take = (socket: TLSSocket) => {
      // Answers are gathered here; waiting for more in the kernel only adds 40 ms.
      socket.setNoDelay(true)
      this.accept(socket, {
        address: socket.remoteAddress ?? 'unknown address',
        certificate: () => tlsCertificate(socket),
        weakTls: () => weakTlsOf(socket),
      })
    }
    server.on('secureConnection', take)
    this.#detach.push(() => server.off('secureConnection', take))
  }

  /**
   * Serves one byte stream: a TLS socket or a WebSocket's.
   */
  accept(socket: Duplex, peer: Peer): void {
    if (this.#isClosed || this.#connections.size >= this.#maxConnections) {
      if (!this.#isFull && !this.#isClosed) {
        this.#isFull = true
        this.#parts.hub.log.warn({ limit: this.#maxConnections }, 'mqtt connections are refused')
      }
      socket.on('error', () => {})
      socket.destroy()
      return
    }
    this.#connections.add(new Connection(socket, peer, this.#parts))
  }

  /** Ends all connections; resolves when they are gone and their wills are stored. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const detach of this.#detach.splice(0)) detach()
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    for (const connection of [...this.#connections])
      connection.terminate(STOPPING, REASON.shuttingDown)
    if (this.#connections.size > 0) await empty
    await Promise.all(this.#background)
    this.#parts.wheel.close()
  }

  #flushSoon(connection: Connection): void {
    if (this.#dirty.push(connection) === 1) setImmediate(() => this.#flushDirty())
  }

  #flushDirty(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const connection of dirty) this.#flush(connection)
  }

  #flush(connection: Connection): void {
    try {
      connection.flush()
    } catch (error) {
      this.#parts.hub.log.error({ err: error }, 'an mqtt connection hit a bug')
      connection.terminate('a bug in the hub', REASON.none)
    }
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
