import { HubError } from '@twinward/protocol'
import { MAX_REGISTRATION_BODY_BYTES } from '../provisioning-views.ts'
import { checkRegistrationBody } from '../registration-body.ts'
import { bodyOf, decodeMessage } from './wire/message.ts'
import { type AmqpValue, idOf } from './wire/values.ts'

/** What a device asks of the provisioning service (11 §3.4). */
export interface RegistrationRequest {
  /** Sent back with the answer, in its own type. */
  readonly correlationId: AmqpValue
  /** Of `iotdps-get-operationstatus`; absent: it wants to register. */
  readonly operationId?: string
}

const MAX_OPERATION_CHARACTERS = 128

/**
 * Reads a request of the device that registers as `registrationId`. To be forced or not makes no
 * difference here: whoever asks is registered again.
 *
 * @throws {Fault} for bytes that are no message
 * @throws {HubError} `MessageTooLarge`, `ArgumentInvalid`, `GenericBadRequest`
 */
export function readRegistrationRequest(
  bytes: Buffer,
  registrationId: string,
): RegistrationRequest {
  if (bytes.length > MAX_REGISTRATION_BODY_BYTES) {
    const limit = `${MAX_REGISTRATION_BODY_BYTES} bytes`
    throw new HubError('MessageTooLarge', `A registration request may take ${limit}.`)
  }
  const message = decodeMessage(bytes)
  const { application, properties } = message
  const correlationId = idOf(properties.correlationId)
  if (correlationId === undefined) throw invalid('correlation-id is missing.')
  const forced = application.get('iotdps-forceRegistration')
  if (forced !== null && typeof forced !== 'boolean') {
    throw invalid('iotdps-forceRegistration must be a boolean.')
  }
  checkRegistrationBody(bodyOf(message), registrationId)
  const operation = application.get('iotdps-operation-type')
  if (operation === 'iotdps-register') return { correlationId }
  if (operation !== 'iotdps-get-operationstatus') {
    throw invalid('iotdps-operation-type must be iotdps-register or iotdps-get-operationstatus.')
  }
  const operationId = application.get('iotdps-operation-id')
  const isOperation =
    typeof operationId === 'string' &&
    operationId !== '' &&
    operationId.length <= MAX_OPERATION_CHARACTERS
  if (!isOperation) {
    throw invalid(`iotdps-operation-id must have 1 to ${MAX_OPERATION_CHARACTERS} characters.`)
  }
  return { correlationId, operationId }
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
