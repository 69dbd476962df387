import type { TypeSwitchStore } from '../../recommendations/switches.ts'

/** Which recommendations are off, until the process ends. */
export class MemoryTypeSwitchStore implements TypeSwitchStore {
  readonly #disabled = new Set<string>()

  async disabledTypes(): Promise<readonly string[]> {
    return [...this.#disabled].sort()
  }

  async setDisabled(name: string, isDisabled: boolean): Promise<void> {
    if (isDisabled) this.#disabled.add(name)
    else this.#disabled.delete(name)
  }
}
