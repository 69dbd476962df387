import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Authenticator, Grant } from '../../registry/authenticator.ts'
import type { Right } from '../../registry/policies.ts'
import type { WriteAuthor } from '../../twins/desired-review.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authorize`: the shared access policy that the caller has proven. */
    grant?: Grant
  }
}

/**
 * A hook that lets a request pass when its token's policy has one of the rights. It runs on every
 * request, so it calls back: a promise would cost each a turn of the microtask queue.
 *
 * @throws {HubError} `IotHubUnauthorizedAccess`
 */
export function authorize(authenticator: Authenticator, ...anyOf: readonly Right[]) {
  return (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const { authorization } = request.headers
    request.grant = authenticator.service({ authorization, path: request.url }, ...anyOf)
    done()
  }
}

/** Who a request comes from, for writes that look at rights. */
export function authorOf({ grant }: FastifyRequest): WriteAuthor | undefined {
  return grant && { name: grant.policyName, rights: grant.rights }
}
