import { HubError } from '@twinward/protocol'
import { Turns } from '../messages/turns.ts'
import { type EtagCondition, etagMatches, formatIdentityEtag } from '../twins/etag.ts'
import type { ConnectionEvents } from './connection-events.ts'
import type { Router } from './router.ts'
import {
  checkDocument,
  DEFAULT_ROUTING,
  type Enrichment,
  type RouteInput,
  type RoutingDocument,
  type RoutingInput,
  toDocument,
  toEnrichment,
  toRoute,
} from './routing-document.ts'
import type { RoutingStore, StoredRouting } from './routing-store.ts'
import { compileRouting } from './routing-table.ts'
import { type RoutingTest, type RoutingTestResult, testRouting } from './test-routing.ts'

const NONE: StoredRouting = { etag: 0, document: DEFAULT_ROUTING }

/** The document, and the etag by which a caller may make sure that nobody changed it since. */
export interface CurrentRouting {
  readonly etag: string
  readonly document: RoutingDocument
}

/**
 * Which events are stored for readers, and what is added to them (10 §3, §4). A change is in force for
 * every message that is accepted after it was acknowledged.
 */
export class Routing {
  readonly router: Router
  readonly #store: RoutingStore
  readonly #connectionEvents: ConnectionEvents
  readonly #turns = new Turns()
  readonly #changed: () => void
  #current = NONE

  /** @param changed  called after every change, when it is durable */
  constructor(
    store: RoutingStore,
    router: Router,
    connectionEvents: ConnectionEvents,
    changed: () => void = () => {},
  ) {
    this.#store = store
    this.#connectionEvents = connectionEvents
    this.#changed = changed
    this.router = router
  }

  /** Reads what is stored, once, at the start; until then the default is in force. */
  async load(): Promise<void> {
    this.#connectionEvents.start(await this.#store.nextEpoch())
    this.#use((await this.#store.find()) ?? NONE)
  }

  get current(): CurrentRouting {
    return toCurrent(this.#current)
  }

  /**
   * Replaces the whole document.
   *
   * @throws {HubError} `ArgumentInvalid` that names the route or enrichment, for a condition also the
   *   place; `PreconditionFailed`
   */
  replace(input: RoutingInput, ifMatch: EtagCondition): Promise<CurrentRouting> {
    return this.#change(ifMatch, () => toDocument(input))
  }

  /** Creates a route or replaces the one of that name. @throws as `replace` */
  putRoute(name: string, input: RouteInput, ifMatch: EtagCondition): Promise<CurrentRouting> {
    return this.#change(ifMatch, (document) => {
      const route = toRoute(name, input)
      const others = document.routes.filter((other) => other.name !== name)
      const isNew = others.length === document.routes.length
      const replaced = document.routes.map((other) => (other.name === name ? route : other))
      return { ...document, routes: isNew ? [...others, route] : replaced }
    })
  }

  /** @throws {HubError} `GenericNotFound`; `PreconditionFailed` */
  removeRoute(name: string, ifMatch: EtagCondition): Promise<CurrentRouting> {
    return this.#change(ifMatch, (document) => {
      const routes = document.routes.filter((route) => route.name !== name)
      if (routes.length < document.routes.length) return { ...document, routes }
      throw new HubError('GenericNotFound', `There is no route '${name}'.`)
    })
  }

  /** Adds an enrichment or replaces the one of that key. @throws as `replace` */
  putEnrichment(input: Enrichment, ifMatch: EtagCondition): Promise<CurrentRouting> {
    return this.#change(ifMatch, (document) => {
      const enrichment = toEnrichment(input)
      const others = document.enrichments.filter(({ key }) => key !== enrichment.key)
      return { ...document, enrichments: [...others, enrichment] }
    })
  }

  /** @throws {HubError} `GenericNotFound`; `PreconditionFailed` */
  removeEnrichment(key: string, ifMatch: EtagCondition): Promise<CurrentRouting> {
    return this.#change(ifMatch, (document) => {
      const enrichments = document.enrichments.filter((enrichment) => enrichment.key !== key)
      if (enrichments.length < document.enrichments.length) return { ...document, enrichments }
      throw new HubError('GenericNotFound', `There is no enrichment '${key}'.`)
    })
  }

  /** What would become of a message. @throws {HubError} `ArgumentInvalid` for the question itself */
  test(test: RoutingTest): RoutingTestResult {
    return testRouting(this.#current.document, test, this.router.hubName)
  }

  #change(
    ifMatch: EtagCondition,
    decide: (document: RoutingDocument) => RoutingDocument,
  ): Promise<CurrentRouting> {
    return this.#turns.run('routing', async () => {
      const { etag, document } = this.#current
      if (!etagMatches(ifMatch, formatIdentityEtag(etag))) {
        throw new HubError('PreconditionFailed', 'The routing was changed since.')
      }
      const next = { etag: etag + 1, document: decide(document) }
      checkDocument(next.document)
      const table = compileRouting(next.document)
      if (!(await this.#store.put(next))) {
        throw new HubError('PreconditionFailed', 'The routing was changed by somebody else.')
      }
      this.#current = next
      this.router.use(table)
      this.#changed()
      return toCurrent(next)
    })
  }

  #use(routing: StoredRouting): void {
    this.#current = routing
    this.router.use(compileRouting(routing.document))
  }
}

function toCurrent({ etag, document }: StoredRouting): CurrentRouting {
  return { etag: formatIdentityEtag(etag), document }
}
