import { isUtf8 } from 'node:buffer'
import { HubError, parseJson } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'

/**
 * Reads every body as JSON, whatever its type says: clients label JSON in many ways or not at all. An
 * empty body is `undefined`, because a DELETE or GET with a content type and no body is common. Routes
 * that take other bodies sit in a plugin with a parser of their own.
 */
export function readBodiesAsJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    done(null, readJson(body as Buffer, request.headers['content-encoding']))
  })
}

function readJson(body: Buffer, encoding: string | undefined): unknown {
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new HubError('GenericUnsupportedMediaType', 'No Content-Encoding is taken.')
  }
  if (body.length === 0) return undefined
  if (!isUtf8(body)) throw new HubError('GenericBadRequest', 'The body is not UTF-8.')
  return parseJson(body.toString())
}
