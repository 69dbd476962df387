import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import type { Notice } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import { applyAtOnce, ConfigurationSet, type MayApply } from './compiled.ts'
import type { ConfigurationStore, Pass } from './configuration-store.ts'
import { DirtyTwins, TWINS_AT_ONCE } from './dirty-twins.ts'
import { Metrics } from './metrics.ts'
import { Passes } from './passes.ts'
import { RestlessTwins, WINDOW_MS } from './restless-twins.ts'
import { TwinWriter, type TwinWriterPorts } from './twin-writer.ts'
import { WatchedPaths } from './watched-paths.ts'

/** Notices may be lost: every twin is looked at again after this time. */
export const SWEEP_INTERVAL_MS = 60 * 60_000
/** A twin that could not be written is looked at again after about this time. */
const RETRY_INTERVAL_MS = 1000
/** Twins that wait for that; of more, every twin is looked at. */
const MAX_RETRIED_TWINS = 10_000

export interface EnginePorts extends TwinWriterPorts {
  readonly registry: Registry
  readonly store: ConfigurationStore
  readonly clock: Clock
  readonly log: Log
}

/**
 * Keeps every twin as the configurations want it (08 §2.1): at once after a change of the twin, in the
 * background after a change of a configuration. The store is the truth: what a crash or a lost notice
 * leaves undone is found by the pass that goes on, or by a sweep.
 */
export class ConfigurationEngine {
  readonly metrics: Metrics
  readonly #ports: EnginePorts
  readonly #writer: TwinWriter
  readonly #dirty: DirtyTwins
  readonly #passes: Passes
  readonly #mayApply: MayApply
  readonly #restless = new RestlessTwins()
  readonly #retries = new Map<string, DeviceRef>()
  #set = new ConfigurationSet([])
  #watched = new WatchedPaths(this.#set)

  /** @param mayApply  whether a target may get a configuration yet; see `Configurations.reconsider` */
  constructor(ports: EnginePorts, mayApply: MayApply = applyAtOnce) {
    this.#ports = ports
    this.#mayApply = mayApply
    this.#writer = new TwinWriter(ports)
    this.#dirty = new DirtyTwins((refs) => this.#writeDirty(refs))
    this.metrics = new Metrics(ports, () => this.#set)
    this.#passes = new Passes(ports, {
      set: () => this.#set,
      mayApply,
      evaluate: (refs) => this.#evaluate(refs),
      ended: (id) => this.metrics.changed(id),
    })
  }

  get set(): ConfigurationSet {
    return this.#set
  }

  get mayApply(): MayApply {
    return this.#mayApply
  }

  /** Twins that changed and were not looked at yet. */
  get waitingTwins(): number {
    return this.#dirty.size + this.#retries.size + this.#restless.size
  }

  /** Whether the twins that a change of the configuration concerns have not all been looked at. */
  isUnderWay(id: string): boolean {
    return this.#passes.isUnderWay(id)
  }

  /** What is in force from now on; the passes that make it so follow. */
  use(set: ConfigurationSet): void {
    this.#set = set
    this.#watched = new WatchedPaths(set)
  }

  /** Goes over the twins that a stored change concerns. */
  begin(pass: Pass): void {
    this.#passes.begin(pass)
  }

  /** Works until the returned function is called. */
  start(): () => Promise<void> {
    const { bus, clock } = this.#ports
    const leave = bus.subscribe((notice) => this.#look(notice))
    const stopSweeps = clock.every(SWEEP_INTERVAL_MS, () => this.#sweep())
    const stopRetries = clock.every(RETRY_INTERVAL_MS, () => this.#retry())
    const stopWindows = clock.every(WINDOW_MS, () => this.#beginWindow())
    const stopMetrics = this.metrics.start()
    this.#sweep()
    for (const { configuration } of this.#set.all) this.metrics.changed(configuration.id)
    return async () => {
      leave()
      stopSweeps()
      stopRetries()
      stopWindows()
      await Promise.all([this.#dirty.close(), this.#passes.close(), stopMetrics()])
    }
  }

  /** Resolves when nothing waits: every twin is as the configurations in force want it. */
  async idle(): Promise<void> {
    do {
      await this.#dirty.idle()
      await this.#passes.idle()
    } while (this.#dirty.size > 0 || this.#passes.isBusy)
  }

  #sweep(): void {
    if (this.#set.all.length > 0) this.#passes.sweep()
  }

  #look(notice: Notice): void {
    if (!this.#watched.concerns(notice) || !('ref' in notice) || this.#writer.isTelling) return
    if (!this.#dirty.add(notice.ref)) this.#passes.sweep()
  }

  /** What changes meanwhile takes turns with it. @returns how many were written */
  async #evaluate(refs: readonly DeviceRef[]): Promise<number> {
    let written = 0
    for (let at = 0; at < refs.length; at += TWINS_AT_ONCE) {
      await this.#dirty.turn()
      written += (await this.#writeAll(refs.slice(at, at + TWINS_AT_ONCE), 'passing')).length
    }
    return written
  }

  async #writeDirty(refs: readonly DeviceRef[]): Promise<void> {
    const written = await this.#writeAll(refs.filter((ref) => !this.#restless.rests(ref)))
    for (const ref of written) this.#restless.wrote(ref)
  }

  /** @returns those that were written */
  async #writeAll(refs: readonly DeviceRef[], use?: 'passing'): Promise<readonly DeviceRef[]> {
    const touched = await Promise.all(refs.map((ref) => this.#write(ref, use)))
    for (const id of new Set(touched.flat())) this.metrics.changed(id)
    return refs.filter((_, at) => (touched[at] ?? []).length > 0)
  }

  async #write(ref: DeviceRef, use?: 'passing'): Promise<readonly string[]> {
    try {
      return await this.#writer.write(ref, () => this.#set, this.#mayApply, use)
    } catch (error) {
      if (!(error instanceof HubError)) this.#ports.log.error({ err: error, ...ref }, FAILED)
      this.#retries.set(refKey(ref), ref)
      return []
    }
  }

  #retry(): void {
    const refs = [...this.#retries.values()]
    this.#retries.clear()
    if (refs.length > MAX_RETRIED_TWINS) this.#passes.sweep()
    else this.#addAll(refs)
  }

  #beginWindow(): void {
    const refs = this.#restless.next()
    const [first] = refs
    if (!first) return
    this.#ports.log.warn({ twins: refs.length, ...first }, RESTLESS)
    this.#addAll(refs)
  }

  #addAll(refs: readonly DeviceRef[]): void {
    for (const ref of refs) if (!this.#dirty.add(ref)) this.#passes.sweep()
  }
}

const FAILED = 'a twin was not configured'
const RESTLESS = 'each write of a twin by configurations called for another; they waited'
