import { type DeviceRef, HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Entry, Registry } from '../registry/registry.ts'
import type { Query } from '../twins/query/ast.ts'
import type { ConfigurationSet, MayApply } from './compiled.ts'
import type { ConfigurationStore, Pass } from './configuration-store.ts'
import { isDone, planFor } from './plan.ts'
import { holdersQuery, targetQuery } from './target-condition.ts'

/** Twins that are found at a time; a pass remembers its place after each page. */
const PAGE_TWINS = 500
/** Twins that are read at a time to see which of them are to be written. */
const TWINS_READ_AT_ONCE = 100
/** How long a pass rests when the stores have too much to do. */
const RETRY_MS = 1000

export interface PassPorts {
  readonly store: ConfigurationStore
  readonly registry: Pick<Registry, 'query' | 'listEntries' | 'listThese'>
  readonly clock: Clock
  readonly log: Log
}

/** What a pass works with. */
export interface PassWork {
  readonly set: () => ConfigurationSet
  readonly mayApply: MayApply
  /** Makes twins hold what they shall. @returns how many were written */
  readonly evaluate: (refs: readonly DeviceRef[]) => Promise<number>
  readonly ended: (configurationId: string) => void
}

/** Where a sweep is: the last entry that it has looked at, and its device. */
interface SweepPlace {
  readonly after?: DeviceRef
  readonly device?: Entry | undefined
}

/** Goes over the twins that a change of a configuration concerns, one pass after the other. */
export class Passes {
  readonly #ports: PassPorts
  readonly #work: PassWork
  readonly #waiting = new Map<string, Pass>()
  readonly #stop = new AbortController()
  #isSweepWanted = false
  /** Where an interrupted sweep goes on; absent: at the beginning. */
  #place: SweepPlace | undefined
  /** Of the last page that a pass looked at; then the next is not read twice. */
  #isMostlyWritten = false
  #running: Promise<void> | undefined

  constructor(ports: PassPorts, work: PassWork) {
    this.#ports = ports
    this.#work = work
  }

  /** Begins a stored pass; an earlier one of the same configuration ends where it is. */
  begin(pass: Pass): void {
    this.#waiting.set(pass.configurationId, pass)
    this.#start()
  }

  /** Looks at every twin of the hub: what a lost notice left undone is done then. */
  sweep(): void {
    this.#isSweepWanted = true
    this.#place = undefined
    this.#start()
  }

  get isBusy(): boolean {
    return this.#running !== undefined
  }

  /** Whether the twins that a configuration concerns have not all been looked at. */
  isUnderWay(configurationId: string): boolean {
    return this.#waiting.has(configurationId)
  }

  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.idle()
  }

  #start(): void {
    if (!this.#stop.signal.aborted) this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted && (this.#waiting.size > 0 || this.#isSweepWanted)) {
      const [pass] = this.#waiting.values()
      try {
        if (pass) await this.#go(pass)
        else await this.#sweep()
      } catch (error) {
        if (signal.aborted) break
        this.#ports.log.warn({ err: error }, 'a pass of a configuration rests')
        if (pass) this.#postpone(pass, error)
        await this.#ports.clock.sleep(RETRY_MS, signal).catch(() => {})
      }
    }
    this.#running = undefined
  }

  /** Lets others go first. One whose place is not known any more, after an update, begins its step anew. */
  #postpone({ configurationId }: Pass, error: unknown): void {
    const pass = this.#waiting.get(configurationId)
    if (!pass) return
    const isLost = error instanceof HubError && error.code === 'ArgumentInvalid'
    const { after: _, ...anew } = pass
    this.#waiting.delete(configurationId)
    this.#waiting.set(configurationId, isLost ? anew : pass)
  }

  async #go(pass: Pass): Promise<void> {
    const { store } = this.#ports
    const steps = this.#stepsOf(pass)
    let at = pass
    while (at.step < steps.length) {
      const query = steps[at.step]
      const next = query ? await this.#page(query, at.after) : undefined
      if (this.#stop.signal.aborted) return
      // A later change of the configuration began another pass.
      if (this.#waiting.get(pass.configurationId)?.number !== pass.number) return
      const { configurationId, number } = pass
      at = { configurationId, number, ...placeAfter(at, next) }
      this.#waiting.set(configurationId, at)
      if (query) await store.movePass(at)
    }
    await store.endPass(pass)
    if (this.#waiting.get(pass.configurationId)?.number !== pass.number) return
    this.#waiting.delete(pass.configurationId)
    this.#work.ended(pass.configurationId)
  }

  /** Those that it is for, then those that it was for. */
  #stepsOf({ configurationId }: Pass): readonly (Query | undefined)[] {
    const compiled = this.#work
      .set()
      .all.find(({ configuration }) => configuration.id === configurationId)
    return [
      compiled && targetQuery(compiled.target),
      holdersQuery(configurationId, 'devices'),
      holdersQuery(configurationId, 'devices.modules'),
    ]
  }

  /** @returns where the next page begins */
  async #page(query: Query, after: string | undefined): Promise<string | undefined> {
    const page = { limit: PAGE_TWINS, ...(after !== undefined && { after }) }
    const { rows, next } = await this.#ports.registry.query(query, page)
    const refs = rows.map((row) => JSON.parse(row) as DeviceRef)
    const undone = this.#isMostlyWritten ? refs : await this.#undone(refs)
    const written = await this.#work.evaluate(undone)
    this.#isMostlyWritten = written > refs.length / 2
    return next
  }

  /** Most changes of a configuration change few twins, and a read costs less than a try to write. */
  async #undone(refs: readonly DeviceRef[]): Promise<readonly DeviceRef[]> {
    const undone: DeviceRef[] = []
    for (let at = 0; at < refs.length; at += TWINS_READ_AT_ONCE) {
      const these = refs.slice(at, at + TWINS_READ_AT_ONCE)
      for (const entry of await this.#ports.registry.listThese(these)) {
        if (!this.#isDone(entry, undefined)) undone.push(entry.ref)
      }
    }
    return undone
  }

  async #sweep(): Promise<void> {
    this.#isSweepWanted = false
    let place: SweepPlace | undefined = this.#place ?? {}
    this.#place = undefined
    try {
      do place = await this.#sweepPage(place)
      while (place && !this.#stop.signal.aborted && this.#waiting.size === 0)
    } finally {
      // Somebody changes a configuration: that comes first. Whoever asked for another sweep gets all of it.
      if (place && !this.#isSweepWanted) this.#place = place
      if (place) this.#isSweepWanted = true
    }
  }

  /** @returns where the next page begins */
  async #sweepPage({ after, device: last }: SweepPlace): Promise<SweepPlace | undefined> {
    const page = await this.#ports.registry.listEntries(PAGE_TWINS, after)
    let device = last
    const found: DeviceRef[] = []
    for (const entry of page) {
      if (entry.ref.moduleId === undefined) device = entry
      if (!this.#isDone(entry, device)) found.push(entry.ref)
    }
    await this.#work.evaluate(found)
    const end = page.at(-1)
    return end && { after: end.ref, device }
  }

  /** Of deployments it is not said: their modules are looked at with the device. */
  #isDone(entry: Entry, device: Entry | undefined): boolean {
    const { set, mayApply } = this.#work
    const isEdge = entry.ref.moduleId === undefined ? entry.identity.iotEdge : !device
    if (isEdge && set().hasDeployments) return false
    return isDone(entry, planFor({ entry, device }, set(), { mayApply }))
  }
}

function placeAfter({ step }: Pass, next: string | undefined): Pick<Pass, 'step' | 'after'> {
  return next === undefined ? { step: step + 1 } : { step, after: next }
}
