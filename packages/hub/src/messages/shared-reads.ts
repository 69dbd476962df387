import type { EventLog, LogRecord } from './event-log.ts'
import type { PartitionPlace } from './start-position.ts'

/** Records of one page; the log bounds it in bytes as well. */
export const MAX_PAGE_RECORDS = 100
/** Limits are rounded up to one of these, so that readers in the same place share a page. */
const PAGE_SIZES = [1, 10, MAX_PAGE_RECORDS]

export interface Page {
  readonly records: readonly LogRecord[]
  /** Up to here nothing is missing: what is not in a page that is not full is not there. */
  readonly through: number
}

/** Pages that are being read: readers that ask for the same at the same time get the same one. */
export class SharedReads {
  readonly #log: EventLog
  readonly #underWay = new Map<string, Promise<Page>>()

  constructor(log: EventLog) {
    this.#log = log
  }

  read(place: PartitionPlace, after: number, limit: number): Promise<Page> {
    const size = PAGE_SIZES.find((candidate) => candidate >= limit) ?? MAX_PAGE_RECORDS
    const key = `${place.stream}/${place.partition}/${after}/${size}`
    const shared = this.#underWay.get(key)
    if (shared) return shared
    const reading = this.#read(place, after, size).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, reading)
    return reading
  }

  async #read({ stream, partition }: PartitionPlace, after: number, size: number): Promise<Page> {
    // Before the read: what is appended meanwhile may be missing from it.
    const through = await this.#log.head(stream, partition)
    return { records: await this.#log.read(stream, partition, after, size), through }
  }
}
