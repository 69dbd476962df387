import type { Finding } from '../../detection/evaluate.ts'
import type { Judge, Verdict } from '../../detection/noise/verdict.ts'
import type { IngestedMessage } from '../../ingestion/pipeline.ts'

/** What the evaluation of a drill's message came to. */
export interface Evaluation {
  readonly ingested: IngestedMessage
  /** Of each of its findings. */
  readonly verdicts: readonly { readonly finding: Finding; readonly verdict: Verdict }[]
}

interface Watched {
  readonly verdicts: { readonly finding: Finding; readonly verdict: Verdict }[]
  /** Absent once the drill is over. */
  readonly evaluated?: (evaluation: Evaluation) => void
}

/**
 * Knows which events are of drills, by ids that only this process made, and marks what is found in
 * them: no agent can call its own events a drill. What belongs to a drill that is over raises nothing.
 */
export class DrillJudge implements Judge {
  readonly #inner: Judge
  readonly #watched = new Map<string, Watched>()

  constructor(inner: Judge) {
    this.#inner = inner
  }

  /** @param evaluated  told once the findings of the drill's message are committed */
  expect(drillId: string, evaluated: (evaluation: Evaluation) => void): void {
    this.#watched.set(drillId, { verdicts: [], evaluated })
  }

  /** The message of this drill may still come. */
  expectNothing(drillId: string): void {
    this.#watched.set(drillId, { verdicts: [] })
  }

  forget(drillId: string): void {
    this.#watched.delete(drillId)
  }

  isDrill({ decoded }: IngestedMessage): boolean {
    return this.#watched.size > 0 && this.#drillOf(decoded) !== undefined
  }

  /** Runs the evaluation of messages and tells drills among them that they were evaluated. */
  async watching(messages: readonly IngestedMessage[], evaluate: () => Promise<void>) {
    await evaluate()
    if (this.#watched.size === 0) return
    for (const ingested of messages) {
      const drill = this.#drillOf(ingested.decoded)
      const watched = drill === undefined ? undefined : this.#watched.get(drill)
      watched?.evaluated?.({ ingested, verdicts: watched.verdicts })
    }
  }

  groupOf(deviceId: string): Promise<string> {
    return this.#inner.groupOf(deviceId)
  }

  async judge(found: Finding, nowMs: number): Promise<Verdict> {
    const { eventId } = found.record.header
    const watched = this.#watched.get(eventId)
    if (!watched) return this.#inner.judge(found, nowMs)
    if (!watched.evaluated) return { kind: 'off', group: '' }
    const finding = marked(found, eventId)
    const verdict = await this.#inner.judge(finding, nowMs)
    watched.verdicts.push({ finding, verdict })
    return verdict
  }

  /** Of an event that was accepted; refused ones carry the id in their text. */
  #drillOf({ events, rejections }: IngestedMessage['decoded']): string | undefined {
    const event = events.find(({ header }) => this.#watched.has(header.eventId))
    if (event) return event.header.eventId
    for (const id of this.#watched.keys()) {
      if (rejections.some(({ excerpt }) => excerpt.includes(`twinward-drill-${id}`))) return id
    }
    return undefined
  }
}

/** An alert of its own, whatever alerts on the same thing there are, which says what it is. */
function marked(finding: Finding, drill: string): Finding {
  const { rule, match } = finding
  const displayName = `Fire drill: ${rule.type.displayName}`
  return {
    ...finding,
    rule: { type: { ...rule.type, displayName } },
    match: { ...match, key: `drill ${drill} ${match.key}`, drill },
  }
}
