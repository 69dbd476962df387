import { HubError } from '@twinward/protocol'
import type { WriteAuthor } from '../twins/desired-review.ts'
import type { Bulk } from './bulk.ts'
import { exportPages } from './export.ts'
import type { Identities } from './identities.ts'
import { type ImportCounts, type ImportSource, importLines, type LineFailure } from './import.ts'

/** Streams in or out at a time. */
const MAX_TRANSFERS = 8
/** Refused lines that a report names; the others are counted. */
const MAX_REPORTED_FAILURES = 1000

export interface ImportReport extends ImportCounts {
  /** The first of them. */
  readonly failures: readonly LineFailure[]
}

/** The registry as a stream of lines, for people and scripts; jobs do the same with files. */
export class RegistryTransfer {
  readonly #identities: Identities
  readonly #bulk: Bulk
  #transfers = 0

  constructor(identities: Identities, bulk: Bulk) {
    this.#identities = identities
    this.#bulk = bulk
  }

  /**
   * Every identity with its twin, as whole lines; the consumer sets the pace.
   *
   * @throws {HubError} at once, `ThrottlingException` when `MAX_TRANSFERS` are under way
   */
  export(excludeKeys: boolean): AsyncIterableIterator<string> {
    const giveBack = this.#take()
    const pages = exportPages(this.#identities, { excludeKeys })
    // No generator: one that is given up before its first page would not reach its `finally`.
    const end = async (): Promise<IteratorResult<string>> => {
      giveBack()
      await pages.return(undefined)
      return { done: true, value: undefined }
    }
    return {
      [Symbol.asyncIterator]() {
        return this
      },
      async next() {
        const page = await pages.next().catch((error) => {
          giveBack()
          throw error
        })
        return page.done ? end() : { done: false, value: page.value.text }
      },
      return: end,
      async throw(error) {
        await end()
        throw error
      },
    }
  }

  /**
   * Applies lines as they come in.
   *
   * @param author  on whose behalf
   * @throws {HubError} `ThrottlingException` when `MAX_TRANSFERS` are under way; `ServiceUnavailable`
   */
  async import(source: ImportSource, author?: WriteAuthor): Promise<ImportReport> {
    const giveBack = this.#take()
    try {
      const failures: LineFailure[] = []
      const failed = (failure: LineFailure) => {
        if (failures.length < MAX_REPORTED_FAILURES) failures.push(failure)
      }
      const counts = await importLines(source, this.#bulk.as(author), { failed })
      return { ...counts, failures }
    } finally {
      giveBack()
    }
  }

  #take(): () => void {
    if (this.#transfers >= MAX_TRANSFERS) {
      throw new HubError('ThrottlingException', `${MAX_TRANSFERS} imports and exports run already.`)
    }
    this.#transfers++
    let isTaken = true
    return () => {
      if (isTaken) this.#transfers--
      isTaken = false
    }
  }
}
