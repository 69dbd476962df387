import { HubError } from '@twinward/protocol'

/**
 * Which recommendations operators switched off. Adapters: `adapters/memory`, `adapters/sqlite`; each
 * passes `test/contracts/recommendation-stores.ts`.
 */
export interface TypeSwitchStore {
  /** Names of those that are off, in order. */
  disabledTypes(): Promise<readonly string[]>
  /** Durable when it resolves. */
  setDisabled(name: string, isDisabled: boolean): Promise<void>
}

/** What is asked before a recommendation is opened. */
export interface TypeSwitches {
  /** By its own name or that of its family. */
  isOff(recommendationType: string): boolean
}

export const NO_SWITCHES: TypeSwitches = { isOff: () => false }

/** The switches in memory, as they are stored. */
export class StoredSwitches implements TypeSwitches {
  readonly #families: readonly { readonly name: string; readonly prefix: string }[]
  #off: ReadonlySet<string> = new Set()

  /** @param families  names of switches that are for every type with a prefix */
  constructor(families: readonly { readonly name: string; readonly prefix: string }[]) {
    this.#families = families
  }

  replace(off: readonly string[]): void {
    this.#off = new Set(off)
  }

  get off(): readonly string[] {
    return [...this.#off]
  }

  isOff(recommendationType: string): boolean {
    return this.#off.has(this.nameOf(recommendationType))
  }

  /** The switch that a type has: its own, or that of its family. */
  nameOf(recommendationType: string): string {
    const family = this.#families.find(({ prefix }) => recommendationType.startsWith(prefix))
    return family?.name ?? recommendationType
  }
}

/** @throws {HubError} `GenericNotFound` for a name that has no switch */
export function checkSwitch(name: string, known: readonly string[]): void {
  if (known.includes(name)) return
  const shown = name.slice(0, 128)
  throw new HubError('GenericNotFound', `There is no recommendation type ${shown}.`)
}
