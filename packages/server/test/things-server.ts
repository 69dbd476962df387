import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { createHttpsServer, type HttpLimits } from '../src/http/https-server.ts'
import { issueCa, issueServer } from '../src/tls/issue.ts'
import { openRaw, parseResponses, type RawPeer, type RawResponse } from './raw-https.ts'
import { until } from './server.ts'

const HOST = '127.0.0.1'

/** Short enough for a test to wait for. */
export const SHORT_LIMITS: HttpLimits = {
  maxConnections: 20,
  handshakeTimeoutMs: 300,
  headersTimeoutMs: 300,
  requestTimeoutMs: 600,
  checkEveryMs: 50,
}

/** The HTTPS server with routes that fail in every way, and peers that write what they like. */
export interface ThingsServer {
  readonly app: FastifyInstance
  /** Fields of what was logged as an error. */
  readonly logged: object[]
  /** Bodies that reached a handler. */
  readonly echoed: unknown[]
  open(): Promise<RawPeer>
  /** Sends bytes and waits for the responses, one unless told. */
  send(text: string | Buffer, responses?: number): Promise<readonly RawResponse[]>
  /** The one response, which must be an error in the hub's shape. */
  refused(text: string | Buffer): Promise<{ status: number; code: string; message: string }>
}

export async function startThings(): Promise<ThingsServer> {
  const logged: object[] = []
  const echoed: unknown[] = []
  const ca = await issueCa(Date.now(), 'test')
  const { certificate, key } = await issueServer(ca, [HOST], Date.now())
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: object) => void logged.push(fields),
  }
  const app = await createHttpsServer({ certificate, key }, '0', log, SHORT_LIMITS)
  app.get('/things/:id', (request) => request.params)
  app.put('/things/:id', { schema: { body: { type: 'object' } } }, (request) => {
    echoed.push(request.body)
    return request.body
  })
  app.put('/messages/:id', { bodyLimit: 100 }, () => ({}))
  app.get('/throttled', () => {
    throw new HubError('ThrottlingException', 'slow down')
  })
  app.get('/busy', () => {
    throw new HubError('ServiceUnavailable', 'busy')
  })
  app.get('/bug', () => {
    throw new TypeError('secret of the hub')
  })
  await app.ready()
  app.server.listen(0, HOST)
  await once(app.server, 'listening')
  const { port } = app.server.address() as AddressInfo
  const open = () => openRaw(HOST, port)
  return {
    app,
    logged,
    echoed,
    open,
    send: async (text, responses = 1) => send(await open(), text, responses),
    refused: async (text) => {
      const [response] = await send(await open(), text, 1)
      return readError(response)
    },
  }
}

async function send(
  peer: RawPeer,
  text: string | Buffer,
  responses: number,
): Promise<readonly RawResponse[]> {
  peer.socket.write(text)
  await until(() => parseResponses(peer.received()).length >= responses || peer.socket.closed)
  peer.socket.destroy()
  return parseResponses(peer.received())
}

function readError(response: RawResponse | undefined) {
  assert.ok(response, 'an answer')
  const { status, headers, body } = response
  assert.equal(headers['content-type'], 'application/json; charset=utf-8')
  assert.match(headers['x-ms-request-id'] ?? '', /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  const { Message, ExceptionMessage } = JSON.parse(body)
  const tracking = headers['x-ms-request-id']?.replaceAll('-', '')
  assert.match(ExceptionMessage, new RegExp(`^Tracking ID:${tracking}-G2:-TimeStamp:20.*Z$`))
  const code = headers['iothub-errorcode'] ?? ''
  assert.ok(Message.startsWith(`ErrorCode:${code};`), Message)
  return { status, code, message: Message.slice(`ErrorCode:${code};`.length) }
}

export function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`
}

export function put(path: string, body: string | Buffer, headers = ''): Buffer {
  const bytes = Buffer.from(body)
  const head = `PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes.length}\r\n${headers}\r\n`
  return Buffer.concat([Buffer.from(head), bytes])
}
