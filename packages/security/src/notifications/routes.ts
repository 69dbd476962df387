import { HubError } from '@twinward/protocol'
import type { ChangeSubject } from '../findings/finding-change.ts'
import { MAX_ROUTES } from './limits.ts'
import type { NotificationStore } from './notification-store.ts'
import { isRouted, type Route, readRoute } from './route.ts'

/** The routes of a hub, in memory as they are stored. The caller changes them one after the other. */
export class Routes {
  readonly #store: Pick<NotificationStore, 'routes' | 'putRoute' | 'removeRoute'>
  readonly #isChannel: (id: string) => boolean
  readonly #routes = new Map<string, Route>()

  constructor(
    store: Pick<NotificationStore, 'routes' | 'putRoute' | 'removeRoute'>,
    isChannel: (id: string) => boolean,
  ) {
    this.#store = store
    this.#isChannel = isChannel
  }

  async load(): Promise<void> {
    for (const route of await this.#store.routes()) this.#routes.set(route.id, route)
  }

  /** Adds one that no store has. */
  add(route: Route): void {
    this.#routes.set(route.id, route)
  }

  /** By id. */
  list(): readonly Route[] {
    return [...this.#routes.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Those to a channel, by id. */
  to(channelId: string): readonly Route[] {
    return this.list().filter(({ channels }) => channels.includes(channelId))
  }

  /** By which route a channel is told of a change; `undefined` when it is not. */
  routeOf(channelId: string, subject: ChangeSubject, group: string): Route | undefined {
    return this.to(channelId).find((route) => isRouted(route, subject, group))
  }

  /** @throws {HubError} `GenericNotFound` */
  get(id: string): Route {
    const route = this.#routes.get(id)
    if (!route) throw new HubError('GenericNotFound', `There is no route ${id.slice(0, 64)}.`)
    return route
  }

  /** @throws {HubError} `ArgumentInvalid`; `GenericConflict` when there is one with this id */
  async create(given: Partial<Route> & { readonly id: string }): Promise<Route> {
    if (this.#routes.has(given.id)) {
      throw new HubError('GenericConflict', `There is a route ${given.id} already.`)
    }
    if (this.#routes.size >= MAX_ROUTES) {
      throw new HubError('ArgumentInvalid', `There are ${MAX_ROUTES} routes, the most.`)
    }
    return this.#put(readRoute(given))
  }

  /** @throws {HubError} `ArgumentInvalid`, `GenericNotFound` */
  async change(id: string, change: Partial<Route>): Promise<Route> {
    return this.#put(readRoute({ ...change, id }, this.get(id)))
  }

  /** @throws {HubError} `GenericNotFound` */
  async remove(id: string): Promise<void> {
    this.get(id)
    await this.#store.removeRoute(id)
    this.#routes.delete(id)
  }

  async #put(route: Route): Promise<Route> {
    for (const id of route.channels) {
      if (this.#isChannel(id)) continue
      throw new HubError('ArgumentInvalid', `There is no channel ${id.slice(0, 64)}.`)
    }
    await this.#store.putRoute(route)
    this.#routes.set(route.id, route)
    return route
  }
}
