import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type { Channel } from '../../notifications/channel.ts'
import type { DeadLetter, Delivery } from '../../notifications/delivery.ts'
import { MAX_DEAD_LETTERS } from '../../notifications/limits.ts'
import type {
  NotificationStore,
  OutboxStep,
  Progress,
  StoredDrill,
} from '../../notifications/notification-store.ts'
import type { Route } from '../../notifications/route.ts'

/** Notifications until the process ends, as texts so that nobody shares an object with us. */
export class MemoryNotificationStore implements NotificationStore {
  readonly #channels = new Map<string, string>()
  readonly #routes = new Map<string, string>()
  readonly #progress = new Map<string, string>()
  readonly #waiting = new Map<string, string>()
  /** By number, the oldest first. */
  readonly #dead = new Map<number, string>()
  readonly #drills = new Map<string, string>()
  #lastDead = 0

  async channels(): Promise<readonly Channel[]> {
    return all<Channel>(this.#channels)
  }

  async putChannel(channel: Channel): Promise<void> {
    this.#channels.set(channel.id, JSON.stringify(channel))
  }

  async removeChannel(id: string): Promise<void> {
    this.#channels.delete(id)
    this.#progress.delete(id)
    for (const { id: delivery, channelId } of all<Delivery>(this.#waiting)) {
      if (channelId === id) this.#waiting.delete(delivery)
    }
    for (const [number, text] of this.#dead) {
      if (letterOf(text).delivery.channelId === id) this.#dead.delete(number)
    }
  }

  async routes(): Promise<readonly Route[]> {
    return all<Route>(this.#routes)
  }

  async putRoute(route: Route): Promise<void> {
    this.#routes.set(route.id, JSON.stringify(route))
  }

  async removeRoute(id: string): Promise<void> {
    this.#routes.delete(id)
  }

  async channelsWithProgress(): Promise<readonly string[]> {
    return [...this.#progress.keys()]
  }

  async progress(channelId: string): Promise<Progress | undefined> {
    const text = this.#progress.get(channelId)
    return text === undefined ? undefined : (JSON.parse(text) as Progress)
  }

  async waiting(channelId: string, after: number, limit: number): Promise<readonly Delivery[]> {
    return all<Delivery>(this.#waiting)
      .filter((delivery) => delivery.channelId === channelId && delivery.number > after)
      .sort((a, b) => a.number - b.number)
      .slice(0, limit)
  }

  async commit(channelId: string, step: OutboxStep): Promise<void> {
    const { progress, put = [], remove = [], dead = [], removeDead = [] } = step
    this.#progress.set(channelId, JSON.stringify(progress))
    for (const delivery of put) this.#waiting.set(delivery.id, JSON.stringify(delivery))
    for (const id of remove) this.#waiting.delete(id)
    for (const [number, text] of this.#dead) {
      if (removeDead.includes(letterOf(text).delivery.id)) this.#dead.delete(number)
    }
    for (const letter of dead) this.#dead.set(++this.#lastDead, JSON.stringify(letter))
    const numbers = this.#deadOf(channelId).map(([number]) => number)
    for (const number of numbers.slice(0, Math.max(0, numbers.length - MAX_DEAD_LETTERS))) {
      this.#dead.delete(number)
    }
  }

  async deadLetters(
    filter: Parameters<NotificationStore['deadLetters']>[0],
  ): Promise<Page<DeadLetter>> {
    const { channelId, limit, continuationToken: token } = filter
    checkLimit(limit)
    const before = token === undefined ? Infinity : parsePageToken('dead-letters', token).order
    const found = this.#deadOf(channelId)
      .reverse()
      .filter(([number]) => number < before)
    const items = found.slice(0, limit)
    const last = items.at(-1)
    const hasMore = last !== undefined && found.length > limit
    return {
      items: items.map(([, letter]) => letter),
      continuationToken: hasMore
        ? formatPageToken('dead-letters', { order: last[0], id: '' })
        : null,
    }
  }

  async findDeadLetter(id: string): Promise<DeadLetter | undefined> {
    return this.#deadOf().find(([, { delivery }]) => delivery.id === id)?.[1]
  }

  async countDeadLetters(channelId: string): Promise<number> {
    return this.#deadOf(channelId).length
  }

  async drills(): Promise<readonly StoredDrill[]> {
    return all<StoredDrill>(this.#drills)
  }

  async putDrill(drill: StoredDrill): Promise<void> {
    this.#drills.set(drill.id, JSON.stringify(drill))
  }

  async removeDrill(id: string): Promise<void> {
    this.#drills.delete(id)
  }

  #deadOf(channelId?: string): (readonly [number, DeadLetter])[] {
    return Array.from(this.#dead, ([number, text]) => [number, letterOf(text)] as const).filter(
      ([, { delivery }]) => channelId === undefined || delivery.channelId === channelId,
    )
  }
}

function all<T>(texts: ReadonlyMap<string, string>): T[] {
  return Array.from(texts.values(), (text) => JSON.parse(text) as T)
}

function letterOf(text: string): DeadLetter {
  return JSON.parse(text) as DeadLetter
}
