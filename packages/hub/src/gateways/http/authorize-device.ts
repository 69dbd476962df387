import type { DeviceRef } from '@twinward/protocol'
import type { FastifyRequest } from 'fastify'
import type { Hub } from '../../hub.ts'
import type { Credential } from '../../registry/authenticator.ts'
import type { Proof } from '../../registry/client-certificate.ts'
import { tlsCertificate } from '../tls-certificate.ts'

/**
 * Who a device-side request (05 §1) speaks for, and what it has proven: the token of its
 * `Authorization` header or, without one, its client certificate.
 *
 * @param ref  the device or module of the path
 * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`
 */
export async function authorizeDevice(
  hub: Hub,
  request: FastifyRequest,
  ref: DeviceRef,
): Promise<Credential> {
  try {
    return await hub.authenticator.connect(ref, proofOf(request))
  } catch (thrown) {
    void hub.activity.refusals.refused(ref, thrown, request.ip)
    throw thrown
  }
}

/** What a request shows for itself. */
export function proofOf({ headers, raw }: FastifyRequest): Proof {
  const token = headers.authorization ?? ''
  return { token, certificate: token === '' ? tlsCertificate(raw.socket) : undefined }
}
