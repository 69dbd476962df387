import type { FastifyReply, FastifyRequest } from 'fastify'

/** Who may do what; the server brings it, because identities of callers are the hub's business. */
export interface ApiGuard {
  /** A hook that refuses callers without the right to use the security API. */
  use(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** The name under which the caller's changes are recorded. */
  caller(request: FastifyRequest): string
  /** Whether the caller may set what lets an agent run code. */
  isPrivileged(request: FastifyRequest): boolean
}
