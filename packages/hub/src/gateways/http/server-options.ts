import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { HubError } from '@twinward/protocol'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { errorBody } from './error-body.ts'
import { type ErrorPorts, sendError } from './errors.ts'

/** An id of 128 characters, each percent-encoded. */
const MAX_PARAMETER_CHARACTERS = 400
/** A peer whose request could not be read may take its time to read why. */
const LINGER_MS = 1000

/** What Fastify must be told when it is made, for the hub's API: how to route, and how to refuse. */
export function serverOptions(ports: ErrorPorts) {
  return {
    rewriteUrl: ({ url = '/' }: { url?: string | undefined }) => withSlashes(url),
    // A twin's key may be called `__proto__`; our code copies own properties only.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    routerOptions: {
      ignoreTrailingSlash: true,
      caseSensitive: false,
      maxParamLength: MAX_PARAMETER_CHARACTERS,
    },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendError(error, request, reply, ports),
    clientErrorHandler: (error: Error & { code?: string }, socket: Socket) =>
      refuseUnreadable(error.code ?? '', socket, ports),
  } as const
}

/** Some clients write a path's slashes as `%2F` (quirk 7); no id contains one. */
function withSlashes(url: string): string {
  if (!url.includes('%2')) return url
  const query = url.indexOf('?')
  const path = query === -1 ? url : url.slice(0, query)
  return path.replace(/%2f/gi, '/') + url.slice(path.length)
}

/** Sockets that have been told already: each further chunk fails again. */
const told = new WeakSet<Socket>()

/** What is no HTTP, or took too long to come: there is no request to answer, only a connection. */
function refuseUnreadable(code: string, socket: Socket, { clock }: ErrorPorts): void {
  if (told.has(socket)) return
  const status = statusOf(code)
  if (status === undefined || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  told.add(socket)
  const requestId = randomUUID()
  const error = new HubError('GenericBadRequest', `${reasonOf(status)} (${code}).`)
  const body = JSON.stringify(errorBody(error, { requestId, nowMs: clock.now() }))
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n` +
      `iothub-errorcode: ${error.code}\r\nx-ms-request-id: ${requestId}\r\n\r\n${body}`,
  )
  // Destroyed at once, it would be reset by what the peer still sends, the answer unread.
  void clock.sleep(LINGER_MS).then(() => socket.destroy())
}

/** `undefined`: not HTTP's trouble but the connection's, e.g. a reset or a broken TLS record. */
function statusOf(code: string): number | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  return code.startsWith('HPE_') ? 400 : undefined
}

function reasonOf(status: number): string {
  if (status === 408) return 'The request took too long to arrive'
  return status === 431 ? 'The headers are too long' : 'The request is not HTTP'
}

/** An earlier request of this connection is at work: a refusal now would pass for its answer. */
function isAnswering(socket: Socket & { _httpMessage?: ServerResponse | null }): boolean {
  const response = socket._httpMessage
  return response != null && (response.headersSent || response.req.complete)
}
