import type {
  EventLog,
  LogAppend,
  LogRecord,
  PartitionState,
  StampedMessage,
  StreamName,
} from '../../messages/event-log.ts'
import { oldestRecords } from '../../messages/oldest-first.ts'

/** Bodies that one `read` returns, in bytes; the record that reaches it is the last. */
const MAX_READ_BYTES = 4 * 1024 * 1024

interface Partition {
  readonly stream: StreamName
  readonly number: number
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
    for (const partition of this.#of(stream)) {
      const { length } = partition.records
      partition.records = partition.records.filter((r) => r.message.enqueuedTimeMs >= beforeMs)
      expired += length - partition.records.length
    }
    return expired
  }

  async shrink(stream: StreamName, maxBytes: number): Promise<number> {
    const sizes = this.#of(stream).map(({ number, records }) => ({
      partition: number,
      records: records.map(({ sequence, message }) => ({
        sequence,
        enqueuedTimeMs: message.enqueuedTimeMs,
        bytes: bytesOf(message),
      })),
      hasMore: false,
    }))
    const removals = oldestRecords(sizes, this.size(stream) - maxBytes)
    for (const { partition, through } of removals) await this.trim(stream, partition, through)
    return removals.reduce((sum, { count }) => sum + count, 0)
  }

  size(stream: StreamName): number {
    let bytes = 0
    for (const { records } of this.#of(stream)) {
      for (const { message } of records) bytes += bytesOf(message)
    }
    return bytes
  }

  async state(stream: StreamName, partition: number): Promise<PartitionState> {
    const { head, records } = this.#partition(stream, partition)
    return {
      firstSequence: records[0]?.sequence ?? head + 1,
      lastSequence: head,
      lastEnqueuedMs: records.at(-1)?.message.enqueuedTimeMs ?? 0,
      isEmpty: records.length === 0,
    }
  }

  async sequenceBefore(stream: StreamName, partition: number, timeMs: number): Promise<number> {
    const { records } = this.#partition(stream, partition)
    const first = records.findIndex(({ message }) => message.enqueuedTimeMs >= timeMs)
    return (first < 0 ? records : records.slice(0, first)).at(-1)?.sequence ?? 0
  }

  async head(stream: StreamName, partition: number): Promise<number> {
    return this.#partition(stream, partition).head
  }

  async close(): Promise<void> {}

  #of(stream: StreamName): readonly Partition[] {
    return [...this.#partitions.values()].filter((partition) => partition.stream === stream)
  }

  #partition(stream: StreamName, number: number): Partition {
    const key = `${stream}/${number}`
    let partition = this.#partitions.get(key)
    if (!partition) {
      partition = { stream, number, head: 0, records: [] }
      this.#partitions.set(key, partition)
    }
    return partition
  }
}

function bytesOf({ body, enqueuedTimeMs: _ms, ref: _ref, ...headers }: StampedMessage): number {
  return Buffer.byteLength(JSON.stringify(headers)) + body.byteLength
}
