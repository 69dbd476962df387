import { randomUUID } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import { FeedWatch } from '../findings/feed-watch.ts'
import { type FindingChange, subjectOf } from '../findings/finding-change.ts'
import { Serial } from '../serial.ts'
import { pauseAfter } from './backoff.ts'
import type { Channel } from './channel.ts'
import type { DeadLetter, Delivery } from './delivery.ts'
import { distribute } from './distribute.ts'
import { MAX_CHANGES_AT_ONCE, MAX_DEAD_LETTERS } from './limits.ts'
import { NEW_PROGRESS, type OutboxStep, type Progress } from './notification-store.ts'
import { Outbox } from './outbox.ts'
import { nextSummaryMs } from './rate-window.ts'
import type { Route } from './route.ts'
import { type Settlement, settle } from './settle.ts'
import { toSendNow } from './to-send.ts'
import type { SendFailure, Transport } from './transport.ts'
import type { WorkerPorts } from './worker-ports.ts'

/** What waits is looked at so often, if nothing wakes the channel before: notices may be lost. */
const LOOK_INTERVAL_MS = 5_000
/** Pause after a step that failed for another reason than the other end. */
const STEP_PAUSE_MS = 2_000
/** Deliveries that are read at once when the channel starts. */
const LOAD_PAGE = 100

const MISSED = 'changes of findings left the feed before a notification channel came to them'

/** Told of each attempt. */
export type AttemptListener = (delivery: Delivery, failure: SendFailure | undefined) => void

/**
 * One channel: takes changes from the feed, queues what its routes want, and sends it, trying again until
 * it arrives or is given up. Everything that it decides is committed before the next step, so whoever
 * kills the process loses nothing; what was sent and not yet noted is sent again with the same id.
 */
export class ChannelWorker {
  readonly channel: Channel
  readonly #transport: Transport
  readonly #ports: WorkerPorts
  readonly #outbox = new Outbox()
  readonly #stopping = new AbortController()
  readonly #changes = new Serial()
  readonly #listeners = new Set<AttemptListener>()
  #progress: Progress = NEW_PROGRESS
  #deadLetters = 0
  /** Failures in a row, and the time until which only a fire drill is sent. */
  #failures = 0
  #pausedUntilMs = 0
  readonly #watch: FeedWatch
  #loop: Promise<void> | undefined

  constructor(channel: Channel, transport: Transport, ports: WorkerPorts) {
    this.channel = channel
    this.#transport = transport
    this.#ports = ports
    this.#watch = new FeedWatch(ports.feed, ports.clock, this.#stopping.signal)
  }

  get progress(): Progress {
    return this.#progress
  }

  get outbox(): Pick<Outbox, 'size' | 'characters' | 'oldestMs'> {
    return this.#outbox
  }

  /** When it is tried again after failures; 0 when nothing keeps it. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs > this.#ports.clock.now() ? this.#pausedUntilMs : 0
  }

  get deadLetters(): number {
    return this.#deadLetters
  }

  /** Reads where it stopped, or begins at the end of the feed; then goes on by itself. */
  async start(): Promise<void> {
    const { store, feed } = this.#ports
    const { id, isEnabled } = this.channel
    const known = await store.progress(id)
    const isFresh = known === undefined || !isEnabled
    this.#progress = { ...NEW_PROGRESS, ...known, ...(isFresh && { cursor: await feed.last() }) }
    this.#deadLetters = await store.countDeadLetters(id)
    for (let after = 0; ; ) {
      const page = await store.waiting(id, after, LOAD_PAGE)
      for (const delivery of page) this.#outbox.put(delivery)
      after = page.at(-1)?.number ?? after
      if (page.length < LOAD_PAGE) break
    }
    if (isFresh) await store.commit(id, { progress: this.#progress })
    if (!isEnabled) return
    this.#loop = this.#run()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    this.#watch.close()
    await this.#transport.close()
    await this.#loop
    await this.#changes.run(async () => {})
  }

  /** @returns a function that ends it */
  watch(listener: AttemptListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Sends one that is in no queue. @returns why it failed */
  async attempt(delivery: Delivery): Promise<SendFailure | undefined> {
    return (await this.#send([delivery]))[0]
  }

  /**
   * Puts a dead letter behind what waits.
   *
   * @throws {HubError} `ServiceUnavailable` when too much waits already
   */
  retry({ delivery }: DeadLetter): Promise<void> {
    return this.#changes.run(async () => {
      if (this.#outbox.room === 0) {
        throw new HubError('ServiceUnavailable', 'Too many notifications wait for this channel.')
      }
      const nowMs = this.#ports.clock.now()
      const number = this.#progress.lastNumber + 1
      const again = { ...delivery, number, createdMs: nowMs, nextMs: nowMs, attempts: 0 }
      const progress = { ...this.#progress, lastNumber: number }
      await this.#commit({ progress, put: [again], removeDead: [delivery.id] })
      this.#pausedUntilMs = 0
      this.#watch.wake()
    })
  }

  /** What happened until now is not told: for a channel that was disabled. */
  skip(): Promise<void> {
    return this.#changes.run(async () => {
      const cursor = await this.#ports.feed.last()
      await this.#commit({ progress: { ...this.#progress, cursor } })
    })
  }

  discard({ delivery }: DeadLetter): Promise<void> {
    return this.#changes.run(() =>
      this.#commit({ progress: this.#progress, removeDead: [delivery.id] }),
    )
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const isBusy = [await this.#fill(), await this.#sendDue()].includes(true)
        if (!isBusy) await this.#watch.wait(this.#untilNextMs())
      } catch (error) {
        if (signal.aborted) return
        const { id: channel } = this.channel
        log.error({ err: error, channel }, 'a step of a notification channel failed; trying again')
        await clock.sleep(STEP_PAUSE_MS, signal).catch(() => {})
      }
    }
  }

  /** Takes what is next in the feed. @returns whether there may be more */
  #fill(): Promise<boolean> {
    return this.#changes.run(async () => {
      const { feed, clock, routes, groupOf, baseUrl } = this.#ports
      const limit = Math.min(MAX_CHANGES_AT_ONCE, this.#outbox.room)
      if (limit === 0) return false
      const changes = await feed.after(this.#progress.cursor, limit)
      const summaryMs = nextSummaryMs(this.#progress.windows) ?? Number.POSITIVE_INFINITY
      if (changes.length === 0 && summaryMs > clock.now()) return false
      const mine = routes()
      const groups = await this.#groupsOf(changes, mine, groupOf)
      const { progress, deliveries } = distribute(this.#progress, changes, mine, {
        channelId: this.channel.id,
        nowMs: clock.now(),
        baseUrl: baseUrl(),
        makeId: randomUUID,
        groupOf: (deviceId) => groups.get(deviceId) ?? '',
      })
      const missed = progress.missed - this.#progress.missed
      await this.#commit({ progress, put: deliveries })
      if (missed > 0) this.#ports.log.warn({ channel: this.channel.id, missed }, MISSED)
      return changes.length > 0
    })
  }

  /** Nobody is asked for a device's tags unless a route wants to know its group. */
  async #groupsOf(
    changes: readonly FindingChange[],
    routes: readonly Route[],
    groupOf: WorkerPorts['groupOf'],
  ): Promise<ReadonlyMap<string, string>> {
    const groups = new Map<string, string>()
    if (!routes.some((route) => route.groups.length > 0)) return groups
    for (const deviceId of new Set(changes.map((change) => subjectOf(change).deviceId))) {
      groups.set(deviceId, await groupOf(deviceId))
    }
    return groups
  }

  /** @returns whether anything was sent */
  async #sendDue(): Promise<boolean> {
    const nowMs = this.#ports.clock.now()
    const isPaused = nowMs < this.#pausedUntilMs
    // After a failure one alone finds out whether the other end is back.
    const most = this.#failures > 0 ? 1 : this.#transport.batch
    const due = toSendNow(this.#outbox.heads(), { nowMs, isPaused, most })
    if (due.length === 0) return false
    const failures = await this.#send(due)
    if (this.#stopping.signal.aborted) {
      // The end of the process is nobody's failure; what arrived before has arrived.
      const arrived = due.filter((_, at) => failures[at] === undefined)
      await this.#changes.run(() => this.#settle(arrived, []))
      return false
    }
    await this.#changes.run(() => this.#settle(due, failures))
    return true
  }

  async #settle(
    sent: readonly Delivery[],
    failures: readonly (SendFailure | undefined)[],
  ): Promise<void> {
    const { clock, random, log } = this.#ports
    const nowMs = clock.now()
    const settled = settle(sent, failures, { nowMs, random })
    const { delivered, dead, lastFailure } = settled
    if (delivered.length > 0 || lastFailure === undefined) this.#failures = 0
    else this.#failures++
    const pauseMs =
      this.#failures > 0 ? pauseAfter(this.#failures, random()) : this.#transport.pauseMs
    this.#pausedUntilMs = nowMs + pauseMs
    await this.#commit({ ...settled, progress: this.#afterSettling(settled, nowMs) })
    if (dead.length > 0) {
      const fields = { channel: this.channel.id, count: dead.length, reason: lastFailure }
      log.warn(fields, 'notifications were given up; they are in the list of dead letters')
    }
    for (const [at, delivery] of sent.entries()) {
      for (const listener of this.#listeners) listener(delivery, failures[at])
    }
  }

  #afterSettling({ delivered, dead, lastFailure }: Settlement, nowMs: number): Progress {
    const before = this.#progress
    const overflow = Math.max(0, this.#deadLetters + dead.length - MAX_DEAD_LETTERS)
    return {
      ...before,
      delivered: before.delivered + delivered.length,
      deadLettered: before.deadLettered + dead.length,
      droppedDeadLetters: before.droppedDeadLetters + overflow,
      ...(delivered.length > 0 && { lastSuccessMs: nowMs }),
      ...(lastFailure !== undefined && { lastFailureMs: nowMs, lastFailure }),
    }
  }

  async #commit(step: OutboxStep): Promise<void> {
    const { put = [], remove = [], dead = [], removeDead = [] } = step
    await this.#ports.store.commit(this.channel.id, step)
    this.#progress = step.progress
    for (const delivery of put) this.#outbox.put(delivery)
    for (const id of remove) this.#outbox.remove(id)
    const left = this.#deadLetters + dead.length - removeDead.length
    this.#deadLetters = Math.max(0, Math.min(MAX_DEAD_LETTERS, left))
  }

  /** A transport that breaks its promise not to throw is a bug, but no reason to stop. */
  async #send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    try {
      return await this.#transport.send(deliveries)
    } catch (error) {
      this.#ports.log.error({ err: error, channel: this.channel.id }, 'a transport failed')
      return deliveries.map(() => ({ reason: 'internal error' }))
    }
  }

  #untilNextMs(): number {
    const nowMs = this.#ports.clock.now()
    const summaryMs = nextSummaryMs(this.#progress.windows)
    const dues = this.#outbox.heads().map(({ nextMs }) => Math.max(nextMs, this.#pausedUntilMs))
    const next = Math.min(nowMs + LOOK_INTERVAL_MS, summaryMs ?? Infinity, ...dues)
    return Math.max(1, next - nowMs)
  }
}
