import type { JsonObject } from './json.ts'

/**
 * Every way Twinward refuses a request. Names and numbers are IoT Hub's, because SDKs match on them.
 * Each gateway reads its own column; nothing else in the code base knows a status or a condition.
 */
export const hubErrors = {
  GenericBadRequest: { number: 400000, status: 400, amqp: 'amqp:invalid-field' },
  InvalidProtocolVersion: { number: 400001, status: 400, amqp: 'com.microsoft:argument-error' },
  DeviceInvalidResultCount: { number: 400002, status: 400, amqp: 'com.microsoft:argument-error' },
  InvalidOperation: { number: 400003, status: 400, amqp: 'com.microsoft:argument-error' },
  ArgumentInvalid: { number: 400004, status: 400, amqp: 'com.microsoft:argument-error' },
  ArgumentNull: { number: 400005, status: 400, amqp: 'com.microsoft:argument-error' },
  IotHubFormatError: { number: 400006, status: 400, amqp: 'com.microsoft:argument-error' },
  DeviceStorageEntitySerializationError: {
    number: 400007,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  BlobContainerValidationError: {
    number: 400008,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  ImportWarningExistsError: { number: 400009, status: 400, amqp: 'com.microsoft:argument-error' },
  InvalidSchemaVersion: { number: 400010, status: 400, amqp: 'com.microsoft:argument-error' },
  DeviceDefinedMultipleTimes: { number: 400011, status: 400, amqp: 'com.microsoft:argument-error' },
  DeserializationError: { number: 400012, status: 400, amqp: 'com.microsoft:argument-error' },
  BulkRegistryOperationFailure: {
    number: 400013,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  DefaultStorageEndpointNotConfigured: {
    number: 400014,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidFileUploadCorrelationId: {
    number: 400015,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  ExpiredFileUploadCorrelationId: {
    number: 400016,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  ConnectionForcefullyClosedOnNewConnection: {
    number: 400027,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidDeviceScope: { number: 400028, status: 400, amqp: 'com.microsoft:argument-error' },
  CannotRegisterModuleToModule: {
    number: 400301,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidConfigurationTargetCondition: {
    number: 400401,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidConfigurationContent: {
    number: 400402,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidConfigurationCustomMetricsQuery: {
    number: 400404,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidDigitalTwinJsonPatch: {
    number: 400505,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidDigitalTwinPayload: {
    number: 400506,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  InvalidDigitalTwinPatchPath: {
    number: 400508,
    status: 400,
    amqp: 'com.microsoft:argument-error',
  },
  GenericUnauthorized: { number: 401000, status: 401, amqp: 'amqp:unauthorized-access' },
  IotHubNotFound: { number: 401001, status: 401, amqp: 'amqp:unauthorized-access' },
  IotHubUnauthorizedAccess: { number: 401002, status: 401, amqp: 'amqp:unauthorized-access' },
  IotHubUnauthorized: { number: 401003, status: 401, amqp: 'amqp:unauthorized-access' },
  SystemModuleModifyUnauthorizedAccess: {
    number: 401100,
    status: 401,
    amqp: 'amqp:unauthorized-access',
  },
  GenericForbidden: { number: 403000, status: 403, amqp: 'amqp:unauthorized-access' },
  IotHubQuotaExceeded: { number: 403002, status: 403, amqp: 'amqp:resource-limit-exceeded' },
  JobQuotaExceeded: { number: 403003, status: 403, amqp: 'amqp:unauthorized-access' },
  DeviceMaximumQueueDepthExceeded: {
    number: 403004,
    status: 403,
    amqp: 'amqp:resource-limit-exceeded',
  },
  IotHubMaxCbsTokenExceeded: {
    number: 403005,
    status: 403,
    amqp: 'amqp:resource-limit-exceeded',
  },
  DeviceMaximumActiveFileUploadLimitExceeded: {
    number: 403006,
    status: 403,
    amqp: 'amqp:unauthorized-access',
  },
  DeviceMaximumQueueSizeExceeded: { number: 403007, status: 403, amqp: 'amqp:unauthorized-access' },
  InvalidMessageExpiryTime: { number: 403009, status: 403, amqp: 'amqp:unauthorized-access' },
  DeviceDisabled: { number: 403012, status: 403, amqp: 'amqp:unauthorized-access' },
  DeviceMaximumInflightMethodExceeded: {
    number: 403800,
    status: 403,
    amqp: 'amqp:unauthorized-access',
  },
  GenericNotFound: { number: 404000, status: 404, amqp: 'amqp:not-found' },
  DeviceNotFound: { number: 404001, status: 404, amqp: 'amqp:not-found' },
  JobNotFound: { number: 404002, status: 404, amqp: 'amqp:not-found' },
  AmqpAddressNotFound: { number: 404006, status: 404, amqp: 'amqp:not-found' },
  CertificateNotFound: { number: 404008, status: 404, amqp: 'amqp:not-found' },
  ModuleNotFound: { number: 404010, status: 404, amqp: 'amqp:not-found' },
  DeviceNotOnline: { number: 404103, status: 404, amqp: 'amqp:not-found' },
  DeviceConnectionClosedRemotely: { number: 404104, status: 404, amqp: 'amqp:not-found' },
  /** Of the provisioning service. */
  EnrollmentNotFound: { number: 404201, status: 404, amqp: 'amqp:not-found' },
  RegistrationNotFound: { number: 404202, status: 404, amqp: 'amqp:not-found' },
  ConfigurationNotFound: { number: 404301, status: 404, amqp: 'amqp:not-found' },
  GenericMethodNotAllowed: { number: 405000, status: 405, amqp: 'amqp:not-allowed' },
  OperationNotAllowedInCurrentState: { number: 405102, status: 405, amqp: 'amqp:not-allowed' },
  GenericConflict: { number: 409000, status: 409, amqp: 'amqp:precondition-failed' },
  DeviceAlreadyExists: { number: 409001, status: 409, amqp: 'com.microsoft:device-already-exists' },
  LinkCreationConflict: { number: 409002, status: 409, amqp: 'amqp:link:stolen' },
  JobAlreadyExists: { number: 409104, status: 409, amqp: 'amqp:precondition-failed' },
  ModuleAlreadyExistsOnDevice: {
    number: 409301,
    status: 409,
    amqp: 'com.microsoft:device-already-exists',
  },
  ConfigurationAlreadyExists: {
    number: 409401,
    status: 409,
    amqp: 'amqp:precondition-failed',
  },
  GenericPreconditionFailed: {
    number: 412000,
    status: 412,
    amqp: 'com.microsoft:precondition-failed',
  },
  PreconditionFailed: { number: 412001, status: 412, amqp: 'com.microsoft:precondition-failed' },
  DeviceMessageLockLost: { number: 412002, status: 412, amqp: 'com.microsoft:message-lock-lost' },
  GenericRequestEntityTooLarge: {
    number: 413000,
    status: 413,
    amqp: 'amqp:resource-limit-exceeded',
  },
  MessageTooLarge: { number: 413001, status: 413, amqp: 'amqp:link:message-size-exceeded' },
  TooManyDevices: { number: 413002, status: 413, amqp: 'amqp:resource-limit-exceeded' },
  TooManyModulesOnDevice: { number: 413003, status: 413, amqp: 'amqp:resource-limit-exceeded' },
  ConfigurationCountLimitExceeded: {
    number: 413101,
    status: 413,
    amqp: 'amqp:resource-limit-exceeded',
  },
  GenericUnsupportedMediaType: { number: 415000, status: 415, amqp: 'amqp:invalid-field' },
  GenericTooManyRequests: {
    number: 429000,
    status: 429,
    amqp: 'com.microsoft:device-container-throttled',
  },
  ThrottlingException: {
    number: 429001,
    status: 429,
    amqp: 'com.microsoft:device-container-throttled',
  },
  ThrottlingMaxActiveJobCountExceeded: {
    number: 429004,
    status: 429,
    amqp: 'com.microsoft:device-container-throttled',
  },
  ThrottleBacklogLimitExceeded: {
    number: 429002,
    status: 429,
    amqp: 'com.microsoft:device-container-throttled',
  },
  ServerError: { number: 500001, status: 500, amqp: 'amqp:internal-error' },
  GenericTimeout: { number: 500008, status: 500, amqp: 'amqp:internal-error' },
  /** Twinward's own: a route of IoT Hub's that this version does not serve yet. */
  NotImplemented: { number: 501000, status: 501, amqp: 'amqp:not-implemented' },
  GenericBadGateway: { number: 502000, status: 502, amqp: 'amqp:internal-error' },
  ServiceUnavailable: { number: 503001, status: 503, amqp: 'com.microsoft:timeout' },
  PartitionNotFound: { number: 503003, status: 503, amqp: 'com.microsoft:timeout' },
  GenericGatewayTimeout: { number: 504000, status: 504, amqp: 'com.microsoft:timeout' },
  GatewayTimeout: { number: 504101, status: 504, amqp: 'com.microsoft:timeout' },
} as const satisfies Record<string, { number: number; status: number; amqp: string }>

export type HubErrorCode = keyof typeof hubErrors

export interface HubErrorOptions extends ErrorOptions {
  /** Facts for programs, shown as `info` of an error's object (00 §4.2), e.g. a timeout. */
  readonly info?: JsonObject
}

/** The only error a caller may see. `message` is shown to clients: no secrets, no stack, no SQL. */
export class HubError extends Error {
  override readonly name = 'HubError'
  readonly code: HubErrorCode
  readonly info: JsonObject | undefined

  constructor(code: HubErrorCode, message: string, options: HubErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.info = options.info
  }
}

/** What a gateway answers for whatever was thrown: a bug or a lost database becomes `ServerError`. */
export function toHubError(thrown: unknown): HubError {
  if (thrown instanceof HubError) return thrown
  return new HubError('ServerError', 'The hub could not complete the request.', { cause: thrown })
}
