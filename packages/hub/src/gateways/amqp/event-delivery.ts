import type { LogRecord } from '../../messages/event-log.ts'
import type { EventReader } from '../../messages/event-reader.ts'
import { MAX_PAGE_RECORDS } from '../../messages/shared-reads.ts'
import { conditionFor } from './conditions.ts'
import type { Connection } from './connection.ts'
import { encodeEvent, type RuntimeMetric } from './event-message.ts'
import type { OutgoingLink } from './outgoing-link.ts'

/** What one link sends before the others of its connection have their turn. */
const TURN_BYTES = 64 * 1024

/**
 * Sends the events of one partition over one link, as far as its credit goes and the peer reads. They
 * are settled when they are sent: a reader keeps its own place. What was read and could not be sent is
 * read again, so nothing waits in memory for a slow reader.
 */
export class EventDelivery {
  readonly #connection: Connection
  readonly #link: OutgoingLink
  readonly #wantsMetric: boolean
  #reader: EventReader | undefined
  #isReading = false
  /** Something may have come since the last look, or there is room again. */
  #isStale = false
  /** So much of a page was sent the last time. */
  #pageRecords = MAX_PAGE_RECORDS

  constructor(connection: Connection, link: OutgoingLink, wantsMetric: boolean) {
    this.#connection = connection
    this.#link = link
    this.#wantsMetric = wantsMetric
  }

  start(reader: EventReader): void {
    this.#reader = reader
  }

  /** Never rejects. */
  pump(): void {
    this.#isStale = true
    const reader = this.#reader
    if (this.#isReading || !reader) return
    this.#isReading = true
    this.#sendAll(reader)
      .catch((error) => this.#link.detach(conditionFor(error, this.#connection.parts.hub.log)))
      .finally(() => {
        this.#isReading = false
        if (this.#isStale && this.#mayRead) this.pump()
      })
  }

  get #mayRead(): boolean {
    return this.#link.isOpen && this.#connection.takesMore && this.#link.credit > 0
  }

  async #sendAll(reader: EventReader): Promise<void> {
    while (this.#isStale && this.#mayRead) {
      this.#isStale = false
      const limit = Math.min(this.#link.credit, this.#pageRecords)
      const records = await reader.read(limit)
      if (records.length === 0) {
        // Unless something came meanwhile.
        if (!this.#isStale) this.#link.drained()
        continue
      }
      this.#isStale = true
      const metric = this.#wantsMetric ? await this.#metricOf(reader) : undefined
      this.#sendPage(reader, records, metric)
    }
  }

  #sendPage(
    reader: EventReader,
    records: readonly LogRecord[],
    metric: RuntimeMetric | undefined,
  ): void {
    let sent = 0
    let sentBytes = 0
    for (const record of records) {
      if (!this.#mayRead || sentBytes >= TURN_BYTES) break
      const message = encodeEvent(record, metric)
      this.#link.sendSettled(message)
      reader.passed(record.sequence)
      sent++
      sentBytes += message.length
    }
    const isWhole = sent === records.length
    this.#pageRecords = isWhole
      ? Math.min(this.#pageRecords * 2, MAX_PAGE_RECORDS)
      : Math.max(sent, 1)
  }

  async #metricOf(reader: EventReader): Promise<RuntimeMetric> {
    const state = await reader.state()
    return { state, atMs: this.#connection.parts.hub.clock.now() }
  }
}
