import { randomUUID } from 'node:crypto'
import type { FindingBatch, FindingStore } from '../data/finding-store.ts'
import type { Alert } from '../detection/alert.ts'
import { dedupeKey, openOrUpdate, opensAlert } from '../detection/alerts.ts'
import { Memory } from '../detection/device-memory.ts'
import type { Finding } from '../detection/evaluate.ts'
import { admitAlert, floodFinding, holdBack } from '../detection/flood.ts'
import { Noise } from '../detection/noise/noise.ts'
import type { Judge } from '../detection/noise/verdict.ts'

interface Raise {
  /** Whether the newest alert with its key may take the finding; `opensAlert` is asked as well. */
  readonly belongsTo?: (newest: Alert) => boolean
  /** When what was found ended; default: when it was observed. */
  readonly endMs?: number
}

const ALWAYS = () => true

/** One step: turns findings into alerts, to be committed together. */
export class Raiser {
  readonly #findings: FindingStore
  readonly #judge: Judge
  readonly #nowMs: number
  readonly #memories = new Map<string, Memory>()
  readonly #newest = new Map<string, Alert>()
  readonly #changed = new Map<string, Alert>()
  readonly #noise = new Noise()

  constructor(findings: FindingStore, judge: Judge, nowMs: number) {
    this.#findings = findings
    this.#judge = judge
    this.#nowMs = nowMs
  }

  async raise(found: Finding, { belongsTo = ALWAYS, endMs = 0 }: Raise = {}): Promise<void> {
    const nowMs = this.#nowMs
    const verdict = await this.#judge.judge(found, nowMs)
    this.#noise.take(verdict, found, nowMs)
    if (verdict.kind !== 'raised') return
    const { finding } = verdict
    const newest = await this.#newestWith(dedupeKey(finding))
    const existing = newest && belongsTo(newest) ? newest : undefined
    const memory = await this.memoryOf(finding.record.header.ref.deviceId)
    if (!opensAlert(existing, finding) || admitAlert(memory, nowMs, finding)) {
      const alert = openOrUpdate(existing, finding, nowMs, randomUUID)
      this.#keep(newest, alert.endTimeMs < endMs ? { ...alert, endTimeMs: endMs } : alert)
      return
    }
    this.#noise.count({ reason: 'flood' }, finding, nowMs)
    const flood = floodFinding(finding)
    const before = await this.#newestWith(dedupeKey(flood))
    this.#keep(before, holdBack(before, flood, nowMs, randomUUID))
  }

  async memoryOf(deviceId: string): Promise<Memory> {
    const known = this.#memories.get(deviceId)
    if (known) return known
    const memory = new Memory(deviceId, await this.#findings.findMemory(deviceId))
    this.#memories.set(deviceId, memory)
    return memory
  }

  /** Whether there is nothing to be committed. */
  get isIdle(): boolean {
    const { alerts, memories = [] } = this.changes()
    return alerts.length === 0 && memories.length === 0 && this.#noise.isEmpty
  }

  changes(): FindingBatch & { readonly alerts: readonly Alert[] } {
    return {
      alerts: [...this.#changed.values()],
      memories: [...this.#memories.values()].flatMap((memory) => memory.changed()),
      ...this.#noise.changes(),
    }
  }

  async #newestWith(key: string): Promise<Alert | undefined> {
    return this.#newest.get(key) ?? (await this.#findings.findAlertByKey(key))
  }

  #keep(before: Alert | undefined, alert: Alert): void {
    if (alert === before) return
    this.#changed.set(alert.id, alert)
    this.#newest.set(alert.dedupeKey, alert)
  }
}
