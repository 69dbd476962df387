import type { DeviceRef } from '@twinward/protocol'
import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import type {
  FeedbackRecord,
  FeedbackStatus,
  MessageHead,
  MessageQueue,
  QueueCount,
  QueuedMessage,
  QueueOwner,
  Removal,
  StoredFeedback,
} from '../../messages/message-queue.ts'
import type { HubDatabaseOptions } from './hub-database.ts'
import { openMessageDatabase } from './message-database.ts'

/** Feedback records that one transaction deletes, so that others come in between. */
const DELETE_CHUNK_ROWS = 2000

const HEAD_COLUMNS = `sequence, device_id, module_id, generation_id, message_id, ack,
  enqueued_ms, expires_ms, delivery_count`
const APPEND = `INSERT INTO cloud_message (device_id, module_id, generation_id, message_id, ack,
  enqueued_ms, expires_ms, delivery_count, headers, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING sequence`
// The + keeps SQLite from the index on expires_ms, which would make it sort.
const READ = `SELECT ${HEAD_COLUMNS}, headers, body FROM cloud_message
  WHERE device_id = ? AND module_id = ? AND generation_id = ? AND +expires_ms > ?
    AND sequence NOT IN (SELECT value FROM json_each(?))
  ORDER BY sequence LIMIT ?`
const HEADS = `SELECT ${HEAD_COLUMNS} FROM cloud_message
  WHERE device_id = ? AND module_id = ? ORDER BY sequence LIMIT ?`
const EXPIRED = `SELECT ${HEAD_COLUMNS} FROM cloud_message
  WHERE expires_ms <= ? AND (expires_ms, sequence) > (?, ?)
  ORDER BY expires_ms, sequence LIMIT ?`
// Goes before the deletion: who has removed the message has stored the feedback, nobody else.
const ADD_FEEDBACK = `INSERT INTO feedback
  (device_id, module_id, generation_id, message_id, status, time_ms)
  SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM cloud_message WHERE sequence = ?)`
const REMOVE = 'DELETE FROM cloud_message WHERE sequence = ?'
const SET_DELIVERY_COUNT = 'UPDATE cloud_message SET delivery_count = ? WHERE sequence = ?'
const LIST_QUEUES = `SELECT device_id, module_id, generation_id, count(*) FROM cloud_message
  WHERE (device_id, module_id, generation_id) > (?, ?, ?)
  GROUP BY device_id, module_id, generation_id
  ORDER BY device_id, module_id, generation_id LIMIT ?`
const READ_FEEDBACK = `SELECT sequence, device_id, module_id, generation_id, message_id, status, time_ms
  FROM feedback WHERE sequence NOT IN (SELECT value FROM json_each(?)) ORDER BY sequence LIMIT ?`
const REMOVE_FEEDBACK = 'DELETE FROM feedback WHERE sequence IN (SELECT value FROM json_each(?))'
const TRIM_OLD = `DELETE FROM feedback WHERE sequence IN (SELECT sequence FROM feedback
  WHERE time_ms < ? ORDER BY time_ms LIMIT ${DELETE_CHUNK_ROWS})`
const TRIM_MANY = `DELETE FROM feedback WHERE sequence IN (SELECT sequence FROM feedback
  ORDER BY sequence LIMIT min(max((SELECT count(*) FROM feedback) - ?, 0), ${DELETE_CHUNK_ROWS}))`

/** The message queue in tables `cloud_message` and `feedback`. */
export class SqliteMessageQueue implements MessageQueue {
  readonly #db: SqliteDatabase

  /** @param db  of `openMessageDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** A queue with a database of its own. @throws as `openSqlite` */
  static async open(options: HubDatabaseOptions): Promise<SqliteMessageQueue> {
    return new SqliteMessageQueue(await openMessageDatabase(options))
  }

  async append(message: Omit<QueuedMessage, 'sequence'>): Promise<number> {
    const { owner, messageId, ack, system, application, body } = message
    const params = [
      ...ownerColumns(owner),
      messageId,
      ack,
      message.enqueuedTimeMs,
      message.expiresAtMs,
      message.deliveryCount,
      JSON.stringify({ system, application }),
      body,
    ]
    const [result] = await this.#db.write([{ sql: APPEND, params }])
    return Number(result?.rows[0]?.[0])
  }

  async read(
    owner: QueueOwner,
    { limit, skip, nowMs }: { limit: number; skip: readonly number[]; nowMs: number },
  ): Promise<readonly QueuedMessage[]> {
    const params = [...ownerColumns(owner), nowMs, JSON.stringify(skip), limit]
    const rows = await this.#db.read(READ, params)
    return rows.map(toMessage)
  }

  async heads({ deviceId, moduleId = '' }: DeviceRef, limit: number) {
    const rows = await this.#db.read(HEADS, [deviceId, moduleId, limit])
    return rows.map(toHead)
  }

  async expired(
    nowMs: number,
    limit: number,
    after?: MessageHead,
  ): Promise<readonly MessageHead[]> {
    const { expiresAtMs = -1, sequence = -1 } = after ?? {}
    const rows = await this.#db.read(EXPIRED, [nowMs, expiresAtMs, sequence, limit])
    return rows.map(toHead)
  }

  async remove(removals: readonly Removal[]): Promise<readonly number[]> {
    const statements: Statement[] = []
    /** For each statement, the sequence that it removes, if it does. */
    const removes: (number | undefined)[] = []
    for (const { sequence, feedback } of removals) {
      if (feedback) {
        statements.push({ sql: ADD_FEEDBACK, params: [...feedbackColumns(feedback), sequence] })
        removes.push(undefined)
      }
      statements.push({ sql: REMOVE, params: [sequence] })
      removes.push(sequence)
    }
    if (statements.length === 0) return []
    const results = await this.#db.write(statements)
    return removes.filter(
      (sequence, at): sequence is number => sequence !== undefined && results[at]?.changes === 1,
    )
  }

  async setDeliveryCount(sequence: number, deliveryCount: number): Promise<boolean> {
    const params = [deliveryCount, sequence]
    const [result] = await this.#db.write([{ sql: SET_DELIVERY_COUNT, params }])
    return result?.changes === 1
  }

  async listQueues(limit: number, after?: QueueOwner): Promise<readonly QueueCount[]> {
    const from = after ? ownerColumns(after) : ['', '', '']
    const rows = await this.#db.read(LIST_QUEUES, [...from, limit])
    return rows.map(([deviceId, moduleId, generationId, count]) => ({
      owner: toOwner([deviceId, moduleId, generationId]),
      count: Number(count),
    }))
  }

  async readFeedback(limit: number, skip: readonly number[]): Promise<readonly StoredFeedback[]> {
    const rows = await this.#db.read(READ_FEEDBACK, [JSON.stringify(skip), limit])
    return rows.map(toFeedback)
  }

  async removeFeedback(sequences: readonly number[]): Promise<void> {
    await this.#db.write([{ sql: REMOVE_FEEDBACK, params: [JSON.stringify(sequences)] }])
  }

  async trimFeedback(beforeMs: number, keep: number): Promise<number> {
    const old = await this.#trim({ sql: TRIM_OLD, params: [beforeMs] })
    return old + (await this.#trim({ sql: TRIM_MANY, params: [keep] }))
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  async #trim(chunk: Statement): Promise<number> {
    for (let removed = 0; ; ) {
      const [result] = await this.#db.write([chunk])
      const { changes = 0 } = result ?? {}
      removed += changes
      if (changes < DELETE_CHUNK_ROWS) return removed
    }
  }
}

function ownerColumns({ ref, generationId }: QueueOwner): [string, string, string] {
  return [ref.deviceId, ref.moduleId ?? '', generationId]
}

function feedbackColumns(feedback: FeedbackRecord): SqlRow {
  const { owner, originalMessageId, status, timeMs } = feedback
  return [...ownerColumns(owner), originalMessageId, status, timeMs]
}

function toOwner([deviceId, moduleId, generationId]: Partial<SqlRow>): QueueOwner {
  return {
    ref: { deviceId: String(deviceId), ...(moduleId !== '' && { moduleId: String(moduleId) }) },
    generationId: String(generationId),
  }
}

function toHead(row: SqlRow): MessageHead {
  const [sequence, , , , messageId, ack, enqueuedMs, expiresMs, deliveryCount] = row
  return {
    owner: toOwner(row.slice(1, 4)),
    sequence: Number(sequence),
    messageId: String(messageId),
    ack: String(ack) as MessageHead['ack'],
    enqueuedTimeMs: Number(enqueuedMs),
    expiresAtMs: Number(expiresMs),
    deliveryCount: Number(deliveryCount),
  }
}

function toMessage(row: SqlRow): QueuedMessage {
  const [headers, body] = row.slice(-2)
  const { system, application } = JSON.parse(String(headers)) as QueuedMessage
  return { ...toHead(row), system, application, body: body as Uint8Array }
}

function toFeedback(row: SqlRow): StoredFeedback {
  const [sequence, , , , messageId, status, timeMs] = row
  return {
    sequence: Number(sequence),
    owner: toOwner(row.slice(1, 4)),
    originalMessageId: String(messageId),
    status: String(status) as FeedbackStatus,
    timeMs: Number(timeMs),
  }
}
