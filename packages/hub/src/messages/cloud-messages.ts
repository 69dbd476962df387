import {
  type CloudMessage,
  type DeviceRef,
  HubError,
  isSameRef,
  MAX_QUEUE_DEPTH,
  refKey,
} from '@twinward/protocol'
import type { ActivityCounters } from '../activity/counters.ts'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Entry, Registry } from '../registry/registry.ts'
import { acceptMessage, DEFAULT_MESSAGE_TTL_MS, MAX_DELIVERY_COUNT } from './cloud-message-rules.ts'
import { type HeldMessage, LiveQueues } from './live-queues.ts'
import type { Lock } from './locks.ts'
import type { FeedbackStatus, MessageHead, MessageQueue, QueueOwner } from './message-queue.ts'
import { findEnabledReceiver, findReceiver, ownerOf } from './receiver.ts'
import { Turns } from './turns.ts'

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

/** What the hub has made of a message that was sent. */
export interface SentMessage {
  readonly messageId: string
  readonly sequence: number
  readonly enqueuedTimeMs: number
  readonly expiresAtMs: number
}

/** How long a received message stays invisible to others (10 §2). */
export const MESSAGE_LOCK_MS = 60_000
/** How soon after the end of a lock its queue is told of. */
const LOCK_SWEEP_MS = 1000
/** How soon after its end a message leaves its queue; nobody gets it in between. */
const EXPIRY_INTERVAL_MS = 10_000

/** Told of each receipt, before its messages are handed out; see `ConnectionEvents`. */
export interface Receipts {
  operated(ref: DeviceRef): Promise<void> | undefined
}

export interface CloudMessagePorts {
  readonly registry: Registry
  readonly messageQueue: MessageQueue
  readonly bus: EventBus
  readonly clock: Clock
  readonly receipts?: Receipts
  readonly counters?: Pick<ActivityCounters, 'count'>
}

/**
 * Cloud-to-device messages: a queue per device or module, and feedback about them (10 §2).
 *
 * What this says is durable, but for the locks: a restart releases them. An identity that is removed
 * takes its queue along, with `Purged` as the feedback; one created again starts with an empty queue.
 */
export class CloudMessages {
  readonly #registry: Registry
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #log: Log
  readonly #ttlMs: number
  readonly #queues: LiveQueues
  readonly #receipts: Receipts | undefined
  readonly #counters: CloudMessagePorts['counters']
  /** Sends, receives and purges of one queue: none sees what another has half done. */
  readonly #turns = new Turns()
  #isExpiring = false

  /** @param ttlMs  how long a message waits at most: `MIN_MESSAGE_TTL_MS` to `MAX_MESSAGE_TTL_MS` */
  constructor(
    { registry, messageQueue, bus, clock, receipts, counters }: CloudMessagePorts,
    log: Log,
    ttlMs = DEFAULT_MESSAGE_TTL_MS,
  ) {
    this.#ttlMs = ttlMs
    this.#registry = registry
    this.#bus = bus
    this.#clock = clock
    this.#log = log
    this.#receipts = receipts
    this.#counters = counters
    this.#queues = new LiveQueues(messageQueue, clock, () => {
      bus.publish({ kind: 'feedback-waiting' })
    })
    bus.subscribe((notice) => {
      if (notice.kind !== 'identity-removed') return
      this.#dropStale(notice.ref).catch((error) => this.#failed(error, 'a queue was not removed'))
    })
  }

  /**
   * Counts what the store holds, then watches locks and expiry until the returned function is called.
   * Must come first when the store may hold messages.
   */
  async start(): Promise<() => void> {
    const owners = await this.#queues.load()
    let isStopped = false
    const stopSweeps = this.#clock.every(LOCK_SWEEP_MS, () => this.#sweepLocks())
    const stopExpiry = this.#clock.every(EXPIRY_INTERVAL_MS, () => this.#expireInBackground())
    this.#dropStaleOf(owners, () => isStopped).catch((error) =>
      this.#failed(error, 'queues of removed identities were not removed'),
    )
    return () => {
      isStopped = true
      stopSweeps()
      stopExpiry()
    }
  }

  /**
   * Resolves when the message is durable.
   *
   * @throws {HubError} `DeviceNotFound` (disabled ones too) or `ModuleNotFound`; `MessageTooLarge`;
   *   `DeviceMaximumQueueDepthExceeded`; `InvalidMessageExpiryTime`; `ArgumentInvalid`
   */
  send(ref: DeviceRef, message: CloudMessage): Promise<SentMessage> {
    return this.#turns.run(refKey(ref), async () => {
      const owner = await findEnabledReceiver(this.#registry, ref)
      const accepted = acceptMessage(message, this.#clock.now(), this.#ttlMs)
      await this.#checkRoom(owner)
      const sequence = await this.#queues.append({ owner, ...accepted })
      this.#tellWaiting(ref)
      const { messageId, enqueuedTimeMs, expiresAtMs } = accepted
      return { messageId, sequence, enqueuedTimeMs, expiresAtMs }
    })
  }

  /** Locks up to `limit` of the oldest messages that are neither locked nor expired. */
  async receive(ref: DeviceRef, limit: number): Promise<readonly LockedMessage[]> {
    const told = this.#receipts?.operated(ref)
    if (told) await told
    const entry = await this.#registry.find(ref)
    if (!entry || this.pendingCount(entry) === 0 || limit < 1) return []
    const most = Math.min(limit, MAX_QUEUE_DEPTH)
    return this.#turns.run(refKey(ref), async () => {
      const held = await this.#queues.lock(ownerOf(entry), most, MESSAGE_LOCK_MS)
      return held.map(toLockedMessage)
    })
  }

  /** @throws {HubError} `DeviceMessageLockLost` */
  complete(ref: DeviceRef, lockToken: string): Promise<void> {
    return this.#settle(ref, lockToken, ({ head }) => this.#take(head, 'Success'))
  }

  /** Dead-letters. @throws {HubError} `DeviceMessageLockLost` */
  reject(ref: DeviceRef, lockToken: string): Promise<void> {
    return this.#settle(ref, lockToken, ({ head }) => this.#take(head, 'Rejected'))
  }

  /**
   * Back to the queue, counted as a delivery; the one of number `MAX_DELIVERY_COUNT` dead-letters.
   *
   * @throws {HubError} `DeviceMessageLockLost`
   */
  async abandon(ref: DeviceRef, lockToken: string): Promise<void> {
    await this.#settle(ref, lockToken, async ({ head }) => {
      const deliveryCount = head.deliveryCount + 1
      if (deliveryCount >= MAX_DELIVERY_COUNT) return this.#take(head, 'DeliveryCountExceeded')
      return this.#queues.setDeliveryCount(head.sequence, deliveryCount)
    })
    this.#tellWaiting(ref)
  }

  /** Back to the queue and not counted: the connection ended. A lock that is lost is no error. */
  async release(ref: DeviceRef, lockTokens: readonly string[]): Promise<void> {
    const locks = lockTokens.flatMap((token) => this.#find(ref, token) ?? [])
    for (const lock of locks) this.#queues.locks.free(lock)
    if (locks.length > 0) this.#tellWaiting(ref)
  }

  /**
   * Removes what waits, locked messages too.
   *
   * @returns how many messages were removed
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`
   */
  purge(ref: DeviceRef): Promise<number> {
    return this.#turns.run(refKey(ref), async () => {
      await findReceiver(this.#registry, ref)
      this.#counters?.count(ref.deviceId, 'queuePurges')
      return this.#queues.remove(await this.#queues.heads(ref), 'Purged')
    })
  }

  /** Messages that wait or are locked. */
  async count(ref: DeviceRef): Promise<number> {
    const entry = await this.#registry.find(ref)
    return entry ? this.pendingCount(entry) : 0
  }

  /** The same, at once. */
  pendingCount({ ref, identity }: Pick<Entry, 'ref' | 'identity'>): number {
    return this.#queues.count(ref, identity.generationId)
  }

  /** Removes all messages whose time is over; what a receiver holds stays until its lock ends. */
  expire(): Promise<void> {
    return this.#queues.expire()
  }

  /** @param settle  resolves with whether the message was still there */
  async #settle(
    ref: DeviceRef,
    token: string,
    settle: (lock: Lock) => Promise<boolean>,
  ): Promise<void> {
    const lock = this.#find(ref, token)
    if (!lock) throw lockLost()
    lock.isSettling = true
    try {
      const wasThere = await settle(lock)
      this.#queues.locks.free(lock)
      if (!wasThere) throw lockLost()
    } finally {
      lock.isSettling = false
    }
  }

  #find(ref: DeviceRef, token: string): Lock | undefined {
    const lock = this.#queues.locks.find(token, this.#clock.now())
    return lock && isSameRef(lock.head.owner.ref, ref) ? lock : undefined
  }

  async #take(head: MessageHead, status: FeedbackStatus): Promise<boolean> {
    return (await this.#queues.remove([head], status)) === 1
  }

  /** A full queue makes room by what has expired in it. */
  async #checkRoom(owner: QueueOwner): Promise<void> {
    const { ref, generationId } = owner
    if (this.#queues.count(ref, generationId) < MAX_QUEUE_DEPTH) return
    const nowMs = this.#clock.now()
    const heads = await this.#queues.heads(ref)
    await this.#queues.removeExpired(heads.filter(({ expiresAtMs }) => expiresAtMs <= nowMs))
    if (this.#queues.count(ref, generationId) < MAX_QUEUE_DEPTH) return
    throw new HubError(
      'DeviceMaximumQueueDepthExceeded',
      `${MAX_QUEUE_DEPTH} messages of ${refKey(ref)} wait already.`,
    )
  }

  /** Removes the queues of a ref that belong to no identity any more. */
  #dropStale(ref: DeviceRef): Promise<number> {
    return this.#turns.run(refKey(ref), async () => {
      const entry = await this.#registry.find(ref)
      const current = entry?.identity.generationId
      const heads = await this.#queues.heads(ref)
      const stale = heads.filter(({ owner }) => owner.generationId !== current)
      return this.#queues.remove(stale, 'Purged')
    })
  }

  /** After a start: an identity may have gone just before the crash. */
  async #dropStaleOf(owners: readonly QueueOwner[], isStopped: () => boolean): Promise<void> {
    for (const { ref, generationId } of owners) {
      if (isStopped()) return
      const entry = await this.#registry.find(ref)
      if (entry?.identity.generationId !== generationId) await this.#dropStale(ref)
    }
  }

  #sweepLocks(): void {
    const ended = this.#queues.locks.freeEnded(this.#clock.now())
    const refs = new Map(ended.map(({ head }) => [refKey(head.owner.ref), head.owner.ref]))
    for (const ref of refs.values()) this.#tellWaiting(ref)
  }

  #expireInBackground(): void {
    if (this.#isExpiring) return
    this.#isExpiring = true
    this.expire()
      .catch((error) => this.#failed(error, 'cloud-to-device messages could not be expired'))
      .finally(() => {
        this.#isExpiring = false
      })
  }

  #tellWaiting(ref: DeviceRef): void {
    this.#bus.publish({ kind: 'cloud-message-waiting', ref })
  }

  #failed(error: unknown, what: string): void {
    this.#log.error({ err: error }, what)
  }
}

function toLockedMessage({ message, token }: HeldMessage): LockedMessage {
  const { owner, messageId: _inSystem, ...rest } = message
  return { ref: owner.ref, lockToken: token, ...rest }
}

function lockLost(): HubError {
  return new HubError('DeviceMessageLockLost', 'The lock of the message is unknown or has ended.')
}
