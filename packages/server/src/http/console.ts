import { readFileSync } from 'node:fs'
import { consoleFiles } from '@twinward/console'
import type { FastifyInstance } from 'fastify'

/** Nothing but this server's own files, no frames, no inline code. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
}

/** Serves the console's files, read once. */
export function consoleRoutes(app: FastifyInstance): void {
  for (const { path, file, type } of consoleFiles) {
    const content = readFileSync(file)
    app.get(path, { schema: { hide: true } }, (_, reply) =>
      reply.headers(HEADERS).type(type).send(content),
    )
  }
}
