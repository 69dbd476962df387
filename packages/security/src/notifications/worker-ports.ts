import type { Clock } from '../clock.ts'
import type { FindingFeed } from '../findings/finding-feed.ts'
import type { Log } from '../log.ts'
import type { NotificationStore } from './notification-store.ts'
import type { Route } from './route.ts'

/** What one channel works with. */
export interface WorkerPorts {
  readonly store: NotificationStore
  readonly feed: FindingFeed
  readonly clock: Clock
  readonly log: Log
  /** The security group of a device, in lower case. */
  readonly groupOf: (deviceId: string) => Promise<string>
  /** Routes to this channel. */
  readonly routes: () => readonly Route[]
  readonly baseUrl: () => string
  /** At least 0, below 1. */
  readonly random: () => number
}
