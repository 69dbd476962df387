import type { SqliteDatabase } from '@twinward/sqlite'
import type { IpFilterRule } from '../../network/ip-filter.ts'
import type { IpFilterStore } from '../../network/ip-filter-store.ts'

const SAVE_ADDRESS = `INSERT INTO observed_address (address, seen_ms) VALUES (?, ?)
  ON CONFLICT (address) DO UPDATE SET seen_ms = excluded.seen_ms`
const FORGET = 'DELETE FROM observed_address WHERE seen_ms < ?'

/** The IP filter and what it can be made of, in tables `ip_filter` and `observed_address`. */
export class SqliteIpFilter implements IpFilterStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others use beside it and somebody else closes */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async rules(): Promise<readonly IpFilterRule[]> {
    const [row] = await this.#db.read('SELECT rules FROM ip_filter', [])
    return row ? (JSON.parse(String(row[0])) as IpFilterRule[]) : []
  }

  async setRules(rules: readonly IpFilterRule[]): Promise<void> {
    await this.#db.write([
      { sql: 'DELETE FROM ip_filter', params: [] },
      { sql: 'INSERT INTO ip_filter (rules) VALUES (?)', params: [JSON.stringify(rules)] },
    ])
  }

  async addresses(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db.read('SELECT address, seen_ms FROM observed_address', [])
    return new Map(rows.map(([address, seenMs]) => [String(address), Number(seenMs)]))
  }

  async saveAddresses(seen: ReadonlyMap<string, number>, beforeMs: number): Promise<void> {
    const saves = Array.from(seen, ([address, seenMs]) => ({
      sql: SAVE_ADDRESS,
      params: [address, seenMs],
    }))
    await this.#db.write([...saves, { sql: FORGET, params: [beforeMs] }])
  }
}
