import { randomUUID } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Page } from '../data/finding-store.ts'
import type { ChangeSubject } from '../findings/finding-change.ts'
import type { FindingFeed } from '../findings/finding-feed.ts'
import type { Log } from '../log.ts'
import { Serial } from '../serial.ts'
import { type Channel, maskedChannel } from './channel.ts'
import { type GivenChannel, readChannel } from './channel-settings.ts'
import { type AttemptListener, ChannelWorker } from './channel-worker.ts'
import type { DeadLetter, Delivery } from './delivery.ts'
import { MAX_CHANNELS } from './limits.ts'
import { testBody } from './notification.ts'
import type { NotificationStore } from './notification-store.ts'
import { EVERYTHING, type Route } from './route.ts'
import { Routes } from './routes.ts'
import { type ChannelStatus, statusOf } from './status.ts'
import type { OpenTransport, SendFailure } from './transport.ts'

/** The channel and the route of the settings; nobody else may be called so. */
export const DEFAULT_NAME = 'default'

interface Ports {
  readonly notifications: NotificationStore
  readonly openTransport: OpenTransport
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly feed: FindingFeed
  /** The security group of a device, in lower case. */
  readonly groupOf: (deviceId: string) => Promise<string>
  /** One webhook for everything, from the settings of the server. */
  readonly webhook?: { readonly url: string; readonly secret?: string; readonly ca?: string }
  /** At least 0, below 1. Default `Math.random`. */
  readonly random?: () => number
}

/** A channel that a subject goes to, and by which route. */
export interface Target {
  readonly channelId: string
  readonly routeId: string
}

/** Who is told of changed findings, and how far that has come. */
export class Notifications {
  readonly #ports: Ports
  readonly #options: Options
  readonly #workers = new Map<string, ChannelWorker>()
  readonly #routes: Routes
  /** Of channels, routes and dead letters: one after the other. */
  readonly #changes = new Serial()
  #baseUrl = ''

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
    this.#routes = new Routes(ports.notifications, (id) => this.#workers.has(id))
  }

  /** Where the API is reached, for links in notifications; without a slash at the end. */
  setBaseUrl(url: string): void {
    this.#baseUrl = url
  }

  async start(): Promise<void> {
    const { notifications: store, log } = this.#ports
    const { webhook } = this.#options
    await this.#routes.load()
    const channels = [...(await store.channels())]
    if (webhook) {
      const given = { id: DEFAULT_NAME, kind: 'webhook', settings: webhook } as const
      channels.push(readChannel({ ...given, description: 'From the settings of the server' }))
      this.#routes.add({ ...EVERYTHING, id: DEFAULT_NAME, channels: [DEFAULT_NAME] })
    }
    const known = new Set(channels.map(({ id }) => id))
    for (const id of await store.channelsWithProgress()) {
      if (known.has(id)) continue
      // The webhook of the settings, when they no longer have one.
      log.warn({ channel: id }, 'a notification channel is gone, and what waited for it with it')
      await store.removeChannel(id)
    }
    for (const channel of channels) await this.#startWorker(channel)
  }

  async close(): Promise<void> {
    await this.#changes.run(async () => {
      await Promise.all(Array.from(this.#workers.values(), (worker) => worker.close()))
    })
  }

  /** By id, secrets masked. */
  channels(): readonly Channel[] {
    return this.#sorted().map(({ channel }) => maskedChannel(channel))
  }

  /** @throws {HubError} `GenericNotFound` */
  channel(id: string): Channel {
    return maskedChannel(this.#worker(id).channel)
  }

  /** @throws {HubError} `ArgumentInvalid`; `GenericConflict` when there is one with this id */
  createChannel(given: GivenChannel): Promise<Channel> {
    return this.#changes.run(async () => {
      refuseDefault(given.id)
      if (this.#workers.has(given.id)) {
        throw new HubError('GenericConflict', `There is a channel ${given.id} already.`)
      }
      if (this.#workers.size >= MAX_CHANNELS) {
        throw new HubError('ArgumentInvalid', `There are ${MAX_CHANNELS} channels, the most.`)
      }
      const channel = readChannel(given)
      await this.#ports.notifications.putChannel(channel)
      return this.#begin(channel)
    })
  }

  /** @throws {HubError} `ArgumentInvalid`, `GenericNotFound` */
  changeChannel(id: string, change: Omit<GivenChannel, 'id' | 'kind'>): Promise<Channel> {
    return this.#changes.run(async () => {
      refuseDefault(id)
      const worker = this.#worker(id)
      const { channel } = worker
      const next = readChannel({ ...change, id, kind: channel.kind }, channel)
      if (!channel.isEnabled) await worker.skip()
      await this.#whileClosed(worker, () => this.#ports.notifications.putChannel(next))
      return this.#begin(next)
    })
  }

  /** What waits for it goes with it. @throws {HubError} as `changeChannel`, while routes name it */
  removeChannel(id: string): Promise<void> {
    return this.#changes.run(async () => {
      refuseDefault(id)
      const worker = this.#worker(id)
      const [using] = this.#routes.to(id)
      if (using) throw new HubError('ArgumentInvalid', `Route ${using.id} names channel ${id}.`)
      await this.#whileClosed(worker, () => this.#ports.notifications.removeChannel(id))
      this.#workers.delete(id)
      this.#ports.log.info({ channel: id }, 'notification channel removed')
    })
  }

  /** By id. */
  routes(): readonly Route[] {
    return this.#routes.list()
  }

  /** @throws {HubError} `GenericNotFound` */
  route(id: string): Route {
    return this.#routes.get(id)
  }

  /** @throws {HubError} as `Routes.create` */
  createRoute(given: Partial<Route> & { readonly id: string }): Promise<Route> {
    return this.#changes.run(async () => {
      refuseDefault(given.id)
      return this.#routes.create(given)
    })
  }

  /** @throws {HubError} as `Routes.change` */
  changeRoute(id: string, change: Partial<Route>): Promise<Route> {
    return this.#changes.run(async () => {
      refuseDefault(id)
      return this.#routes.change(id, change)
    })
  }

  /** @throws {HubError} `GenericNotFound` */
  removeRoute(id: string): Promise<void> {
    return this.#changes.run(async () => {
      refuseDefault(id)
      await this.#routes.remove(id)
    })
  }

  deadLetters(filter: {
    readonly channelId?: string
    readonly limit: number
    readonly continuationToken?: string
  }): Promise<Page<DeadLetter>> {
    return this.#ports.notifications.deadLetters(filter)
  }

  /** @throws {HubError} `GenericNotFound`; `ServiceUnavailable` when too much waits */
  retryDeadLetter(id: string): Promise<void> {
    return this.#changes.run(async () => {
      const letter = await this.#deadLetter(id)
      await this.#worker(letter.delivery.channelId).retry(letter)
    })
  }

  /** @throws {HubError} `GenericNotFound` */
  discardDeadLetter(id: string): Promise<void> {
    return this.#changes.run(async () => {
      const letter = await this.#deadLetter(id)
      await this.#worker(letter.delivery.channelId).discard(letter)
    })
  }

  /** Each channel, by id. */
  status(): readonly ChannelStatus[] {
    return this.#sorted().map(statusOf)
  }

  /**
   * Sends a test that is in no queue. @returns why it failed
   *
   * @throws {HubError} `GenericNotFound`
   */
  test(channelId: string): Promise<SendFailure | undefined> {
    const worker = this.#worker(channelId)
    const [id, nowMs] = [randomUUID(), this.#ports.clock.now()]
    const delivery: Delivery = {
      ...{ id, channelId, number: 0, event: 'test', orderKey: id, severity: 'Informational' },
      ...{ type: 'test', deviceId: '', createdMs: nowMs, attempts: 0, nextMs: nowMs },
      ...{ lastError: '', body: testBody({ id, timeMs: nowMs, baseUrl: this.#baseUrl }) },
    }
    return worker.attempt(delivery)
  }

  /** Where a change goes, by the first route to each channel. */
  async targets(subject: ChangeSubject): Promise<readonly Target[]> {
    const group = await this.#options.groupOf(subject.deviceId)
    const enabled = this.#sorted().filter(({ channel }) => channel.isEnabled)
    return enabled.flatMap(({ channel: { id } }) => {
      const route = this.#routes.routeOf(id, subject, group)
      return route ? [{ channelId: id, routeId: route.id }] : []
    })
  }

  /** Told of each attempt of any channel that there is now. @returns a function that ends it */
  watch(listener: AttemptListener): () => void {
    const ends = Array.from(this.#workers.values(), (worker) => worker.watch(listener))
    return () => {
      for (const end of ends) end()
    }
  }

  /** Runs a change of the store; when it fails, the channel goes on as it was. */
  async #whileClosed(worker: ChannelWorker, change: () => Promise<void>): Promise<void> {
    await worker.close()
    try {
      await change()
    } catch (error) {
      await this.#startWorker(worker.channel)
      throw error
    }
  }

  async #begin(channel: Channel): Promise<Channel> {
    await this.#startWorker(channel)
    const { id, kind } = channel
    this.#ports.log.info({ channel: id, kind }, 'notification channel changed')
    return maskedChannel(channel)
  }

  async #startWorker(channel: Channel): Promise<void> {
    const { notifications: store, openTransport, clock, log } = this.#ports
    const { feed, groupOf, random = Math.random } = this.#options
    const worker = new ChannelWorker(channel, openTransport(channel), {
      ...{ store, feed, clock, log, groupOf, random },
      routes: () => this.#routes.to(channel.id),
      baseUrl: () => this.#baseUrl,
    })
    this.#workers.set(channel.id, worker)
    await worker.start()
  }

  #sorted(): readonly ChannelWorker[] {
    return [...this.#workers.values()].sort((a, b) => (a.channel.id < b.channel.id ? -1 : 1))
  }

  #worker(id: string): ChannelWorker {
    const worker = this.#workers.get(id)
    if (!worker) throw new HubError('GenericNotFound', `There is no channel ${id.slice(0, 64)}.`)
    return worker
  }

  async #deadLetter(id: string): Promise<DeadLetter> {
    const letter = await this.#ports.notifications.findDeadLetter(id)
    if (!letter)
      throw new HubError('GenericNotFound', `There is no dead letter ${id.slice(0, 64)}.`)
    return letter
  }
}

function refuseDefault(id: string): void {
  if (id !== DEFAULT_NAME) return
  throw new HubError(
    'ArgumentInvalid',
    `${DEFAULT_NAME} belongs to TWINWARD_WEBHOOK_URL and is changed there.`,
  )
}
