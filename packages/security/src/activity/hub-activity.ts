import type { DeviceRef } from '@twinward/protocol'

/** What a hub writes down about itself (docs/operate/hub-alerts.md). */
export interface HubEvent {
  /** Place in the hub's log; grows, may skip. */
  readonly sequence: number
  readonly kind: string
  readonly outcome: 'success' | 'failure'
  readonly reason?: string
  /** Of an identity that exists. */
  readonly ref?: DeviceRef
  /** The policy that did it. */
  readonly principal?: string
  readonly address?: string
  /** What it was done to. */
  readonly subject?: string
  readonly detail?: string
  /** Whether the identity was connected at that time. */
  readonly isConnected?: boolean
  readonly firstMs: number
  readonly lastMs: number
  /** Repeats within a minute are one event. */
  readonly count: number
}

/** What hubs count of each device and its modules, per minute. */
export type HubCounter =
  | 'amqpD2C'
  | 'mqttD2C'
  | 'httpD2C'
  | 'amqpC2D'
  | 'mqttC2D'
  | 'httpC2D'
  | 'amqpC2DRejected'
  | 'mqttC2DRejected'
  | 'httpC2DRejected'
  | 'directMethodInvokes'
  | 'fileUploads'
  | 'queuePurges'
  | 'twinUpdates'
  | 'unauthorizedOperations'
  | 'connects'

export interface DeviceUse {
  readonly deviceId: string
  /** Those that are not 0. */
  readonly counts: { readonly [counter in HubCounter]?: number }
}

/** So many devices of that minute, and all of the minutes before it, are read. */
export interface UsePlace {
  readonly minuteMs: number
  readonly read: number
}

/** Some of the devices that used the hub in one minute that is over. */
export interface UsePage {
  /** When the minute began: ms since the epoch, a whole minute. */
  readonly minuteMs: number
  readonly devices: readonly DeviceUse[]
  /** False: something of this minute, or of one before it, is not known. */
  readonly isComplete: boolean
  /** For the next read. */
  readonly place: UsePlace
}

/** What a hub tells of its own use, where it does. Who asks has the data as long as it needs. */
export interface HubActivity {
  /** Up to `limit` events after that sequence, oldest first. The hub forgets them by itself. */
  readEvents(after: number, limit: number): Promise<readonly HubEvent[]>
  /**
   * What follows a place, at most `limit` devices; `undefined` when no further minute is over. Minutes
   * in which nobody did anything are left out. A crash loses what was not read yet.
   */
  readUse(place: UsePlace, limit: number): Promise<UsePage | undefined>
  /** Minutes before this one have been taken over for good. */
  releaseUse(beforeMs: number): Promise<void>
  /** Devices that have been connected without a pause since then, or longer. */
  connectedSince(timeMs: number): Promise<readonly string[]>
}
