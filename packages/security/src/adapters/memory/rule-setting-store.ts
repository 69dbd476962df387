import type { RuleSettingStore } from '../../detection/rule-settings.ts'
import type { RuleSettings } from '../../detection/switches.ts'

/** What operators set for rules, until the process ends. */
export class MemoryRuleSettingStore implements RuleSettingStore {
  /** As JSON texts, so that nobody shares an object with us. */
  readonly #groups = new Map<string, string>()

  async all(): Promise<readonly (readonly [string, RuleSettings])[]> {
    return [...this.#groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, text]) => [group, JSON.parse(text) as RuleSettings])
  }

  async put(group: string, settings: RuleSettings): Promise<void> {
    if (Object.keys(settings).length === 0) this.#groups.delete(group)
    else this.#groups.set(group, JSON.stringify(settings))
  }
}
