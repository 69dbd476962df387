import { randomUUID } from 'node:crypto'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Server } from 'node:https'
import type { Duplex } from 'node:stream'
import {
  type Clock,
  errorBody,
  type Log,
  type Peer,
  tlsCertificate,
  weakTlsOf,
} from '@twinward/hub'
import { HubError, hubErrors } from '@twinward/protocol'
import { type ServerOptions, WebSocketServer } from 'ws'
import { WebSocketStream } from './websocket-stream.ts'

/** Serves one byte stream; refuses it by destroying it. */
export type AcceptStream = (stream: Duplex, peer: Peer) => void

/** By subprotocol in lower case (00 §1). */
export type StreamGateways = ReadonlyMap<string, AcceptStream>

/** MQTT and AMQP share it; the subprotocol tells them apart. Compared without case. */
const PATH = '/$iothub/websocket'
/** Where readers of events look for it (10 §6). */
const PATHS = [PATH, '/$servicebus/websocket']
/** One MQTT packet of the largest size, and as much again: clients may put several into a frame. */
export const MAX_FRAME_BYTES = 640 * 1024
/** Of a message in fragments. */
const MAX_FRAGMENTS = 1024
/** How long a peer may take to close its side. */
const CLOSE_TIMEOUT_MS = 1000
/** A peer that is silent from one ping to the next is cut off. */
export const PING_INTERVAL_MS = 60_000

interface EndpointPorts {
  readonly clock: Clock
  readonly log: Log
}

/** The WebSocket endpoint of an HTTPS server, until it is closed. */
export class WebSocketEndpoint {
  readonly #server: Server
  readonly #gateways: StreamGateways
  readonly #clock: Clock
  readonly #log: Log
  readonly #handshakes: WebSocketServer
  readonly #streams = new Set<WebSocketStream>()
  readonly #stopPinging: () => void
  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    this.#upgrade(request, socket, head)

  constructor(server: Server, gateways: StreamGateways, { clock, log }: EndpointPorts) {
    this.#server = server
    this.#gateways = gateways
    this.#clock = clock
    this.#log = log
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      maxFragments: MAX_FRAGMENTS,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered) => this.#choose([...offered]) ?? false,
    }
    this.#handshakes = new WebSocketServer(options)
    this.#stopPinging = clock.every(PING_INTERVAL_MS, () => {
      for (const stream of this.#streams) stream.ping()
    })
    server.on('upgrade', this.#onUpgrade)
  }

  /** WebSockets whose sockets are not gone yet. */
  get streamCount(): number {
    return this.#streams.size
  }

  /** Takes no more WebSockets and ends those that are left, at once. */
  close(): void {
    this.#server.off('upgrade', this.#onUpgrade)
    this.#stopPinging()
    for (const stream of this.#streams) stream.terminate()
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Node takes its own listener away before an upgrade.
    socket.on('error', () => socket.destroy())
    try {
      const accept = this.#acceptorOf(request)
      this.#handshakes.handleUpgrade(request, socket, head, (webSocket) => {
        const stream = new WebSocketStream(webSocket)
        this.#streams.add(stream)
        stream.once('close', () => this.#streams.delete(stream))
        accept(stream, peerOf(request))
      })
    } catch (thrown) {
      if (thrown instanceof HubError) refuse(socket, thrown, this.#clock.now())
      else {
        this.#log.error({ err: thrown }, 'a websocket hit a bug')
        socket.destroy()
      }
    }
  }

  /** @throws {HubError} why the upgrade is refused */
  #acceptorOf({ url = '', headers }: IncomingMessage): AcceptStream {
    if (headers.upgrade?.toLowerCase() !== 'websocket') {
      throw new HubError('GenericBadRequest', 'The only upgrade is the one to websocket.')
    }
    if (!isEndpoint(url)) throw new HubError('GenericNotFound', `WebSockets are at ${PATH}.`)
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',')
    const chosen = this.#choose(offered.map((name) => name.trim()))
    const accept = this.#gateways.get(chosen?.toLowerCase() ?? '')
    if (!accept) {
      const known = [...this.#gateways.keys()].join(' or ')
      throw new HubError('GenericBadRequest', `Sec-WebSocket-Protocol must be ${known}.`)
    }
    return accept
  }

  /** The client's first choice that is known, as the client spells it. */
  #choose(offered: readonly string[]): string | undefined {
    return offered.find((name) => this.#gateways.has(name.toLowerCase()))
  }
}

/** A query may follow (00 §1), and `$` may be percent-encoded. */
function isEndpoint(url: string): boolean {
  const [path = ''] = url.split('?')
  try {
    return PATHS.includes(decodeURIComponent(path).toLowerCase().replace(/\/$/, ''))
  } catch {
    return false
  }
}

function peerOf({ socket }: IncomingMessage): Peer {
  return {
    address: socket.remoteAddress ?? 'unknown address',
    certificate: () => tlsCertificate(socket),
    weakTls: () => weakTlsOf(socket),
    localPort: socket.localPort,
  }
}

function refuse(socket: Duplex, error: HubError, nowMs: number): void {
  const { status } = hubErrors[error.code]
  const requestId = randomUUID()
  const body = JSON.stringify(errorBody(error, { requestId, nowMs }))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `iothub-errorcode: ${error.code}`,
    `x-ms-request-id: ${requestId}`,
  ]
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
