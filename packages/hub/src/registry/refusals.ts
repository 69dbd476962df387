import { HubError } from '@twinward/protocol'

/** A device or module may not connect. Who asked learns nothing but that; `reason` is for the log. */
export function refused(reason: string): HubError {
  return new HubError('IotHubUnauthorized', 'Unauthorized', { cause: reason })
}

/** A token is good for something else, or a service may not do this (06 §8). */
export function unauthorized(reason: string): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { cause: reason })
}
