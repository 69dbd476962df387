import { setMaxListeners } from 'node:events'
import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { TwinPlatform } from '../platform.ts'
import type { ServiceTags } from './summary.ts'
import { tagsPatch } from './tags-patch.ts'

/** One twin is written at most once in so long. */
export const WRITE_INTERVAL_MS = 1_000
/** Pause before a write that failed is tried again. */
export const RETRY_PAUSE_MS = 5_000
/** Then the state is given up, until the next one is submitted. */
export const MAX_ATTEMPTS = 10
/** Modules whose state waits to be written; who submits more waits for room. */
export const MAX_WAITING_MODULES = 10_000
/** Writes under way at once. */
export const MAX_CONCURRENT_WRITES = 16

interface Slot {
  readonly ref: Required<DeviceRef>
  wanted: ServiceTags
  /** Moves with every `submit`, so that a write knows whether it wrote the newest state. */
  revision: number
  attempts: number
}

export interface WriterPorts {
  readonly platform: TwinPlatform
  readonly clock: Clock
  readonly log: Log
}

/** Counts since the start. */
export interface WriterCounts {
  written: number
  unchanged: number
  retried: number
  /** States that could not be written, by whatever reason. */
  givenUp: number
}

/**
 * Writes posture summaries into the tags of security module twins: only the difference, only when
 * there is one, at most once per `WRITE_INTERVAL_MS` and module. States that come in between
 * replace each other; the last one always gets written.
 */
export class PostureWriter {
  readonly counts: WriterCounts = { written: 0, unchanged: 0, retried: 0, givenUp: 0 }
  readonly #ports: WriterPorts
  /** By `refKey`: a slot stays while its module is written, and through the pause afterwards. */
  readonly #slots = new Map<string, Slot>()
  readonly #closing = new AbortController()
  readonly #turns: (() => void)[] = []
  #running = 0
  #roomOrIdle: (() => void)[] = []

  constructor(ports: WriterPorts) {
    this.#ports = ports
    // Each module in its pause listens, so the usual warning about a leak does not apply.
    setMaxListeners(MAX_WAITING_MODULES, this.#closing.signal)
  }

  /** How many modules wait to be written. */
  get waiting(): number {
    return this.#slots.size
  }

  /**
   * Takes over the wanted state of a module; resolves once it is queued, not when it is written.
   * Waits while `MAX_WAITING_MODULES` others are queued. After `close` it does nothing.
   */
  async submit(ref: Required<DeviceRef>, wanted: ServiceTags): Promise<void> {
    const key = refKey(ref)
    while (!this.#slots.has(key) && this.#slots.size >= MAX_WAITING_MODULES) await this.#change()
    if (this.#closing.signal.aborted) return
    const slot = this.#slots.get(key)
    if (slot) {
      slot.wanted = wanted
      slot.revision++
      slot.attempts = 0
      return
    }
    const fresh: Slot = { ref, wanted, revision: 1, attempts: 0 }
    this.#slots.set(key, fresh)
    // Never rejects: `#serve` catches, counts and logs.
    void this.#serve(key, fresh)
  }

  /** Resolves when nothing waits any more; pauses between writes and retries are kept. */
  async flush(): Promise<void> {
    while (this.#slots.size > 0) await this.#change()
  }

  /** Skips all pauses, writes once more what waits, and stops; failures are not tried again. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.flush()
  }

  /** Writes a module's states until the newest is written and its pause is over. */
  async #serve(key: string, slot: Slot): Promise<void> {
    for (let revision = 0; revision !== slot.revision; ) {
      const trying = slot.revision
      const outcome = await this.#inTurn(() => this.#write(slot))
      if (outcome !== 'retry') revision = trying
      else if (this.#closing.signal.aborted || ++slot.attempts >= MAX_ATTEMPTS) {
        this.#giveUp(slot)
        revision = trying
      } else this.counts.retried++
      if (outcome !== 'unchanged') {
        await this.#pause(outcome === 'retry' ? RETRY_PAUSE_MS : WRITE_INTERVAL_MS)
      }
    }
    this.#slots.delete(key)
    for (const wake of this.#roomOrIdle.splice(0)) wake()
  }

  async #write(slot: Slot): Promise<'written' | 'unchanged' | 'refused' | 'retry'> {
    const { platform, log } = this.#ports
    try {
      const module = await platform.findModule(slot.ref)
      const patch = module && tagsPatch(module.tags, slot.wanted)
      if (patch === undefined) {
        this.counts.unchanged++
        return 'unchanged'
      }
      await platform.patchTwin(slot.ref, { tags: patch })
      this.counts.written++
      return 'written'
    } catch (thrown) {
      if (isGone(thrown)) return 'unchanged'
      log.warn({ err: thrown, module: refKey(slot.ref) }, 'the posture could not be written')
      if (!isRefusal(thrown)) return 'retry'
      this.#giveUp(slot)
      return 'refused'
    }
  }

  #giveUp({ ref, attempts }: Slot): void {
    this.counts.givenUp++
    this.#ports.log.error({ module: refKey(ref), attempts }, 'the posture is not in the twin')
  }

  /** Runs `write` when fewer than `MAX_CONCURRENT_WRITES` run, first come first served. */
  async #inTurn<T>(write: () => Promise<T>): Promise<T> {
    if (this.#running >= MAX_CONCURRENT_WRITES) {
      await new Promise<void>((resolve) => this.#turns.push(resolve))
    } else this.#running++
    try {
      return await write()
    } finally {
      // The turn goes over to the next in line, or back.
      const next = this.#turns.shift()
      if (next) next()
      else this.#running--
    }
  }

  async #pause(ms: number): Promise<void> {
    try {
      await this.#ports.clock.sleep(ms, this.#closing.signal)
    } catch (thrown) {
      if (!this.#closing.signal.aborted) throw thrown
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#roomOrIdle.push(resolve))
  }
}

/** The device or module went away: nobody misses its posture. */
function isGone(thrown: unknown): boolean {
  return (
    thrown instanceof HubError &&
    (thrown.code === 'DeviceNotFound' || thrown.code === 'ModuleNotFound')
  )
}

/** Trying again would not help: operators' own tags leave no room. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof HubError && thrown.code === 'ArgumentInvalid'
}
