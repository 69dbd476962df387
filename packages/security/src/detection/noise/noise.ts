import type { FindingBatch } from '../../data/finding-store.ts'
import type { HeldBack, LearnedValue } from '../../data/noise.ts'
import type { Finding } from '../evaluate.ts'
import { heldBack, heldBackOf, lessonOf, type Verdict } from './verdict.ts'

/** What is held back and learned in one step of evaluation, to be committed with it. */
export class Noise {
  readonly #heldBack = new Map<string, HeldBack>()
  readonly #learned: LearnedValue[] = []

  get isEmpty(): boolean {
    return this.#heldBack.size === 0 && this.#learned.length === 0
  }

  take(verdict: Verdict, finding: Finding, nowMs: number): void {
    const one = heldBackOf(verdict, finding, nowMs)
    if (one) this.#add(one)
    const lesson = verdict.kind === 'learning' ? lessonOf(finding, verdict.group) : undefined
    if (lesson) this.#learned.push(lesson)
  }

  count(what: Parameters<typeof heldBack>[0], finding: Finding, nowMs: number): void {
    this.#add(heldBack(what, finding, nowMs))
  }

  /** That a device of a group was heard of while the group learns. */
  member(group: string, deviceId: string): void {
    this.#learned.push({ group, alertType: '', name: '', value: '', deviceId })
  }

  changes(): Pick<FindingBatch, 'heldBack' | 'learned'> {
    return { heldBack: [...this.#heldBack.values()], learned: this.#learned }
  }

  #add(one: HeldBack): void {
    const key = JSON.stringify([one.reason, one.alertType, one.by])
    const { count = 0 } = this.#heldBack.get(key) ?? {}
    this.#heldBack.set(key, { ...one, count: count + 1 })
  }
}
