import type { JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { DeviceMemory, FindingStore } from '../data/finding-store.ts'
import type { Log } from '../log.ts'
import type { Serial } from '../serial.ts'
import { type DevicePlan, planDevice, type SeenDevice } from './device-state.ts'
import { type DeviceNotes, earliest, isSourceStale, NOTES, readNotes, writeNotes } from './notes.ts'
import { HUB, liftIfOver, type Recommendation } from './recommendation.ts'
import { type JudgedBy, Round } from './round.ts'
import { becomeStale } from './states.ts'
import { NO_SWITCHES } from './switches.ts'

/** How often devices are looked for whose recommendations time alone may have changed. */
export const DUE_INTERVAL_MS = 60_000
/** Due devices that are looked at between two pauses. */
const DUE_PAGE_DEVICES = 100
const DUE_PAUSE_MS = 200

interface Ports {
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly by: JudgedBy
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device whose recommendations changed. */
  readonly touched: (deviceId: string) => void
  /** Has a device looked at, and the look told to `see`. */
  readonly look: (deviceId: string) => Promise<void>
  readonly agentGraceMs: number
}

/**
 * Judges what no record tells: the state of a device and its twin as somebody looks at it, and time,
 * which ends exemptions and makes what has not been heard of for long stale.
 */
export class Assessor {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  #loop: Promise<void> | undefined

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#loop
  }

  /** A round of judgements; to be used within the serial changes of findings. */
  round(): Round {
    return new Round(this.#ports, this.#options.by)
  }

  /** Draws what follows from a look at a device; almost always that is nothing, and costs a read. */
  async see(seen: SeenDevice): Promise<void> {
    const { deviceId } = seen
    const memory = await this.#ports.findings.findMemory(deviceId)
    const before = notesIn(memory)
    if (!isNews(before, this.#plan(before, seen))) return
    // What was read may be old by now: only within the changes it stays as it is.
    const isChanged = await this.#options.changes.run(() => this.#see(seen))
    if (isChanged) this.#options.touched(deviceId)
  }

  /** @returns whether a recommendation changed */
  async #see(seen: SeenDevice): Promise<boolean> {
    const { findings, clock } = this.#ports
    const { deviceId } = seen
    const memory = await findings.findMemory(deviceId)
    const before = notesIn(memory)
    const plan = this.#plan(before, seen)
    if (!isNews(before, plan)) return false
    const round = this.round()
    const snapshot = { deviceId, timeMs: clock.now() }
    for (const { type, assessment } of plan.verdicts)
      await round.judgeNow(type, assessment, snapshot)
    await this.#makeStale(round, deviceId, plan.stale)
    const exemptUntilMs = plan.endsExemption
      ? await this.#endExemptions(round, deviceId, plan.notes)
      : plan.notes.exemptUntilMs
    const dueMs = earliest(plan.notes.dueMs, exemptUntilMs)
    const written = withNotes(deviceId, memory, { ...plan.notes, exemptUntilMs, dueMs })
    const recommendations = round.changed()
    await findings.commit({ recommendations, memories: [written] })
    return recommendations.length > 0
  }

  #plan(before: DeviceNotes, seen: SeenDevice): DevicePlan {
    const { agentGraceMs, by } = this.#options
    const { switches = NO_SWITCHES } = by
    const isOff = (recommendationType: string) => switches.isOff(recommendationType)
    return planDevice(before, seen, { nowMs: this.#ports.clock.now(), agentGraceMs, isOff })
  }

  async #makeStale(round: Round, deviceId: string, sources: readonly string[]): Promise<void> {
    if (sources.length === 0) return
    const nowMs = this.#ports.clock.now()
    for (const one of await round.inStates(deviceId, ['Active'])) {
      const isOfThem = one.source !== undefined && sources.includes(one.source)
      if (isOfThem) round.keep(becomeStale(one, nowMs), one)
    }
  }

  /** @returns when the next exemption ends; 0 = none does */
  async #endExemptions(round: Round, deviceId: string, notes: DeviceNotes): Promise<number> {
    const nowMs = this.#ports.clock.now()
    const left: Recommendation[] = []
    for (const one of await round.inStates(deviceId, ['Exempt'])) {
      const lifted = liftIfOver(one, nowMs)
      const isStale = lifted !== one && isSourceStale(notes, one.source)
      round.keep(isStale ? becomeStale(lifted, nowMs) : lifted, one)
      if (lifted === one) left.push(one)
    }
    const ends = left.flatMap(({ exemptUntilMs }) => exemptUntilMs ?? [])
    return ends.length === 0 ? 0 : Math.min(...ends)
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await clock.sleep(DUE_INTERVAL_MS, signal)
        await this.#lookAtDue(signal)
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'due recommendations were not looked at')
      }
    }
  }

  /** Each that is due now once; who stays due, because a look failed, waits for the next time. */
  async #lookAtDue(signal: AbortSignal): Promise<void> {
    const { findings, clock, log } = this.#ports
    const nowMs = clock.now()
    for (let after: { deviceId: string; dueMs: number } | undefined; ; ) {
      const page = await findings.dueMemories(nowMs, DUE_PAGE_DEVICES, after)
      for (const { deviceId } of page) {
        signal.throwIfAborted()
        try {
          await this.#lookAt(deviceId)
        } catch (error) {
          log.error({ err: error, deviceId }, 'due recommendations were not looked at')
        }
      }
      after = page.at(-1)
      if (page.length < DUE_PAGE_DEVICES) return
      await clock.sleep(DUE_PAUSE_MS, signal)
    }
  }

  async #lookAt(deviceId: string): Promise<void> {
    // Of the hub itself nothing is seen but that time passes.
    if (deviceId === HUB) return this.see({ deviceId, state: 'active', sinceMs: 0 })
    await this.#options.look(deviceId)
    await this.#options.changes.run(() => this.#settle(deviceId))
  }

  /** A look moves what is due; where it did not, there is no such device any more. */
  async #settle(deviceId: string): Promise<void> {
    const { findings, clock } = this.#ports
    const memory = await findings.findMemory(deviceId)
    const notes = notesIn(memory)
    if (notes.dueMs === 0 || notes.dueMs > clock.now()) return
    await findings.commit({ memories: [withNotes(deviceId, memory, { ...notes, dueMs: 0 })] })
  }
}

export function notesIn(memory: DeviceMemory | undefined): DeviceNotes {
  return readNotes(memory?.values[NOTES] as JsonObject | undefined)
}

/** The memory of a device with other notes; the rules' own part stays. */
export function withNotes(
  deviceId: string,
  memory: DeviceMemory | undefined,
  notes: DeviceNotes,
): DeviceMemory {
  return { deviceId, values: { ...memory?.values, [NOTES]: writeNotes(notes) } }
}

function isNews(
  before: DeviceNotes,
  { notes, verdicts, stale, endsExemption }: DevicePlan,
): boolean {
  return notes !== before || verdicts.length > 0 || stale.length > 0 || endsExemption
}
