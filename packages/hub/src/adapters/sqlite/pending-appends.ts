import { HubError } from '@twinward/protocol'
import type { AddStatement, DeferredUnit, SqlRow } from '@twinward/sqlite'
import type { LogAppend, StampedMessage } from '../../messages/event-log.ts'
import type { Head } from './event-statements.ts'
import { toPortError } from './hub-errors.ts'

/** Messages that wait for one commit, and their bytes. */
const MAX_WAITING_MESSAGES = 100_000
const MAX_WAITING_BYTES = 64 * 1024 * 1024

const INSERT_EVENT = `INSERT INTO event
  (stream, partition, sequence, enqueued_ms, device_id, module_id, headers, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
const INSERT_LATE_EVENT = `INSERT INTO event
  (stream, partition, sequence, enqueued_ms, device_id, module_id, headers, body, late_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
/** Values of a row that is in order. */
const ROW_VALUES = 8
const INSERT_HEAD = 'INSERT INTO event_head (stream, partition, sequence) VALUES (?, ?, 0)'
const MOVE_HEAD = `UPDATE event_head SET sequence = ?, bytes = bytes + ?, latest_ms = ?
  WHERE stream = ? AND partition = ?`

/** The appends that one commit makes durable. */
export class PendingAppends implements DeferredUnit {
  readonly #partitions: SqlRow[] = []
  readonly #rows: SqlRow[] = []
  /** Partitions that get some of them. */
  readonly #heads: Head[] = []
  readonly #sequences: number[] = []
  readonly #resolves: ((sequence: number) => void)[] = []
  readonly #rejects: ((error: unknown) => void)[] = []
  readonly #left: () => void
  #bytes = 0

  /** @param left  called when the group leaves: what comes later belongs to other appends */
  constructor(left: () => void) {
    this.#left = left
  }

  /** A partition that is used for the first time. */
  addPartition(stream: string, partition: number): void {
    this.#partitions.push([stream, partition])
  }

  /** Whether all of the messages would be taken. */
  takes(appends: readonly LogAppend[]): boolean {
    if (this.#rows.length + appends.length > MAX_WAITING_MESSAGES) return false
    const bytes = appends.reduce((sum, { message }) => sum + bytesOf(message), 0)
    return this.#bytes + bytes <= MAX_WAITING_BYTES
  }

  /** Gives the message the next sequence, and returns it once the message is durable. */
  append(head: Head, message: StampedMessage): Promise<number> {
    const { ref, body, enqueuedTimeMs } = message
    const headers = headersOf(message)
    const bytes = Buffer.byteLength(headers) + body.byteLength
    const isFull = this.#rows.length >= MAX_WAITING_MESSAGES
    if (isFull || this.#bytes + bytes > MAX_WAITING_BYTES) {
      return Promise.reject(tooManyWait())
    }
    this.#bytes += bytes
    const { stream, partition } = head
    const sequence = ++head.sequence
    if (head.group !== this) {
      head.group = this
      head.addedBytes = 0
      this.#heads.push(head)
    }
    head.bytes += bytes
    head.addedBytes += bytes
    const { deviceId, moduleId = '' } = ref
    const row = [stream, partition, sequence, enqueuedTimeMs, deviceId, moduleId, headers, body]
    if (enqueuedTimeMs < head.latestMs) row.push(head.latestMs)
    else head.latestMs = enqueuedTimeMs
    this.#rows.push(row)
    return new Promise((resolve, reject) => {
      this.#sequences.push(sequence)
      this.#resolves.push(resolve)
      this.#rejects.push(reject)
    })
  }

  statements(add: AddStatement): void {
    this.#left()
    for (const partition of this.#partitions) add(INSERT_HEAD, partition)
    for (const row of this.#rows) {
      add(row.length === ROW_VALUES ? INSERT_EVENT : INSERT_LATE_EVENT, row)
    }
    for (const { stream, partition, sequence, latestMs, addedBytes } of this.#heads) {
      add(MOVE_HEAD, [sequence, addedBytes, latestMs, stream, partition])
    }
  }

  committed(): void {
    const sequences = this.#sequences
    for (let i = 0; i < sequences.length; i++) this.#resolves[i]?.(sequences[i] as number)
  }

  failed(error: Error): void {
    this.#left()
    const reason = toPortError(error)
    for (const reject of this.#rejects) reject(reason)
  }
}

export function tooManyWait(): HubError {
  return new HubError('ServiceUnavailable', 'Too many messages wait for the disk.')
}

function headersOf(message: StampedMessage): string {
  const { system, application, generationId, authMethod, source, modelId } = message
  const headers = { system, application, generationId, authMethod }
  if (source === undefined && modelId === undefined) return JSON.stringify(headers)
  return JSON.stringify({ ...headers, source, modelId })
}

function bytesOf(message: StampedMessage): number {
  return Buffer.byteLength(headersOf(message)) + message.body.byteLength
}
