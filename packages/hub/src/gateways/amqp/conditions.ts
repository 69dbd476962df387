import { randomUUID } from 'node:crypto'
import { HubError, hubErrors, toHubError } from '@twinward/protocol'
import type { Log } from '../../log.ts'
import type { CloseReason } from '../../sessions/sessions.ts'
import type { AmqpError } from './wire/performatives.ts'
import { int, symbolMap } from './wire/values.ts'

/** Why the hub closes a connection. */
export const STOPPING: AmqpError = {
  condition: 'amqp:connection:forced',
  description: 'The hub is stopping.',
}
export const SILENT: AmqpError = {
  condition: 'amqp:resource-limit-exceeded',
  description: 'Nothing was heard within the idle timeout.',
}
export const UNPROVEN: AmqpError = {
  condition: 'amqp:unauthorized-access',
  description: 'Nobody has authenticated on this connection.',
}

/** What a peer is told of whatever was thrown (04 §8); a bug goes to the log as well. */
export function conditionFor(thrown: unknown, log: Log): AmqpError {
  const error = toHubError(thrown)
  const { amqp, number } = hubErrors[error.code]
  const trackingId = randomUUID()
  if (error.code === 'ServerError') {
    log.error({ err: thrown, trackingId }, 'an amqp operation failed')
  }
  return {
    condition: amqp,
    description: error.message,
    info: symbolMap({
      'com.microsoft:tracking-id': trackingId,
      'com.microsoft:error-code': int(number),
    }),
  }
}

/** What the links of an identity are told when its session ends. */
export function conditionOfEnd(reason: CloseReason): AmqpError {
  return { condition: CLOSE_CONDITIONS[reason], description: reason }
}

const CLOSE_CONDITIONS: Readonly<Record<CloseReason, string>> = {
  'taken over by a newer connection': 'amqp:link:stolen',
  'the identity was removed': 'amqp:not-found',
  'the identity was disabled': 'amqp:unauthorized-access',
  'the credential changed': 'amqp:unauthorized-access',
  'the CA was revoked': 'amqp:unauthorized-access',
  'the hub is stopping': 'amqp:link:detach-forced',
}

/** Nobody has proven that he may do this. */
export function unauthorized(reason: string): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { cause: reason })
}
