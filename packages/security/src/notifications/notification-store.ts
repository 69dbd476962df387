import type { Page } from '../data/finding-store.ts'
import type { Channel } from './channel.ts'
import type { DeadLetter, Delivery } from './delivery.ts'
import type { RouteWindows } from './rate-window.ts'
import type { Route } from './route.ts'

/** How far a channel has come; committed together with what it queued or sent. */
export interface Progress {
  /** The last change of the feed that was decided. */
  readonly cursor: number
  /** The greatest `Delivery.number` so far. */
  readonly lastNumber: number
  readonly windows: RouteWindows
  /** Since the channel was made. */
  readonly delivered: number
  readonly deadLettered: number
  /** Changes that left the feed before this channel came to them. */
  readonly missed: number
  /** Dead letters that went to make room for newer ones. */
  readonly droppedDeadLetters: number
  /** 0 = never. */
  readonly lastSuccessMs: number
  readonly lastFailureMs: number
  readonly lastFailure: string
}

/** That of a channel that has done nothing yet. */
export const NEW_PROGRESS: Progress = {
  cursor: 0,
  lastNumber: 0,
  windows: {},
  delivered: 0,
  deadLettered: 0,
  missed: 0,
  droppedDeadLetters: 0,
  lastSuccessMs: 0,
  lastFailureMs: 0,
  lastFailure: '',
}

/** One step of a channel: all of it or nothing. */
export interface OutboxStep {
  readonly progress: Progress
  /** New ones, and those whose attempts changed. */
  readonly put?: readonly Delivery[]
  /** Ids of those that left. */
  readonly remove?: readonly string[]
  readonly dead?: readonly DeadLetter[]
  /** Ids of dead letters that left. */
  readonly removeDead?: readonly string[]
}

/** A fire drill under way; who crashes finds it again. */
export interface StoredDrill {
  readonly id: string
  readonly deviceId: string
  readonly startedMs: number
}

/**
 * Channels, routes and what waits for each channel. Adapters: `adapters/memory`, `adapters/sqlite`; each
 * passes `test/contracts/notification-store.ts`. A promise resolves once the change would survive a crash.
 */
export interface NotificationStore {
  channels(): Promise<readonly Channel[]>
  putChannel(channel: Channel): Promise<void>
  /** With everything that waits for it, its dead letters and its progress. */
  removeChannel(id: string): Promise<void>

  routes(): Promise<readonly Route[]>
  putRoute(route: Route): Promise<void>
  removeRoute(id: string): Promise<void>

  /** Ids of all channels that have a progress, also of those that are no longer there. */
  channelsWithProgress(): Promise<readonly string[]>
  progress(channelId: string): Promise<Progress | undefined>
  /** What waits, by number, after a number; at most `limit`. */
  waiting(channelId: string, after: number, limit: number): Promise<readonly Delivery[]>
  /** Upserts by id, removes; the oldest dead letters beyond `MAX_DEAD_LETTERS` go. One transaction. */
  commit(channelId: string, step: OutboxStep): Promise<void>

  /** The last that was given up first. @throws {HubError} `ArgumentInvalid` as `FindingStore` lists */
  deadLetters(filter: {
    readonly channelId?: string
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<DeadLetter>>
  findDeadLetter(id: string): Promise<DeadLetter | undefined>
  countDeadLetters(channelId: string): Promise<number>

  drills(): Promise<readonly StoredDrill[]>
  putDrill(drill: StoredDrill): Promise<void>
  removeDrill(id: string): Promise<void>
}
