import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { HubError, hubErrors, toHubError } from '@twinward/protocol'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { errorBody, type Tracking, trackingIdOf } from './error-body.ts'
import { answerUnknownRoutes } from './unknown-routes.ts'

/** What of a refused body is read on, so that a peer that is still sending gets to the answer. */
const MAX_DRAINED_BYTES = 8 * 1024 * 1024
/** When to try again after a 503: what was too much is over within a commit or two. */
const RETRY_AFTER_SECONDS = 1
const REQUEST_ID = 'x-ms-request-id'

/** What errors are answered and logged with. */
export interface ErrorPorts {
  readonly log: Log
  readonly clock: Clock
  /** In place of IoT Hub's envelopes. */
  readonly bodyOf?: typeof errorBody
}

/**
 * Answers every error of the HTTPS port in IoT Hub's envelopes (00 §4), with `iothub-errorcode` and a
 * tracking id. What is not a `HubError` is a bug: it is logged here, once, with its cause.
 */
export function answerErrors(app: FastifyInstance, ports: ErrorPorts): void {
  app.addHook('onRequest', ({ raw }, reply, done) => {
    reply.header(REQUEST_ID, randomUUID())
    if (raw.headers.host === undefined && raw.httpVersion !== '1.0') {
      throw new HubError('GenericBadRequest', 'The request has no Host header.')
    }
    done()
  })
  app.addHook('onSend', (_request, reply, payload, done) => {
    // Fastify leaves it out; clients of IoT Hub are used to it (00 §3).
    if (reply.statusCode === 204) reply.header('content-length', '0')
    done(null, payload)
  })
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    sendError(thrown, request, reply, ports)
  })
  answerUnknownRoutes(app)
}

/** @param thrown  anything: a `HubError`, one of Fastify's own, or a bug */
export function sendError(
  thrown: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  { log, clock, bodyOf = errorBody }: ErrorPorts,
): void {
  const error = translate(thrown, request)
  if (!reply.hasHeader(REQUEST_ID)) reply.header(REQUEST_ID, randomUUID())
  const tracking: Tracking = {
    requestId: String(reply.getHeader(REQUEST_ID)),
    nowMs: clock.now(),
  }
  if (error.code === 'ServerError') {
    const fields = { method: request.method, route: request.routeOptions.url }
    const trackingId = trackingIdOf(tracking)
    log.error({ err: error.cause ?? error, ...fields, trackingId }, 'a request failed')
  }
  const { status } = hubErrors[error.code]
  setConnection(request, reply, status)
  reply
    .code(status)
    .header('iothub-errorcode', error.code)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(bodyOf(error, tracking)))
}

/**
 * A throttled client has to come back on a new connection (00 §5.1). Otherwise the connection stays,
 * though Fastify would end it after every refused body: a client that is still sending would be
 * reset before it reads why.
 */
function setConnection({ raw }: FastifyRequest, reply: FastifyReply, status: number): void {
  if (status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
  if (status === 429) reply.header('connection', 'close')
  else reply.removeHeader('connection')
  if (!raw.complete) drain(raw)
}

function drain(raw: IncomingMessage): void {
  let bytes = 0
  raw.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_DRAINED_BYTES) raw.destroy()
  })
}

/** Fastify's own refusals, in the hub's words. */
function translate(thrown: FastifyError, request: FastifyRequest): HubError {
  if (thrown.validation) return invalidRequest(thrown, request)
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return tooLarge(request)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HubError(
        'GenericUnsupportedMediaType',
        'The body has a Content-Type that is none, or not taken.',
      )
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new HubError('GenericBadRequest', 'The body is not as long as Content-Length says.')
    case 'FST_ERR_BAD_URL':
      return new HubError('GenericBadRequest', 'The path has a percent escape that is not one.')
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new HubError('ArgumentInvalid', 'A name in the path is too long.')
  }
  const isClientError = thrown.statusCode !== undefined && thrown.statusCode < 500
  if (isClientError) return new HubError('GenericBadRequest', 'The request is not valid.')
  return toHubError(thrown)
}

function invalidRequest({ validation, validationContext }: FastifyError, { body }: FastifyRequest) {
  if (validationContext === 'body' && body === undefined) {
    return new HubError('ArgumentNull', 'The request needs a body.')
  }
  const [first] = validation ?? []
  const where = `${validationContext ?? 'request'}${first?.instancePath ?? ''}`
  return new HubError('ArgumentInvalid', `${where} ${first?.message ?? 'is not valid'}`)
}

function tooLarge({ routeOptions }: FastifyRequest): HubError {
  const isMessage = routeOptions.url?.includes('/messages/') ?? false
  return new HubError(
    isMessage ? 'MessageTooLarge' : 'GenericRequestEntityTooLarge',
    `The body may take ${routeOptions.bodyLimit} bytes.`,
  )
}
