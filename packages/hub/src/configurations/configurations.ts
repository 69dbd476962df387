import { type DeviceRef, HubError, isJsonObject, type JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { Turns } from '../messages/turns.ts'
import type { Configured, Registry } from '../registry/registry.ts'
import type { DesiredReview, WriteAuthor } from '../twins/desired-review.ts'
import { type EtagCondition, etagMatches, formatIdentityEtag } from '../twins/etag.ts'
import { type PlanPage, type Proposal, planChange } from './change-plan.ts'
import { type Compiled, ConfigurationSet, compile } from './compiled.ts'
import { authorAfter, type Configuration } from './configuration.ts'
import { type ConfigurationStore, MAX_CONFIGURATIONS, type Pass } from './configuration-store.ts'
import { configurationView } from './configuration-view.ts'
import type { ConfigurationEngine } from './engine.ts'
import { type PlannedChange, planFor } from './plan.ts'
import {
  MAX_METRIC_QUERIES,
  metricFault,
  readConfiguration,
  targetConditionFault,
  type WrittenConfiguration,
} from './read-configuration.ts'

export interface ConfigurationPorts {
  readonly store: ConfigurationStore
  readonly registry: Pick<Registry, 'find' | 'query' | 'listThese' | 'listModules'>
  readonly review: Pick<DesiredReview, 'check'>
  readonly clock: Pick<Clock, 'now'>
}

/** What configurations have made of one twin, and what they are about to change. */
export interface TwinConfigurations {
  readonly statuses: Configured['statuses']
  readonly paths: Configured['paths']
  /** Empty but for a moment. */
  readonly changes: readonly PlannedChange[]
}

/** The automatic configurations of a hub (08 §2): their documents; `engine` brings them to twins. */
export class Configurations {
  readonly engine: ConfigurationEngine
  readonly #ports: ConfigurationPorts
  readonly #turns = new Turns()
  #lastPass = 0

  constructor(ports: ConfigurationPorts, engine: ConfigurationEngine) {
    this.#ports = ports
    this.engine = engine
  }

  /**
   * Reads what is stored, goes on with what was under way, and keeps twins as they shall be until the
   * returned function is called.
   */
  async start(): Promise<() => Promise<void>> {
    const { store } = this.#ports
    const stored = await store.list()
    for (const { configuration, results } of stored) {
      if (results) this.engine.metrics.restore(configuration.id, results)
    }
    this.engine.use(new ConfigurationSet(stored.map(({ configuration }) => compile(configuration))))
    for (const pass of await store.passes()) {
      this.#lastPass = Math.max(this.#lastPass, pass.number)
      this.engine.begin(pass)
    }
    return this.engine.start()
  }

  /** All, in the order of their ids. */
  list(): readonly JsonObject[] {
    const all = this.engine.set.all.toSorted((a, b) =>
      a.configuration.id < b.configuration.id ? -1 : 1,
    )
    return all.map((compiled) => this.#view(compiled))
  }

  /** @throws {HubError} `ConfigurationNotFound` */
  get(id: string): JsonObject {
    return this.#view(this.#compiled(id))
  }

  /**
   * Creates a configuration, or with `ifMatch` replaces all of it but its content (08 §2).
   *
   * @param author  on whose behalf twins are written
   * @throws {HubError} as `readConfiguration`; `ConfigurationAlreadyExists`; `ConfigurationNotFound`;
   *   `PreconditionFailed`; `ConfigurationCountLimitExceeded`
   */
  put(
    id: string,
    body: unknown,
    ifMatch: EtagCondition,
    author: WriteAuthor | undefined,
  ): Promise<JsonObject> {
    const written = readConfiguration(id, body)
    return this.#turns.run('configurations', async () => {
      const stored = this.#find(id)?.configuration
      checkCondition(id, stored, ifMatch)
      const configuration = this.#next(id, written, { stored, author })
      const pass = this.#nextPass(id)
      if (!(await this.#ports.store.put(configuration, pass))) throw stale()
      const others = this.engine.set.all.filter((each) => each.configuration.id !== id)
      this.engine.use(new ConfigurationSet([...others, compile(configuration)]))
      this.engine.begin(pass)
      return this.get(id)
    })
  }

  /**
   * Twins get what the next configuration says.
   *
   * @throws {HubError} `ConfigurationNotFound`; `PreconditionFailed`
   */
  remove(id: string, ifMatch: EtagCondition): Promise<void> {
    return this.#turns.run('configurations', async () => {
      const { configuration } = this.#compiled(id)
      if (!etagMatches(ifMatch, formatIdentityEtag(configuration.revision))) throw stale()
      const pass = this.#nextPass(id)
      await this.#ports.store.remove(pass)
      const others = this.engine.set.all.filter((each) => each.configuration.id !== id)
      this.engine.use(new ConfigurationSet(others))
      this.engine.metrics.forget(id)
      this.engine.begin(pass)
    })
  }

  /**
   * Goes over the twins that a configuration concerns once more, for what says who may have it says
   * something else now.
   *
   * @throws {HubError} `ConfigurationNotFound`
   */
  reconsider(id: string): Promise<void> {
    return this.#turns.run('configurations', async () => {
      this.#compiled(id)
      const pass = this.#nextPass(id)
      await this.#ports.store.beginPass(pass)
      this.engine.begin(pass)
    })
  }

  /** Whether the twins that a change of it concerns have not all been looked at. */
  isUnderWay(id: string): boolean {
    return this.engine.isUnderWay(id)
  }

  /**
   * What is wrong with a target condition and with queries (08 §2.3); nothing is an empty object.
   *
   * @throws {HubError} `ArgumentInvalid` for a question that is none
   */
  test(body: unknown): JsonObject {
    if (!isJsonObject(body)) throw new HubError('ArgumentInvalid', 'The body must be an object.')
    const { targetCondition, customMetricQueries } = body
    const fault = targetCondition == null ? undefined : targetConditionFault(targetCondition)
    const queries = isJsonObject(customMetricQueries) ? Object.entries(customMetricQueries) : []
    if (queries.length > MAX_METRIC_QUERIES) {
      const message = `There are more than ${MAX_METRIC_QUERIES} custom metrics.`
      throw new HubError('ArgumentInvalid', message)
    }
    const faults = queries.flatMap(([name, text]) => {
      const found = metricFault(text)
      return found === undefined ? [] : [[name, found] as const]
    })
    return {
      ...(fault !== undefined && { targetConditionError: fault }),
      ...(faults.length > 0 && { customMetricQueryErrors: Object.fromEntries(faults) }),
    }
  }

  /** @throws {HubError} `DeviceNotFound`, for a module too */
  async statusOf(ref: DeviceRef): Promise<TwinConfigurations> {
    const { registry } = this.#ports
    const entry = await registry.find(ref)
    if (!entry) throw new HubError('DeviceNotFound', ref.deviceId)
    const { moduleId, deviceId } = ref
    const device = moduleId === undefined ? undefined : await registry.find({ deviceId })
    const { set, mayApply } = this.engine
    const { statuses = {}, paths = {} } = entry.configured ?? {}
    return { statuses, paths, changes: planFor({ entry, device }, set, { mayApply }).changes }
  }

  /** What a change would change, before it does. @throws {HubError} as `planChange` */
  plan(proposal: Proposal, author?: WriteAuthor, after?: string): Promise<PlanPage> {
    const { registry, review, clock } = this.#ports
    const { set, mayApply } = this.engine
    return planChange(
      { registry, review, now: () => clock.now() },
      { set, mayApply },
      { proposal, ...(author && { author }), ...(after !== undefined && { after }) },
    )
  }

  #view(compiled: Compiled): JsonObject {
    return configurationView(compiled, this.engine.metrics.of(compiled.configuration.id))
  }

  #find(id: string): Compiled | undefined {
    return this.engine.set.all.find(({ configuration }) => configuration.id === id)
  }

  #compiled(id: string): Compiled {
    const found = this.#find(id)
    if (found) return found
    throw new HubError('ConfigurationNotFound', `There is no configuration '${id.slice(0, 128)}'.`)
  }

  #next(
    id: string,
    written: WrittenConfiguration,
    by: { readonly stored: Configuration | undefined; readonly author: WriteAuthor | undefined },
  ): Configuration {
    const { stored } = by
    const nowMs = this.#ports.clock.now()
    const author = by.author ?? null
    if (stored) {
      return {
        ...stored,
        ...written,
        content: stored.content,
        updatedMs: nowMs,
        revision: stored.revision + 1,
        author: authorAfter(stored, written.content, author),
      }
    }
    const { all } = this.engine.set
    if (all.length >= MAX_CONFIGURATIONS) {
      throw new HubError(
        'ConfigurationCountLimitExceeded',
        `There are ${MAX_CONFIGURATIONS} configurations already.`,
      )
    }
    const sequence = Math.max(0, ...all.map(({ configuration }) => configuration.sequence)) + 1
    return { id, ...written, createdMs: nowMs, updatedMs: nowMs, revision: 1, sequence, author }
  }

  #nextPass(configurationId: string): Pass {
    this.#lastPass++
    return { configurationId, number: this.#lastPass, step: 0 }
  }
}

function checkCondition(
  id: string,
  stored: Configuration | undefined,
  ifMatch: EtagCondition,
): void {
  if (!stored) {
    if (ifMatch === undefined) return
    throw new HubError('ConfigurationNotFound', `There is no configuration '${id}' to change.`)
  }
  if (ifMatch === undefined) {
    throw new HubError(
      'ConfigurationAlreadyExists',
      `The configuration '${id}' exists; a change of it needs If-Match.`,
    )
  }
  if (!etagMatches(ifMatch, formatIdentityEtag(stored.revision))) throw stale()
}

function stale(): HubError {
  return new HubError('PreconditionFailed', 'The configuration was changed since.')
}
