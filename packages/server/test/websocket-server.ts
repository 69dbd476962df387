import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { type Clock, type Peer, silentLog, systemClock } from '@twinward/hub'
import { WebSocket } from 'ws'
import { type AcceptStream, WebSocketEndpoint } from '../src/http/websocket.ts'
import { issueCa, issueServer } from '../src/tls/issue.ts'

const certificate = issueCa(Date.now(), 'test').then((ca) =>
  issueServer(ca, ['localhost'], Date.now()),
)

/** A WebSocket endpoint alone: `mqtt` goes to whoever takes streams, here by default an echo. */
export interface TestEndpoint extends AsyncDisposable {
  readonly endpoint: WebSocketEndpoint
  readonly server: Server
  readonly port: number
  readonly peers: readonly Peer[]
  readonly streams: readonly Duplex[]
  /** Of a client that is also a server: tests need no further key. */
  readonly clientKey: { readonly cert: string; readonly key: string }
  /** A WebSocket that is open. */
  open(protocol?: string | string[], path?: string): Promise<WebSocket>
  raw(): Promise<TLSSocket>
}

export async function startEndpoint(
  accept: AcceptStream = (stream) => stream.on('error', () => {}).pipe(stream),
  clock: Clock = systemClock,
): Promise<TestEndpoint> {
  const { certificate: cert, key } = await certificate
  const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false, ca: [] })
  const peers: Peer[] = []
  const streams: Duplex[] = []
  const gateways = new Map<string, AcceptStream>([
    [
      'mqtt',
      (stream, peer) => {
        streams.push(stream)
        peers.push(peer)
        accept(stream, peer)
      },
    ],
  ])
  const endpoint = new WebSocketEndpoint(server, gateways, { clock, log: silentLog })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...{ endpoint, server, port, peers, streams, clientKey: { cert, key } },
    async open(protocol = 'mqtt', path = '/$iothub/websocket') {
      const url = `wss://127.0.0.1:${port}${path}`
      const socket = new WebSocket(url, protocol, { rejectUnauthorized: false })
      await once(socket, 'open')
      return socket
    },
    async raw() {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
      socket.on('error', () => {})
      await once(socket, 'secureConnect')
      return socket
    },
    async [Symbol.asyncDispose]() {
      endpoint.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** An upgrade request as text. */
export function upgradeRequest(
  path = '/$iothub/websocket',
  headers: Readonly<Record<string, string | undefined>> = {},
): string {
  const all = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'mqtt',
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}
