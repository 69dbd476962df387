import { randomUUID } from 'node:crypto'
import { HubError, hubErrors, toHubError } from '@twinward/protocol'
import type { Registrant } from '../../provisioning/registrations.ts'
import {
  provisioningErrorBody,
  RETRY_AFTER_SECONDS,
  registrationResult,
} from '../provisioning-views.ts'
import type { RegistrationAddress } from './addresses.ts'
import type { Connection } from './connection.ts'
import { type Incoming, IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import { type RegistrationRequest, readRegistrationRequest } from './registration-request.ts'
import { Fault } from './wire/fault.ts'
import { encodeMessage } from './wire/message.ts'
import type { AmqpError } from './wire/performatives.ts'
import { AmqpMap, int, symbolMap } from './wire/values.ts'

/** Statuses from here on pass: clients come back after `retry-after`. */
const FIRST_PASSING_STATUS = 429
/** Where the answers of a session go: the receiver of its registration id. */
const receivers = new WeakMap<object, OutgoingLink>()

/**
 * A device registers with the provisioning service over a pair of links (11 §3.4), both to
 * `{idScope}/registrations/{rid}`:
 *
 *     → correlation-id, iotdps-operation-type iotdps-register               {"registrationId":"pump-1"}
 *     ← correlation-id, retry-after 3                    {"operationId":"…","status":"assigned",…}
 *     → correlation-id, iotdps-operation-type iotdps-get-operationstatus, iotdps-operation-id …
 *
 * What is refused is rejected; the description is the JSON of the error, as C# reads it, and
 * `retry-after` is in its info when it is worth trying again.
 */
export async function serveRegistration(
  connection: Connection,
  link: Link,
  address: RegistrationAddress,
): Promise<void> {
  let registrant: Registrant
  try {
    registrant = await connection.clients.registrants.at(address)
  } catch (thrown) {
    link.detach(conditionOf(connection, thrown))
    return
  }
  if (link instanceof IncomingLink) {
    link.accept({ received: (delivery) => void receive(connection, link, registrant, delivery) })
  } else {
    receivers.set(link.session, link)
    link.accept({})
  }
}

/** Never rejects: what went wrong is the answer. */
async function receive(
  connection: Connection,
  link: IncomingLink,
  registrant: Registrant,
  delivery: Incoming,
): Promise<void> {
  try {
    const request = readRegistrationRequest(delivery.bytes, registrant.registrationId)
    const receiver = receivers.get(link.session)
    if (!receiver?.isOpen) {
      throw new HubError('ArgumentInvalid', 'Attach a receiver of the same address first.')
    }
    const { registrants } = connection.clients
    const body = await registrants.run(() => ask(connection, registrant, request))
    delivery.settle({ kind: 'accepted' })
    const { correlationId } = request
    const application = new AmqpMap([['retry-after', int(RETRY_AFTER_SECONDS)]])
    receiver.sendLater(encodeMessage({ properties: { correlationId }, application, body }))
  } catch (thrown) {
    const error = conditionOf(connection, thrown)
    delivery.settle({ kind: 'rejected', error })
    if (delivery.isSettled) link.detach(error)
  }
}

async function ask(
  { parts }: Connection,
  registrant: Registrant,
  { operationId }: RegistrationRequest,
): Promise<Buffer> {
  const { registrations } = parts.hub.provisioning
  const registration =
    operationId === undefined
      ? await registrations.register(registrant)
      : await registrations.lookUp(registrant, operationId)
  return Buffer.from(JSON.stringify(registrationResult(registration)))
}

/** Clients try again after `internal-error` and throttling alone (11 §3.4). */
function conditionOf({ parts }: Connection, thrown: unknown): AmqpError {
  const isMalformed = thrown instanceof Fault
  const error = isMalformed ? new HubError('IotHubFormatError', thrown.message) : toHubError(thrown)
  const { log, clock } = parts.hub
  const requestId = randomUUID()
  const { status, number, amqp } = hubErrors[error.code]
  if (error.code === 'ServerError') log.error({ err: thrown, requestId }, 'a registration failed')
  const isPassing = status >= FIRST_PASSING_STATUS
  const isThrottled = status === FIRST_PASSING_STATUS
  const lasting = isMalformed ? thrown.condition : amqp
  return {
    condition: isPassing && !isThrottled ? 'amqp:internal-error' : lasting,
    description: JSON.stringify(provisioningErrorBody(error, { requestId, nowMs: clock.now() })),
    info: symbolMap({
      'com.microsoft:tracking-id': requestId,
      'com.microsoft:error-code': int(number),
      ...(isPassing && { 'retry-after': int(RETRY_AFTER_SECONDS) }),
    }),
  }
}
