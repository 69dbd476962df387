import type { FastifyRequest } from 'fastify'
import type { EtagCondition } from '../../twins/etag.ts'

/** `If-Match` without quotes and `W/`: clients send `abc`, `"abc"`, `W/"abc"`, `*` and `"*"` (00 §3.1). */
export function ifMatch(request: FastifyRequest): EtagCondition {
  const header = request.headers['if-match']
  if (header === undefined || header.trim() === '') return undefined
  return header
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
}
