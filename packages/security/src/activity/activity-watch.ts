import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import { evaluateRecords } from '../detection/evaluate.ts'
import { stormFinding } from '../detection/hub/connection-storm.ts'
import { hubRecord } from '../detection/hub/hub-record.ts'
import { hubRules } from '../detection/hub/index.ts'
import type { Judge } from '../detection/noise/verdict.ts'
import type { HubRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import type { TwinPlatform } from '../platform.ts'
import type { Serial } from '../serial.ts'
import { Coverage } from './coverage.ts'
import type { HubActivity, HubEvent, UsePlace } from './hub-activity.ts'
import { Raiser } from './raiser.ts'
import { WindowCounts, type WindowGroups } from './window-counts.ts'
import { WindowJudge } from './window-judge.ts'
import type { DeviceWindows } from './windows.ts'

/** So long after each full minute it is looked at: the hub has closed the minute by then. */
export const MINUTE_DELAY_MS = 5_000
/** Events of the hub that one step takes. */
const PAGE_EVENTS = 200
/** Devices of one minute, or with windows that are due, that one step takes. */
const PAGE_DEVICES = 500
const MINUTE_MS = 60_000

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly judge: Judge
  readonly groups: WindowGroups
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device with a changed alert. */
  readonly touched: (deviceId: string) => void
}

/**
 * Watches what the hub tells of itself: raises the alerts about it, and those of rules on time windows.
 * An alert and the place up to which events are accounted for are committed together. Windows of agents'
 * records are counted by the evaluator, through `counts`, and judged here.
 */
export class ActivityWatch {
  readonly counts: WindowCounts
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  readonly #coverage: Coverage
  readonly #judge: WindowJudge
  #sequence = 0
  #place: UsePlace = { minuteMs: 0, read: 0 }
  #uncounted = 0
  #loop: Promise<void> | undefined
  #taking: Promise<void> = Promise.resolve()
  #isWaiting = false
  #leave: (() => void) | undefined

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
    const { groups } = options
    this.counts = new WindowCounts(groups)
    this.#coverage = new Coverage(groups, ports.clock.now())
    const activity = ports.platform.activity ?? NOBODY
    const parts = { counts: this.counts, groups, coverage: this.#coverage, activity }
    this.#judge = new WindowJudge(parts)
  }

  /** Reads what was counted before; to be called before messages are taken. */
  async load(): Promise<void> {
    const { findings, clock } = this.#ports
    this.#sequence = await findings.activity.eventSequence()
    for (let after = ''; ; ) {
      const page = await findings.activity.windows(PAGE_DEVICES, after)
      this.counts.adopt(page)
      const last = page.at(-1)
      if (!last || page.length < PAGE_DEVICES) break
      after = last.deviceId
    }
    this.counts.judgedMs = clock.now()
  }

  start(): void {
    const { platform, clock } = this.#ports
    this.#leave ??= platform.subscribe((notice) => {
      this.#coverage.hear(notice, clock.now())
      if (notice.kind === 'device-removed') this.counts.forget(notice.deviceId)
      else if (notice.kind === 'hub-event') this.#takeSoon()
    })
    this.#takeSoon()
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#leave?.()
    this.#closing.abort()
    await this.#loop
    await this.#taking
  }

  async #watch(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        const intoMinuteMs = (clock.now() - MINUTE_DELAY_MS) % MINUTE_MS
        await clock.sleep(MINUTE_MS - intoMinuteMs, signal)
        this.#takeSoon()
        await this.#taking
        await this.#look()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'what happened at the hub was not judged')
      }
    }
  }

  /** Takes what the hub wrote down; one after the other, however often it is asked. */
  #takeSoon(): void {
    const { activity } = this.#ports.platform
    if (!activity || this.#isWaiting) return
    this.#isWaiting = true
    this.#taking = this.#taking
      .then(() => {
        this.#isWaiting = false
        return this.#takeEvents(activity)
      })
      .catch((error) => {
        if (this.#closing.signal.aborted) return
        this.#ports.log.error({ err: error }, 'events of the hub were not judged')
      })
  }

  /** What was read is counted before any window is judged that it may belong to. */
  async #look(): Promise<void> {
    const { platform, clock, log } = this.#ports
    const nowMs = clock.now()
    if (platform.activity) await this.#takeUse(platform.activity)
    await this.#judgeLeast(nowMs)
    await this.#judgeDue(nowMs)
    const { uncounted } = this.counts
    if (uncounted > this.#uncounted) {
      log.warn({ uncounted: uncounted - this.#uncounted }, 'too many devices for time windows')
      this.#uncounted = uncounted
      this.#coverage.gap(nowMs)
    }
  }

  async #takeEvents(activity: HubActivity): Promise<void> {
    for (;;) {
      const events = await activity.readEvents(this.#sequence, PAGE_EVENTS)
      const last = events.at(-1)
      if (!last) return
      this.#closing.signal.throwIfAborted()
      await this.#step(async (raiser, nowMs) => {
        await raiseEvents(events, raiser, nowMs)
        return { eventSequence: last.sequence }
      })
      this.#sequence = last.sequence
    }
  }

  async #takeUse(activity: HubActivity): Promise<void> {
    for (;;) {
      const page = await activity.readUse(this.#place, PAGE_DEVICES)
      if (!page) return
      this.#closing.signal.throwIfAborted()
      if (!page.isComplete) this.#coverage.gap(page.minuteMs + MINUTE_MS)
      await this.#step(async (raiser, nowMs) => {
        const stage = this.counts.stage()
        for (const use of page.devices) {
          await stage.countUse(use, page.minuteMs, nowMs)
          const storm = stormFinding(use, page.minuteMs)
          if (storm) await raiser.raise(storm)
        }
        return { windows: stage.changes() }
      })
      this.#place = page.place
      await activity.releaseUse(page.minuteMs)
    }
  }

  async #judgeLeast(nowMs: number): Promise<void> {
    for (const sizeMs of this.#judge.endedSizes(nowMs)) {
      const devices = await this.#judge.connectedDuring(sizeMs, nowMs)
      for (const page of pages(devices)) {
        await this.#step(async (raiser) => {
          for (const deviceId of page) {
            await this.#judge.judgeLeast({ deviceId, sizeMs, nowMs }, raiser)
          }
          return {}
        })
      }
      this.#judge.looked(sizeMs, nowMs)
    }
  }

  async #judgeDue(nowMs: number): Promise<void> {
    const due = this.#judge.due(nowMs)
    for (const page of pages(due)) {
      await this.#step(async (raiser) => {
        const windows: DeviceWindows[] = []
        // As they are now: a message may have been counted since.
        for (const { deviceId } of page) {
          const open = this.counts.of(deviceId)
          windows.push(await this.#judge.judge({ deviceId, open }, nowMs, raiser))
        }
        return { windows }
      })
    }
    this.counts.judgedMs = nowMs
    if (due.length > 0) this.counts.refresh()
  }

  /** Commits what one step decided, and only then goes on from there. */
  async #step(
    decide: (
      raiser: Raiser,
      nowMs: number,
    ) => Promise<{ eventSequence?: number; windows?: readonly DeviceWindows[] }>,
  ): Promise<void> {
    const { findings, clock } = this.#ports
    const { changes, judge, touched } = this.#options
    await changes.run(async () => {
      const nowMs = clock.now()
      const raiser = new Raiser(findings, judge, nowMs)
      const activity = await decide(raiser, nowMs)
      const { windows = [], eventSequence } = activity
      if (raiser.isIdle && windows.length === 0 && eventSequence === undefined) return
      const batch = raiser.changes()
      await findings.commit({ ...batch, activity })
      this.counts.adopt(windows)
      for (const { deviceId } of batch.alerts) touched(deviceId)
    })
  }
}

/** Rules remember by device, so events of one device are evaluated together. */
async function raiseEvents(
  events: readonly HubEvent[],
  raiser: Raiser,
  nowMs: number,
): Promise<void> {
  for (const [deviceId, records] of byDevice(events.map((event) => hubRecord(event, nowMs)))) {
    const memory = await raiser.memoryOf(deviceId)
    for (const finding of evaluateRecords(records, hubRules, memory)) await raiser.raise(finding)
  }
}

function byDevice(records: readonly HubRecord[]): ReadonlyMap<string, readonly HubRecord[]> {
  const groups = new Map<string, HubRecord[]>()
  for (const record of records) {
    const { deviceId } = record.header.ref
    const group = groups.get(deviceId)
    if (group) group.push(record)
    else groups.set(deviceId, [record])
  }
  return groups
}

function* pages<T>(items: readonly T[]): Iterable<readonly T[]> {
  for (let at = 0; at < items.length; at += PAGE_DEVICES) yield items.slice(at, at + PAGE_DEVICES)
}

/** Of a hub that tells nothing nobody is known to be connected. */
const NOBODY: Pick<HubActivity, 'connectedSince'> = { connectedSince: async () => [] }
