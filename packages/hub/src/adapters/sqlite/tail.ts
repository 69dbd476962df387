import type { LogRecord, StampedMessage } from '../../messages/event-log.ts'

/** Bodies that one tail keeps, in bytes, and its records. */
const MAX_TAIL_BYTES = 4 * 1024 * 1024
const MAX_TAIL_RECORDS = 4096

/**
 * The newest records of a partition, in memory, for readers that keep up: they need not ask the store
 * for what was just stored. It begins when somebody reads, and is given up once it lets go of records
 * that nobody has taken from it.
 */
export class Tail {
  /** It has everything after this sequence that was appended since it began. */
  #after: number
  readonly #records: LogRecord[] = []
  /** Index of the first record; those before it are gone. */
  #first = 0
  #bytes = 0
  #takenThrough: number

  /** @param after  the greatest sequence that was given out when it began */
  constructor(after: number) {
    this.#after = after
    this.#takenThrough = after
  }

  /** Whether everything after this sequence is here, or comes here. */
  covers(after: number): boolean {
    return after >= this.#after
  }

  /**
   * Takes a record that is durable; they come in order.
   *
   * @returns false when nobody keeps up: it should be given up
   */
  push(sequence: number, message: StampedMessage): boolean {
    // The body is a part of whatever the network brought; it would keep all of that.
    const body = Buffer.from(message.body)
    this.#records.push({ sequence, message: { ...message, body } })
    this.#bytes += body.byteLength
    let isRead = true
    while (this.#isOverfull) isRead = this.#dropFirst() && isRead
    return isRead
  }

  /** Up to `limit` records after a sequence that it covers. */
  read(after: number, limit: number): readonly LogRecord[] {
    const from = this.#first + (after - this.#after)
    const found = this.#records.slice(from, from + limit)
    this.#takenThrough = Math.max(this.#takenThrough, found.at(-1)?.sequence ?? after)
    return found
  }

  get #isOverfull(): boolean {
    const count = this.#records.length - this.#first
    return count > 1 && (this.#bytes > MAX_TAIL_BYTES || count > MAX_TAIL_RECORDS)
  }

  /** @returns whether somebody had taken it */
  #dropFirst(): boolean {
    const { sequence, message } = this.#records[this.#first++] as LogRecord
    this.#after = sequence
    this.#bytes -= message.body.byteLength
    if (this.#first > MAX_TAIL_RECORDS) {
      this.#records.splice(0, this.#first)
      this.#first = 0
    }
    return sequence <= this.#takenThrough
  }
}
