import { HubError } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import {
  DRILL_STEPS,
  DrillBroken,
  type DrillReport,
  type DrillStep,
  type DrillStepName,
} from './drill-report.ts'

/** What a step that passed says. */
export interface Passed<T> {
  readonly value: T
  readonly detail: string
  /** It could not be carried out, and the drill goes on without it. */
  readonly isSkipped?: boolean
}

/** The record of one drill: each step is noted, and after the first that fails the others are not taken. */
export class DrillRun {
  readonly id: string
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #steps: DrillStep[] = []

  constructor(id: string, clock: Clock) {
    this.id = id
    this.#clock = clock
    this.#startedMs = clock.now()
  }

  /** @returns the step's value; `undefined` when it failed */
  step<T>(step: DrillStepName, take: () => Promise<Passed<T>>): Promise<T | undefined> {
    return this.#take({ step }, take)
  }

  /** As `step`, of one of several channels. */
  notification(channel: string, take: () => Promise<Passed<unknown>>): Promise<unknown> {
    return this.#take({ step: 'notification', channel }, take)
  }

  /** As `step`, whatever happened before; the steps between are noted as not taken. */
  async always<T>(step: DrillStepName, take: () => Promise<Passed<T>>): Promise<void> {
    this.#skipUntil(step)
    await this.#take({ step }, take)
  }

  /** What a promise came to, or `undefined` after so long. */
  async within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
    const done = new AbortController()
    const late = this.#clock.sleep(ms, done.signal).then(
      () => undefined,
      () => undefined,
    )
    try {
      return await Promise.race([promise, late])
    } finally {
      done.abort()
    }
  }

  report(deviceId: string): DrillReport {
    this.#skipUntil(undefined)
    const broken = this.#steps.find(({ state }) => state === 'failed')
    return {
      ...{ id: this.id, deviceId, startedMs: this.#startedMs, hasPassed: broken === undefined },
      ...(broken && { brokenAt: broken.step }),
      steps: this.#steps,
    }
  }

  async #take<T>(
    what: Pick<DrillStep, 'step' | 'channel'>,
    take: () => Promise<Passed<T>>,
  ): Promise<T | undefined> {
    try {
      const { value, detail, isSkipped = false } = await take()
      this.#note({ ...what, state: isSkipped ? 'skipped' : 'passed', detail })
      return value
    } catch (error) {
      // A device that does not exist is the caller's mistake, not a break on the way.
      if (error instanceof HubError && error.code === 'DeviceNotFound') throw error
      if (!(error instanceof DrillBroken || error instanceof HubError)) throw error
      this.#note({ ...what, state: 'failed', detail: error.message })
      return undefined
    }
  }

  #note(step: Omit<DrillStep, 'atMs'>): void {
    this.#steps.push({ ...step, atMs: this.#clock.now() - this.#startedMs })
  }

  #skipUntil(step: DrillStepName | undefined): void {
    const end = step === undefined ? DRILL_STEPS.length : DRILL_STEPS.indexOf(step)
    for (const name of DRILL_STEPS.slice(0, end)) {
      if (this.#steps.some((taken) => taken.step === name)) continue
      this.#note({ step: name, state: 'skipped', detail: 'not reached' })
    }
  }
}
