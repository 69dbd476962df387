import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type { Channel } from '../../notifications/channel.ts'
import type { DeadLetter, Delivery } from '../../notifications/delivery.ts'
import { MAX_DEAD_LETTERS } from '../../notifications/limits.ts'
import type {
  NotificationStore,
  OutboxStep,
  Progress,
  StoredDrill,
} from '../../notifications/notification-store.ts'
import type { Route } from '../../notifications/route.ts'
import { cutPage } from './list.ts'

const PUT_CHANNEL = `INSERT INTO notification_channel (id, document) VALUES (?, ?)
  ON CONFLICT (id) DO UPDATE SET document = excluded.document`
const PUT_ROUTE = `INSERT INTO notification_route (id, document) VALUES (?, ?)
  ON CONFLICT (id) DO UPDATE SET document = excluded.document`
const PUT_DRILL = `INSERT INTO drill (id, document) VALUES (?, ?)
  ON CONFLICT (id) DO UPDATE SET document = excluded.document`
const PUT_PROGRESS = `INSERT INTO notification_progress (channel_id, document) VALUES (?, ?)
  ON CONFLICT (channel_id) DO UPDATE SET document = excluded.document`
const PUT_DELIVERY = `INSERT INTO notification_delivery (id, channel_id, number, document)
  VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET number = excluded.number, document = excluded.document`
const ADD_DEAD = `INSERT INTO notification_dead_letter (id, channel_id, document) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET document = excluded.document`
const DROP_OLD_DEAD = `DELETE FROM notification_dead_letter WHERE number IN (
  SELECT number FROM notification_dead_letter WHERE channel_id = ?
  ORDER BY number DESC LIMIT -1 OFFSET ?)`
const OF_CHANNEL = ['progress', 'delivery', 'dead_letter'] as const

/** Notifications in the file of the security service. */
export class SqliteNotificationStore implements NotificationStore {
  readonly #db: SqliteDatabase

  private constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** @param db  of `openSecurityDatabase` */
  static on(db: SqliteDatabase): SqliteNotificationStore {
    return new SqliteNotificationStore(db)
  }

  channels(): Promise<readonly Channel[]> {
    return this.#all<Channel>('SELECT document FROM notification_channel ORDER BY id', [])
  }

  async putChannel(channel: Channel): Promise<void> {
    await this.#write([{ sql: PUT_CHANNEL, params: [channel.id, JSON.stringify(channel)] }])
  }

  async removeChannel(id: string): Promise<void> {
    await this.#write([
      { sql: 'DELETE FROM notification_channel WHERE id = ?', params: [id] },
      ...OF_CHANNEL.map((table) => ({
        sql: `DELETE FROM notification_${table} WHERE channel_id = ?`,
        params: [id],
      })),
    ])
  }

  routes(): Promise<readonly Route[]> {
    return this.#all<Route>('SELECT document FROM notification_route ORDER BY id', [])
  }

  async putRoute(route: Route): Promise<void> {
    await this.#write([{ sql: PUT_ROUTE, params: [route.id, JSON.stringify(route)] }])
  }

  async removeRoute(id: string): Promise<void> {
    await this.#write([{ sql: 'DELETE FROM notification_route WHERE id = ?', params: [id] }])
  }

  async channelsWithProgress(): Promise<readonly string[]> {
    const rows = await this.#db.read('SELECT channel_id FROM notification_progress', [])
    return rows.map(([id]) => String(id))
  }

  async progress(channelId: string): Promise<Progress | undefined> {
    const sql = 'SELECT document FROM notification_progress WHERE channel_id = ?'
    return (await this.#all<Progress>(sql, [channelId]))[0]
  }

  waiting(channelId: string, after: number, limit: number): Promise<readonly Delivery[]> {
    const sql = `SELECT document FROM notification_delivery
      WHERE channel_id = ? AND number > ? ORDER BY number LIMIT ?`
    return this.#all<Delivery>(sql, [channelId, after, limit])
  }

  async commit(channelId: string, step: OutboxStep): Promise<void> {
    const { progress, put = [], remove = [], dead = [], removeDead = [] } = step
    await this.#write([
      { sql: PUT_PROGRESS, params: [channelId, JSON.stringify(progress)] },
      ...put.map((one) => ({
        sql: PUT_DELIVERY,
        params: [one.id, channelId, one.number, JSON.stringify(one)],
      })),
      ...remove.map((id) => ({
        sql: 'DELETE FROM notification_delivery WHERE id = ?',
        params: [id],
      })),
      ...removeDead.map((id) => ({
        sql: 'DELETE FROM notification_dead_letter WHERE id = ?',
        params: [id],
      })),
      ...dead.map((letter) => ({
        sql: ADD_DEAD,
        params: [letter.delivery.id, channelId, JSON.stringify(letter)],
      })),
      ...(dead.length === 0 ? [] : [{ sql: DROP_OLD_DEAD, params: [channelId, MAX_DEAD_LETTERS] }]),
    ])
  }

  async deadLetters(
    filter: Parameters<NotificationStore['deadLetters']>[0],
  ): Promise<Page<DeadLetter>> {
    const { channelId, limit, continuationToken: token } = filter
    checkLimit(limit)
    const before =
      token === undefined ? Number.MAX_SAFE_INTEGER : parsePageToken('dead-letters', token).order
    const ofChannel = channelId === undefined ? '' : 'channel_id = ? AND'
    const sql = `SELECT document, number FROM notification_dead_letter
      WHERE ${ofChannel} number < ? ORDER BY number DESC LIMIT ?`
    const params = [...(channelId === undefined ? [] : [channelId]), before, limit + 1]
    const { rows, hasMore } = cutPage(await this.#db.read(sql, params, MAX_PAGE_CHARACTERS), limit)
    const order = Number(rows.at(-1)?.[1] ?? 0)
    const next = hasMore ? formatPageToken('dead-letters', { order, id: '' }) : null
    return { items: rows.map((row) => parse<DeadLetter>(row)), continuationToken: next }
  }

  async findDeadLetter(id: string): Promise<DeadLetter | undefined> {
    const sql = 'SELECT document FROM notification_dead_letter WHERE id = ?'
    return (await this.#all<DeadLetter>(sql, [id]))[0]
  }

  async countDeadLetters(channelId: string): Promise<number> {
    const sql = 'SELECT count(*) FROM notification_dead_letter WHERE channel_id = ?'
    const [row] = await this.#db.read(sql, [channelId])
    return Number(row?.[0] ?? 0)
  }

  drills(): Promise<readonly StoredDrill[]> {
    return this.#all<StoredDrill>('SELECT document FROM drill ORDER BY id', [])
  }

  async putDrill(drill: StoredDrill): Promise<void> {
    await this.#write([{ sql: PUT_DRILL, params: [drill.id, JSON.stringify(drill)] }])
  }

  async removeDrill(id: string): Promise<void> {
    await this.#write([{ sql: 'DELETE FROM drill WHERE id = ?', params: [id] }])
  }

  async #all<T>(sql: string, params: SqlRow): Promise<readonly T[]> {
    const rows = await this.#db.read(sql, params)
    return rows.map((row) => parse<T>(row))
  }

  async #write(statements: readonly Statement[]): Promise<void> {
    await this.#db.write(statements)
  }
}

function parse<T>([document]: SqlRow): T {
  return JSON.parse(String(document)) as T
}
