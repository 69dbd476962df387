import { type HubError, hubErrors, type JsonObject } from '@twinward/protocol'
import type { Registration } from '../provisioning/enrollment.ts'

/** Seconds until a device should ask again (11 §3.2). */
export const RETRY_AFTER_SECONDS = 3
/** Bytes of a device's request, which may carry a payload for the allocation. */
export const MAX_REGISTRATION_BODY_BYTES = 64 * 1024

/** The answer to a registration (11 §3.2). */
export function registrationResult(registration: Registration): JsonObject {
  const { operationId, status } = registration
  return { operationId, status, registrationState: registrationState(registration) }
}

/** A device's registration, as devices and services see it. */
export function registrationState(registration: Registration): JsonObject {
  const { registrationId, status, deviceId, assignedHub, etag, error } = registration
  return {
    registrationId,
    createdDateTimeUtc: new Date(registration.createdMs).toISOString(),
    ...(status === 'assigned' && { assignedHub, deviceId, substatus: 'initialAssignment' }),
    status,
    ...(error && { errorCode: error.number, errorMessage: error.message }),
    lastUpdatedDateTimeUtc: new Date(registration.updatedMs).toISOString(),
    etag,
    payload: null,
  }
}

/** The body of an error of the provisioning service, whatever the protocol. */
export function provisioningErrorBody(
  { code, message }: HubError,
  { requestId, nowMs }: { readonly requestId: string; readonly nowMs: number },
): JsonObject {
  const timestampUtc = new Date(nowMs).toISOString()
  return { errorCode: hubErrors[code].number, trackingId: requestId, message, timestampUtc }
}
