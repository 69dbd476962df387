import type { DeviceRef } from '@twinward/protocol'
import type { FastifyRequest } from 'fastify'
import type { Hub } from '../../hub.ts'
import type { Credential } from '../../registry/authenticator.ts'

/**
 * Who a device-side request (05 §1) speaks for, and what it has proven: the token of its
 * `Authorization` header, or its client certificate.
 *
 * @param ref  the device or module of the path
 * @throws {HubError} `IotHubUnauthorized`
 */
export function authorizeDevice(
  hub: Hub,
  request: FastifyRequest,
  ref: DeviceRef,
): Promise<Credential> {
  return hub.authenticator.connect(ref, { token: request.headers.authorization ?? '' })
}
