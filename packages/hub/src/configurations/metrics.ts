import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import { isAggregated, type Query } from '../twins/query/ast.ts'
import { parseQuery } from '../twins/query/parse-query.ts'
import type { Compiled, ConfigurationSet } from './compiled.ts'
import { contentKind, type MetricResults } from './configuration.ts'
import type { ConfigurationStore } from './configuration-store.ts'
import { EDGE_AGENT } from './content.ts'
import { targetQuery } from './target-condition.ts'

/** Results follow what happens to twins within about this time. */
export const METRICS_DELAY_MS = 1000
/** What custom queries count changes without any configuration: they are counted again after this. */
export const METRICS_INTERVAL_MS = 5 * 60_000
/** After a count it rests so many times as long as that took: other queries come first. */
const REST_FACTOR = 4
/** Rows of a page of groups; a metric that groups counts its groups. */
const PAGE_ROWS = 1000

export interface MetricPorts {
  readonly store: Pick<ConfigurationStore, 'putResults'>
  readonly registry: Pick<Registry, 'query'>
  readonly clock: Pick<Clock, 'every' | 'now'>
  readonly log: Log
}

/** Counts what configurations have come to, after their twins were written and now and then. */
export class Metrics {
  readonly #ports: MetricPorts
  readonly #set: () => ConfigurationSet
  readonly #results = new Map<string, MetricResults>()
  readonly #due = new Set<string>()
  #running: Promise<void> | undefined
  #restsUntilMs = 0
  #isClosed = false

  constructor(ports: MetricPorts, set: () => ConfigurationSet) {
    this.#ports = ports
    this.#set = set
  }

  /** Works until the returned function is called. */
  start(): () => Promise<void> {
    const stopSoon = this.#ports.clock.every(METRICS_DELAY_MS, () => this.#start())
    const stopAll = this.#ports.clock.every(METRICS_INTERVAL_MS, () => {
      for (const { configuration } of this.#set().all) this.#due.add(configuration.id)
    })
    return async () => {
      this.#isClosed = true
      stopSoon()
      stopAll()
      await this.#running
    }
  }

  /** `undefined` until it was counted for the first time. */
  of(id: string): MetricResults | undefined {
    return this.#results.get(id)
  }

  restore(id: string, results: MetricResults): void {
    this.#results.set(id, results)
  }

  forget(id: string): void {
    this.#results.delete(id)
    this.#due.delete(id)
  }

  /** What a configuration has come to may have changed. */
  changed(id: string): void {
    this.#due.add(id)
  }

  /** Resolves when nothing is being counted. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #start(): void {
    if (this.#due.size === 0 || this.#ports.clock.now() < this.#restsUntilMs) return
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports
    const beganMs = clock.now()
    const due = [...this.#due]
    this.#due.clear()
    for (const id of due) {
      if (this.#isClosed) break
      const compiled = this.#set().all.find(({ configuration }) => configuration.id === id)
      if (compiled) await this.#count(compiled)
    }
    const endedMs = clock.now()
    this.#restsUntilMs = endedMs + REST_FACTOR * (endedMs - beganMs)
    this.#running = undefined
  }

  async #count(compiled: Compiled): Promise<void> {
    const { id, metricQueries } = compiled.configuration
    try {
      const system = await this.#countAll(systemQueries(compiled))
      const custom = await this.#countAll(
        Object.entries(metricQueries).map(([name, text]) => [name, parseQuery(text)]),
      )
      const isThere = this.#set().all.some(({ configuration }) => configuration.id === id)
      if (!isThere) return
      this.#results.set(id, { system, custom })
      await this.#ports.store.putResults(id, { system, custom })
    } catch (error) {
      this.#due.add(id)
      this.#ports.log.warn({ err: error, configuration: id }, 'metrics were not counted')
    }
  }

  async #countAll(queries: readonly (readonly [string, Query | undefined])[]) {
    const counts: (readonly [string, number])[] = []
    for (const [name, query] of queries) {
      counts.push([name, query ? await this.#rowsOf(query) : 0])
    }
    return Object.fromEntries(counts)
  }

  async #rowsOf(query: Query): Promise<number> {
    const { registry } = this.#ports
    const { source, where, top = Number.POSITIVE_INFINITY } = query
    if (!isAggregated(query) && source !== 'devices.jobs') {
      const select = [{ name: 'n', value: { kind: 'aggregate' as const, name: 'COUNT' as const } }]
      const count = { source, select, ...(where && { where }) }
      const [row = '{}'] = (await registry.query(count, { limit: 1 })).rows
      return Math.min(Number((JSON.parse(row) as { n?: number }).n ?? 0), top)
    }
    let rows = 0
    let after: string | undefined
    do {
      const page = { limit: PAGE_ROWS, ...(after !== undefined && { after }) }
      const found = await registry.query(query, page)
      rows += found.rows.length
      after = found.next
    } while (after !== undefined && rows < top)
    return Math.min(rows, top)
  }
}

function systemQueries(compiled: Compiled): readonly (readonly [string, Query | undefined])[] {
  const texts = Object.entries(systemMetricQueries(compiled))
  return texts.map(([name, text]) => [
    name,
    name === 'targetedCount' ? targetQuery(compiled.target) : parseQuery(text),
  ])
}

/** The system's metrics as queries that anybody can ask (08 §2.2). */
export function systemMetricQueries({ configuration, target }: Compiled): Record<string, string> {
  const { id, targetCondition, content } = configuration
  const condition = targetCondition.trim()
  const fromDevices = condition === '*' ? 'FROM devices' : `FROM devices WHERE ${condition}`
  const isOfModules = target.source === 'devices.modules'
  const columns = isOfModules ? 'deviceId, moduleId' : 'deviceId'
  const targeted = `SELECT ${columns} ${isOfModules ? condition : fromDevices}`
  const isApplied = `configurations.[[${id}]].status = 'Applied'`
  const queries = {
    targetedCount: condition === '' ? '' : targeted,
    appliedCount: `SELECT ${columns} FROM ${target.source} WHERE ${isApplied}`,
  }
  if (contentKind(content) !== 'modulesContent') return queries
  const ofAgent =
    `SELECT deviceId FROM devices.modules WHERE moduleId = '${EDGE_AGENT}' AND ${isApplied} ` +
    'AND properties.desired.$version = properties.reported.lastDesiredVersion'
  return {
    ...queries,
    reportedSuccessfulCount: `${ofAgent} AND properties.reported.lastDesiredStatus.code = 200`,
    reportedFailedCount: `${ofAgent} AND properties.reported.lastDesiredStatus.code != 200`,
  }
}
