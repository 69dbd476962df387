import { HubError } from '@twinward/protocol'
import type { AuthFailureReason } from '../activity/audit-event.ts'

/** Why somebody was refused, for the audit log; nothing that goes over a wire knows it. */
const reasons = new WeakMap<HubError, AuthFailureReason>()

/** A device or module may not connect. Who asked learns nothing but that; `cause` is for the log. */
export function refused(cause: string, reason: AuthFailureReason = 'other'): HubError {
  return withReason(new HubError('IotHubUnauthorized', 'Unauthorized', { cause }), reason)
}

/** A token is good for something else, or a service may not do this (06 §8). */
export function unauthorized(cause: string): HubError {
  return withReason(new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { cause }), 'other')
}

/** `undefined` when the error is no refusal of these. */
export function refusalReason(error: HubError): AuthFailureReason | undefined {
  return reasons.get(error)
}

function withReason(error: HubError, reason: AuthFailureReason): HubError {
  reasons.set(error, reason)
  return error
}
