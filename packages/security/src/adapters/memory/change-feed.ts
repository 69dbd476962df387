import {
  MAX_CHANGE_CHARACTERS,
  MAX_CHANGES,
  MAX_PAGE_CHARACTERS,
} from '../../data/finding-limits.ts'
import type { Alert } from '../../detection/alert.ts'
import type { FindingBefore, FindingChange } from '../../findings/finding-change.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'

type Finding = { readonly alert: Alert } | { readonly recommendation: Recommendation }

/** The feed of changed findings, oldest first, each as its text. */
export class ChangeFeed {
  readonly #changes: { readonly sequence: number; readonly text: string }[] = []
  #last = 0
  #characters = 0

  get last(): number {
    return this.#last
  }

  /**
   * Appends to the feed unless the finding is stored like this already.
   *
   * @param stored  the text of the finding before
   */
  append(stored: string | undefined, finding: Finding): void {
    if (stored === JSON.stringify('alert' in finding ? finding.alert : finding.recommendation)) {
      return
    }
    const sequence = ++this.#last
    const before = stored === undefined ? {} : { before: beforeOf(JSON.parse(stored)) }
    const text = JSON.stringify({ sequence, ...before, ...finding })
    this.#changes.push({ sequence, text })
    this.#characters += text.length
    while (this.#changes.length > MAX_CHANGES || this.#isTooLong()) {
      this.#characters -= this.#changes.shift()?.text.length ?? 0
    }
  }

  after(sequence: number, limit: number): readonly FindingChange[] {
    const found: FindingChange[] = []
    let characters = 0
    for (const change of this.#changes) {
      if (change.sequence <= sequence) continue
      if (found.length === limit || characters >= MAX_PAGE_CHARACTERS) break
      characters += change.text.length
      found.push(JSON.parse(change.text))
    }
    return found
  }

  #isTooLong(): boolean {
    return this.#changes.length > 1 && this.#characters > MAX_CHANGE_CHARACTERS
  }
}

function beforeOf(finding: Alert | Recommendation): FindingBefore {
  const { severity } = finding
  if ('alertType' in finding) return { status: finding.status, severity, count: finding.count }
  return { status: finding.state, severity, count: 0 }
}
