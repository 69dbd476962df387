import { type CloudMessage, type DeviceRef, HubError } from '@twinward/protocol'

/** A cloud-to-device message that a receiver holds until it settles it or the lock ends. */
export interface LockedMessage extends CloudMessage {
  readonly ref: DeviceRef
  readonly lockToken: string
  readonly sequence: number
  readonly enqueuedTimeMs: number
  readonly expiresAtMs: number
  /** Explicit abandons so far. */
  readonly deliveryCount: number
}

/** How long a received message stays invisible to others (10 §2). */
export const MESSAGE_LOCK_MS = 60_000

/** Cloud-to-device messages: a queue per device or module, and the feedback about them (10 §2). */
export class CloudMessages {
  /**
   * Resolves when the message is durable.
   *
   * @throws {HubError} `DeviceNotFound` (disabled ones too) or `ModuleNotFound`; `MessageTooLarge`;
   *   `DeviceMaximumQueueDepthExceeded`; `InvalidMessageExpiryTime`; `ArgumentInvalid`
   */
  async send(_ref: DeviceRef, _message: CloudMessage): Promise<void> {
    throw notYet()
  }

  /** Locks up to `limit` of the oldest messages that are neither locked nor expired. */
  async receive(_ref: DeviceRef, _limit: number): Promise<readonly LockedMessage[]> {
    return []
  }

  /** @throws {HubError} `DeviceMessageLockLost` */
  async complete(_ref: DeviceRef, _lockToken: string): Promise<void> {
    throw notYet()
  }

  /** Dead-letters. @throws {HubError} `DeviceMessageLockLost` */
  async reject(_ref: DeviceRef, _lockToken: string): Promise<void> {
    throw notYet()
  }

  /** Back to the queue, counted as a delivery. @throws {HubError} `DeviceMessageLockLost` */
  async abandon(_ref: DeviceRef, _lockToken: string): Promise<void> {
    throw notYet()
  }

  /** Back to the queue and not counted: the connection ended. A lock that is lost is no error. */
  async release(_ref: DeviceRef, _lockTokens: readonly string[]): Promise<void> {}

  /** @returns how many messages were removed. @throws {HubError} `DeviceNotFound` */
  async purge(_ref: DeviceRef): Promise<number> {
    throw notYet()
  }

  /** Messages that wait or are locked. */
  async count(_ref: DeviceRef): Promise<number> {
    return 0
  }
}

function notYet(): HubError {
  return new HubError('NotImplemented', 'Cloud-to-device messages are not served yet.')
}
