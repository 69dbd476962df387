import swagger from '@fastify/swagger'
import { answerErrors, type Log } from '@twinward/hub'
import Fastify, { type FastifyInstance } from 'fastify'
import type { ServerCertificate } from '../tls/certificates.ts'

/** A twin takes 72 KB of properties and tags; larger bodies are refused. */
const MAX_BODY_BYTES = 1024 * 1024
/** Connections at a time; a service keeps a handful. */
const MAX_CONNECTIONS = 10_000
/** An id of 128 characters, each percent-encoded. */
const MAX_PARAMETER_CHARACTERS = 400
const REQUEST_TIMEOUT_MS = 60_000
const KEEP_ALIVE_TIMEOUT_MS = 75_000

/** The HTTPS server without routes; `version` goes into the OpenAPI document. */
export async function createHttpsServer(
  { certificate, key }: Pick<ServerCertificate, 'certificate' | 'key'>,
  version: string,
  log: Log,
): Promise<FastifyInstance> {
  const app = Fastify({
    https: { cert: certificate, key, minVersion: 'TLSv1.2' },
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: true,
    // A twin's key may be called `__proto__`; our code copies own properties only.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    routerOptions: {
      ignoreTrailingSlash: true,
      caseSensitive: false,
      maxParamLength: MAX_PARAMETER_CHARACTERS,
    },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  })
  app.server.maxConnections = MAX_CONNECTIONS
  readEveryBodyAsJson(app)
  answerErrors(app, log)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Twinward',
        version,
        description: 'IoT Hub’s service API, and the security API.',
      },
      components: {
        securitySchemes: {
          sas: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: 'SharedAccessSignature of a shared access policy',
          },
        },
      },
      security: [{ sas: [] }],
    },
  })
  return app
}

/** Clients label JSON in many ways or not at all; every body of this API is JSON. */
function readEveryBodyAsJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('ignore', 'ignore')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body, done) => {
    // A DELETE or GET with a content type and no body is common.
    if (body === '') done(null, undefined)
    else void parse(request, body as string, done)
  })
}
