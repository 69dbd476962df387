/**
 * Every way Twinward refuses a request. Names and numbers are IoT Hub's, because SDKs match on them.
 * Each gateway reads its own column; nothing else in the code base knows a status or a condition.
 */
export const hubErrors = {
  GenericBadRequest: { number: 400000, status: 400, amqp: 'amqp:invalid-field' },
  ArgumentInvalid: { number: 400004, status: 400, amqp: 'com.microsoft:argument-error' },
  ArgumentNull: { number: 400005, status: 400, amqp: 'com.microsoft:argument-error' },
  IotHubFormatError: { number: 400006, status: 400, amqp: 'com.microsoft:argument-error' },
  DeviceDefinedMultipleTimes: { number: 400011, status: 400, amqp: 'com.microsoft:argument-error' },
  BulkRegistryOperationFailure: {
    number: 400013,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  GenericUnauthorized: { number: 401000, status: 401, amqp: 'amqp:unauthorized-access' },
  IotHubUnauthorizedAccess: { number: 401002, status: 401, amqp: 'amqp:unauthorized-access' },
  IotHubUnauthorized: { number: 401003, status: 401, amqp: 'amqp:unauthorized-access' },
  GenericForbidden: { number: 403000, status: 403, amqp: 'amqp:unauthorized-access' },
  GenericNotFound: { number: 404000, status: 404, amqp: 'amqp:not-found' },
  DeviceNotFound: { number: 404001, status: 404, amqp: 'amqp:not-found' },
  ModuleNotFound: { number: 404010, status: 404, amqp: 'amqp:not-found' },
  GenericMethodNotAllowed: { number: 405000, status: 405, amqp: 'amqp:not-allowed' },
  DeviceAlreadyExists: { number: 409001, status: 409, amqp: 'com.microsoft:device-already-exists' },
  ModuleAlreadyExistsOnDevice: {
    number: 409301,
    status: 409,
    amqp: 'com.microsoft:device-already-exists',
  },
  PreconditionFailed: { number: 412001, status: 412, amqp: 'com.microsoft:precondition-failed' },
  MessageTooLarge: { number: 413001, status: 413, amqp: 'amqp:link:message-size-exceeded' },
  TooManyDevices: { number: 413002, status: 413, amqp: 'amqp:resource-limit-exceeded' },
  TooManyModulesOnDevice: { number: 413003, status: 413, amqp: 'amqp:resource-limit-exceeded' },
  GenericUnsupportedMediaType: { number: 415000, status: 415, amqp: 'amqp:invalid-field' },
  ThrottlingException: {
    number: 429001,
    status: 429,
    amqp: 'com.microsoft:device-container-throttled',
  },
  ServerError: { number: 500001, status: 500, amqp: 'amqp:internal-error' },
  /** Twinward's own: a route of IoT Hub's that this version does not serve yet. */
  NotImplemented: { number: 501000, status: 501, amqp: 'amqp:not-implemented' },
  ServiceUnavailable: { number: 503001, status: 503, amqp: 'com.microsoft:timeout' },
} as const satisfies Record<string, { number: number; status: number; amqp: string }>

export type HubErrorCode = keyof typeof hubErrors

/** The only error a caller may see. `message` is shown to clients: no secrets, no stack, no SQL. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: HubErrorCode

  constructor(code: HubErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** What a gateway answers for whatever was thrown: a bug or a lost database becomes `ServerError`. */
export function toHubError(thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown
  return new HubError('ServerError', 'The hub could not complete the request.', { cause: thrown })
}
