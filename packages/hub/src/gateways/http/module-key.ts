import { parseSas } from '@twinward/protocol'
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Hub } from '../../hub.ts'
import type { Entry } from '../../registry/registry.ts'
import { tlsCertificate } from '../tls-certificate.ts'
import { authorize } from './authorize.ts'
import { proofOf } from './authorize-device.ts'

/**
 * Lets a service with `RegistryRead` pass, and who shows a credential of a device (13, quirk 2): that
 * one is checked by `readModule`, which every request without a grant must go through.
 */
export function authorizeModuleRead(hub: Hub) {
  const service = authorize(hub.authenticator, 'RegistryRead')
  return (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    if (isOfDevice(request)) done()
    else service(request, reply, done)
  }
}

/** The module for whom `authorizeModuleRead` let pass. @throws as `Identities.get`, `ModuleKeys.read` */
export async function readModule(
  hub: Hub,
  request: FastifyRequest<{ Params: { deviceId: string; moduleId: string } }>,
): Promise<Entry> {
  const { grant, params, ip } = request
  if (grant) return hub.identities.get(params)
  try {
    return await hub.moduleKeys.read(params, proofOf(request))
  } catch (thrown) {
    void hub.activity.refusals.refused({ deviceId: params.deviceId }, thrown, ip)
    throw thrown
  }
}

/** A token that names no policy, or a client certificate without a token. */
function isOfDevice({ headers, raw }: FastifyRequest): boolean {
  const { authorization } = headers
  if (authorization === undefined) return tlsCertificate(raw.socket) !== undefined
  const token = parseSas(authorization)
  return token !== undefined && token.policyName === undefined
}
