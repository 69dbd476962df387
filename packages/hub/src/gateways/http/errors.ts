import { randomUUID } from 'node:crypto'
import { HubError, type HubErrorCode, hubErrors, toHubError } from '@twinward/protocol'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../../log.ts'

/**
 * Answers every error of the HTTPS port in IoT Hub's envelopes (00 §4), with `iothub-errorcode` and a
 * tracking id. What is not a `HubError` is a bug: it is logged here, once, with its cause.
 */
export function answerErrors(app: FastifyInstance, log: Log): void {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('x-ms-request-id', randomUUID())
    done()
  })
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = translate(thrown)
    if (error.code === 'ServerError') {
      const fields = { err: error.cause, method: request.method, route: request.routeOptions.url }
      log.error({ ...fields, requestId: reply.getHeader('x-ms-request-id') }, 'a request failed')
    }
    sendError(reply, error)
  })
  app.setNotFoundHandler((request, reply) => {
    sendError(
      reply,
      new HubError('GenericNotFound', `No route ${request.method} ${path(request)}.`),
    )
  })
}

/** Codes that IoT Hub answers with the bare object of 00 §4.3 over HTTPS. */
const BARE: ReadonlySet<HubErrorCode> = new Set<HubErrorCode>(['ModuleAlreadyExistsOnDevice'])

function sendError(reply: FastifyReply, { code, message }: HubError): void {
  const { status, number } = hubErrors[code]
  const time = new Date().toISOString()
  const trackingId = `${String(reply.getHeader('x-ms-request-id')).replaceAll('-', '')}-TimeStamp:${time}`
  reply.code(status).header('iothub-errorcode', code)
  if (BARE.has(code)) {
    reply.send({ errorCode: number, message, trackingId, timestampUtc: time })
    return
  }
  reply.send({
    Message: `ErrorCode:${code};${message}`,
    ExceptionMessage: `Tracking ID:${trackingId}`,
  })
}

/** Fastify's own refusals, in the hub's words. */
function translate(thrown: FastifyError): HubError {
  if (thrown.validation) {
    const [first] = thrown.validation
    const where = `${thrown.validationContext ?? 'request'}${first?.instancePath ?? ''}`
    return new HubError('ArgumentInvalid', `${where} ${first?.message ?? 'is not valid'}`)
  }
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new HubError('MessageTooLarge', 'The request body is too large.')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HubError('GenericUnsupportedMediaType', 'The body must be application/json.')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new HubError('ArgumentNull', 'The request has no body.')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new HubError('GenericBadRequest', 'The body is not JSON.')
  }
  const isClientError = thrown.statusCode !== undefined && thrown.statusCode < 500
  if (isClientError) return new HubError('GenericBadRequest', 'The request is not valid.')
  return toHubError(thrown)
}

/** The path without the query, which may carry what a log or an answer should not repeat. */
function path(request: FastifyRequest): string {
  return request.url.split('?')[0]?.slice(0, 256) ?? ''
}
