import type {
  EventLog,
  LogAppend,
  LogRecord,
  StampedMessage,
  StreamName,
} from '../../messages/event-log.ts'

/** Bodies that one `read` returns, in bytes; the record that reaches it is the last. */
const MAX_READ_BYTES = 4 * 1024 * 1024

interface Partition {
  readonly stream: StreamName
  head: number
  records: LogRecord[]
}

/** The event log for tests: everything in memory, durable at once. */
export class MemoryEventLog implements EventLog {
  readonly #partitions = new Map<string, Partition>()

  async append(stream: StreamName, partition: number, message: StampedMessage): Promise<number> {
    const into = this.#partition(stream, partition)
    into.head++
    into.records.push({ sequence: into.head, message })
    return into.head
  }

  appendAll(appends: readonly LogAppend[]): Promise<readonly number[]> {
    return Promise.all(
      appends.map((each) => this.append(each.stream, each.partition, each.message)),
    )
  }

  async read(
    stream: StreamName,
    partition: number,
    after: number,
    limit: number,
  ): Promise<readonly LogRecord[]> {
    const found: LogRecord[] = []
    let bytes = 0
    for (const record of this.#partition(stream, partition).records) {
      if (found.length >= limit || bytes >= MAX_READ_BYTES) break
      if (record.sequence <= after) continue
      found.push(record)
      bytes += record.message.body.byteLength
    }
    return found
  }

  async trim(stream: StreamName, partition: number, through: number): Promise<void> {
    const from = this.#partition(stream, partition)
    from.records = from.records.filter(({ sequence }) => sequence > through)
  }

  async expire(stream: StreamName, beforeMs: number): Promise<number> {
    let expired = 0
    for (const partition of this.#partitions.values()) {
      if (partition.stream !== stream) continue
      const { length } = partition.records
      partition.records = partition.records.filter((r) => r.message.enqueuedTimeMs >= beforeMs)
      expired += length - partition.records.length
    }
    return expired
  }

  async head(stream: StreamName, partition: number): Promise<number> {
    return this.#partition(stream, partition).head
  }

  async close(): Promise<void> {}

  #partition(stream: StreamName, number: number): Partition {
    const key = `${stream}/${number}`
    let partition = this.#partitions.get(key)
    if (!partition) {
      partition = { stream, head: 0, records: [] }
      this.#partitions.set(key, partition)
    }
    return partition
  }
}
