import { type DeviceRef, refKey } from '@twinward/protocol'
import { Serial } from '../serial.ts'
import { admit, followVerdict } from './admit.ts'
import { EventWindow } from './event-window.ts'
import type { FingerprintChunk, IngestionStore, IntakeState, Verdict } from './ingestion-store.ts'
import type { IngestedMessage } from './pipeline.ts'
import { type IntakeLimits, newIntakeState } from './quota.ts'

/** Room for fingerprints of all devices that is kept in memory, about 25 bytes each. */
const MAX_CACHED_FINGERPRINTS = 1_048_576
/** Devices that are kept in memory, however few events they sent. */
const MAX_CACHED_DEVICES = 10_000

/** What is known of one device while messages of it come. */
interface Intake {
  state: IntakeState
  /** By sender: the device's own identity and its modules do not share ids. */
  readonly windows: Map<string, EventWindow>
}

/**
 * Decides which events count, before anybody works with them, and stores the decision: whichever
 * store has to be given a message once more gets the same events of it.
 */
export class Admission {
  readonly #store: IngestionStore
  readonly #limits: IntakeLimits
  readonly #serial = new Serial()
  /** Least recently used first. */
  readonly #cache = new Map<string, Intake>()
  #cachedFingerprints = 0
  #decidedThrough = 0
  /** Whether a commit failed, so that it is not known what the store holds. */
  #isUnsure = false

  constructor(store: IngestionStore, limits: IntakeLimits) {
    this.#store = store
    this.#limits = limits
  }

  async start(): Promise<void> {
    this.#decidedThrough = await this.#store.cursor()
  }

  /**
   * Takes messages in the order of the stream, and returns them with the events that count. When it
   * resolves the decision is durable.
   *
   * @param released  the sequence up to which no message will be given again
   */
  admit(messages: readonly IngestedMessage[], released: number) {
    return this.#serial.run(() => this.#admit(messages, released))
  }

  /** Forgets a device that was removed. */
  remove(deviceId: string): Promise<void> {
    return this.#serial.run(async () => {
      this.#drop(deviceId)
      await this.#store.removeDevice(deviceId)
    })
  }

  async #admit(
    messages: readonly IngestedMessage[],
    released: number,
  ): Promise<readonly IngestedMessage[]> {
    if (this.#isUnsure) await this.#readAgain()
    const decided = messages.filter(({ message }) => message.sequence <= this.#decidedThrough)
    const verdicts = await this.#earlierVerdicts(decided)
    const fresh = messages.slice(decided.length)
    const last = fresh.at(-1)
    if (last !== undefined) {
      for (const verdict of await this.#decide(fresh, last.message.sequence, released)) {
        verdicts.set(verdict.sequence, verdict)
      }
    }
    return messages.map(({ message, decoded }) => {
      const { ref, enqueuedTimeMs: receivedMs, sequence } = message
      const verdict = verdicts.get(sequence)
      return { message, decoded: followVerdict(decoded, { ref, receivedMs }, verdict) }
    })
  }

  /** What memory has learned may not be in the store, or the store may have it in spite of a failure. */
  async #readAgain(): Promise<void> {
    this.#cache.clear()
    this.#cachedFingerprints = 0
    this.#decidedThrough = await this.#store.cursor()
    this.#isUnsure = false
  }

  async #earlierVerdicts(decided: readonly IngestedMessage[]): Promise<Map<number, Verdict>> {
    const [first] = decided
    const last = decided.at(-1)
    if (first === undefined || last === undefined) return new Map()
    const after = first.message.sequence - 1
    const verdicts = await this.#store.findVerdicts(after, last.message.sequence)
    return new Map(verdicts.map((verdict) => [verdict.sequence, verdict]))
  }

  /** @returns the verdicts that say something */
  async #decide(
    messages: readonly IngestedMessage[],
    cursor: number,
    released: number,
  ): Promise<readonly Verdict[]> {
    const intakes = await this.#intakesOf(messages)
    // Until the commit has said that it happened: what fails in between must not stay in memory.
    this.#isUnsure = true
    const sizeBefore = sizeOfAll(intakes.values())
    const touched = new Set<EventWindow>()
    const verdicts: Verdict[] = []
    for (const { message, decoded } of messages) {
      const { ref, sequence, enqueuedTimeMs: receivedMs, body } = message
      const intake = intakes.get(ref.deviceId)
      if (intake === undefined) throw new Error(`no intake of ${ref.deviceId}`)
      const window = windowOf(intake, ref)
      const arrival = { sequence, receivedMs, sizeBytes: body.byteLength, decoded }
      const { state, verdict } = admit(intake.state, window, arrival, this.#limits)
      intake.state = state
      touched.add(window)
      if (saysSomething(verdict)) verdicts.push(verdict)
    }
    await this.#store.commit({ cursor, released, verdicts, ...changesOf(intakes, touched) })
    this.#decidedThrough = cursor
    this.#isUnsure = false
    this.#cachedFingerprints += sizeOfAll(intakes.values()) - sizeBefore
    this.#trimCache()
    return verdicts
  }

  async #intakesOf(messages: readonly IngestedMessage[]): Promise<Map<string, Intake>> {
    const ids = new Set(messages.map(({ message }) => message.ref.deviceId))
    const missing = [...ids].filter((id) => !this.#cache.has(id))
    if (missing.length > 0) await this.#load(missing)
    const intakes = new Map<string, Intake>()
    for (const id of ids) {
      const intake = this.#cache.get(id)
      if (intake === undefined) continue
      intakes.set(id, intake)
      this.#cache.delete(id)
      this.#cache.set(id, intake)
    }
    return intakes
  }

  async #load(deviceIds: readonly string[]): Promise<void> {
    const [states, chunks] = await Promise.all([
      this.#store.findStates(deviceIds),
      this.#store.findChunks(deviceIds),
    ])
    const stateOf = new Map(states.map((state) => [state.deviceId, state]))
    const chunksOf = groupBy(chunks, ({ ref }) => ref.deviceId)
    for (const id of deviceIds) {
      const state = stateOf.get(id) ?? newIntakeState(id)
      const intake = { state, windows: windowsOf(chunksOf.get(id) ?? []) }
      this.#cache.set(id, intake)
      this.#cachedFingerprints += sizeOf(intake)
    }
  }

  #trimCache(): void {
    for (const id of this.#cache.keys()) {
      const isSmall = this.#cachedFingerprints <= MAX_CACHED_FINGERPRINTS
      if (isSmall && this.#cache.size <= MAX_CACHED_DEVICES) return
      this.#drop(id)
    }
  }

  #drop(deviceId: string): void {
    const intake = this.#cache.get(deviceId)
    if (intake === undefined) return
    this.#cache.delete(deviceId)
    this.#cachedFingerprints -= sizeOf(intake)
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

function windowsOf(chunks: readonly FingerprintChunk[]): Map<string, EventWindow> {
  const windows = new Map<string, EventWindow>()
  for (const [key, own] of groupBy(chunks, ({ ref }) => refKey(ref))) {
    const [first] = own
    if (first !== undefined) windows.set(key, new EventWindow(first.ref, own))
  }
  return windows
}

function windowOf({ windows }: Intake, ref: DeviceRef): EventWindow {
  const key = refKey(ref)
  const window = windows.get(key) ?? new EventWindow(ref, [])
  windows.set(key, window)
  return window
}

function changesOf(intakes: ReadonlyMap<string, Intake>, touched: ReadonlySet<EventWindow>) {
  const changes = Array.from(touched, (window) => window.changes())
  return {
    states: Array.from(intakes.values(), ({ state }) => state),
    chunks: changes.flatMap(({ chunks }) => chunks),
    forgotten: changes.flatMap(({ forgotten }) => forgotten),
  }
}

function saysSomething({ repeated, reused, excess, declarations }: Verdict): boolean {
  return repeated.length + reused.length + excess.length + declarations.length > 0
}

function sizeOf({ windows }: Intake): number {
  let size = 0
  for (const window of windows.values()) size += window.size
  return size
}

function sizeOfAll(intakes: Iterable<Intake>): number {
  let size = 0
  for (const intake of intakes) size += sizeOf(intake)
  return size
}
