import swagger from '@fastify/swagger'
import {
  answerErrors,
  CLIENT_CERTIFICATES,
  type Log,
  readBodiesAsJson,
  serverOptions,
  systemClock,
} from '@twinward/hub'
import Fastify, { type FastifyInstance } from 'fastify'
import type { ServerCertificate } from '../tls/certificates.ts'
import { openApi } from './openapi.ts'

/** A twin takes 72 KB of properties and tags; larger bodies are refused. */
const MAX_BODY_BYTES = 1024 * 1024
const KEEP_ALIVE_TIMEOUT_MS = 75_000

/** What a slow or greedy peer is held to. */
export interface HttpLimits {
  /** Connections at a time; a service keeps a handful. One more is closed at once. */
  readonly maxConnections: number
  readonly handshakeTimeoutMs: number
  /** From a request's first byte to the end of its headers. */
  readonly headersTimeoutMs: number
  /** From a request's first byte to its last. */
  readonly requestTimeoutMs: number
  /** How often the two before are looked at. */
  readonly checkEveryMs: number
}

export const HTTP_LIMITS: HttpLimits = {
  maxConnections: 10_000,
  handshakeTimeoutMs: 30_000,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 60_000,
  checkEveryMs: 5_000,
}

/** The HTTPS server without routes; `version` goes into the OpenAPI document. */
export async function createHttpsServer(
  { certificate, key }: Pick<ServerCertificate, 'certificate' | 'key'>,
  version: string,
  log: Log,
  limits: HttpLimits = HTTP_LIMITS,
): Promise<FastifyInstance> {
  const ports = { log, clock: systemClock }
  const app = Fastify({
    ...serverOptions(ports),
    https: {
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      ...CLIENT_CERTIFICATES,
      // A session with a client certificate is only resumed in a context with a name.
      sessionIdContext: 'https',
      handshakeTimeout: limits.handshakeTimeoutMs,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      // Node would refuse in words of its own; `answerErrors` does it in the hub's.
      requireHostHeader: false,
    },
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: true,
    // What comes while it closes is still served: the stores close after it.
    return503OnClosing: false,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  })
  const { server } = app
  server.maxConnections = limits.maxConnections
  server.on('checkExpectation', (request, response) => server.emit('request', request, response))
  readBodiesAsJson(app)
  answerErrors(app, ports)
  await app.register(swagger, openApi(version))
  return app
}
