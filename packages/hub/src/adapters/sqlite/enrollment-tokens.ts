import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import type { EnrollmentToken } from '../../registry/enrollment-token.ts'
import type { EnrollmentTokenStore, TokenLimits } from '../../registry/enrollment-token-store.ts'

const COLUMNS = 'token_id, device_id, created_ms, expires_ms, used_ms, used_address, token'
const IS_OPEN = 'used_ms IS NULL AND expires_ms > ?'
const FORGET = 'DELETE FROM enrollment_token WHERE expires_ms < ?'
const FORGET_EARLIER = `DELETE FROM enrollment_token
  WHERE device_id = ? AND json_extract(token, '$.generationId') <> ?`
const TRIM = `DELETE FROM enrollment_token WHERE token_id IN (
  SELECT token_id FROM enrollment_token WHERE device_id = ? AND NOT (${IS_OPEN})
  ORDER BY created_ms DESC, token_id LIMIT -1 OFFSET ?)`
const INSERT = `INSERT INTO enrollment_token (token_id, device_id, created_ms, expires_ms, token)
  SELECT ?, ?, ?, ?, ? WHERE
  (SELECT count(*) FROM enrollment_token WHERE device_id = ? AND ${IS_OPEN}) < ?`
const FIND = `SELECT ${COLUMNS} FROM enrollment_token WHERE token_id = ?`
const LIST = `SELECT ${COLUMNS} FROM enrollment_token WHERE device_id = ?
  ORDER BY created_ms DESC, token_id`
const USE = `UPDATE enrollment_token SET used_ms = ?, used_address = ?
  WHERE token_id = ? AND used_ms IS NULL`
const REMOVE = 'DELETE FROM enrollment_token WHERE device_id = ? AND token_id = ?'

/** What the columns do not hold. */
type Rest = Pick<EnrollmentToken, 'secretHash' | 'generationId' | 'moduleId' | 'createdBy'>

/** Enrolment tokens in table `enrollment_token` of the hub's database. */
export class SqliteEnrollmentTokens implements EnrollmentTokenStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others use beside it and somebody else closes */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async insert(
    token: EnrollmentToken,
    { nowMs, forgetBeforeMs }: { readonly nowMs: number; readonly forgetBeforeMs: number },
    limits: TokenLimits,
  ): Promise<boolean> {
    const { tokenId, deviceId, createdTimeMs, expiresTimeMs } = token
    const params = [tokenId, deviceId, createdTimeMs, expiresTimeMs, restOf(token)]
    const results = await this.#db.write([
      { sql: FORGET, params: [forgetBeforeMs] },
      { sql: FORGET_EARLIER, params: [deviceId, token.generationId] },
      { sql: TRIM, params: [deviceId, nowMs, limits.finished] },
      { sql: INSERT, params: [...params, deviceId, nowMs, limits.open] },
    ])
    return results.at(-1)?.changes === 1
  }

  async find(tokenId: string): Promise<EnrollmentToken | undefined> {
    const [row] = await this.#db.read(FIND, [tokenId])
    return row && toToken(row)
  }

  async list(deviceId: string): Promise<readonly EnrollmentToken[]> {
    return (await this.#db.read(LIST, [deviceId])).map(toToken)
  }

  use(tokenId: string, timeMs: number, address: string): Promise<boolean> {
    return this.#write(USE, [timeMs, address, tokenId])
  }

  remove(deviceId: string, tokenId: string): Promise<boolean> {
    return this.#write(REMOVE, [deviceId, tokenId])
  }

  /** @returns whether it changed something */
  async #write(sql: string, params: SqlRow): Promise<boolean> {
    const [result] = await this.#db.write([{ sql, params }])
    return result?.changes === 1
  }
}

function restOf({ secretHash, generationId, moduleId, createdBy }: EnrollmentToken): string {
  const rest: Rest = {
    ...{ secretHash, generationId, createdBy },
    ...(moduleId !== undefined && { moduleId }),
  }
  return JSON.stringify(rest)
}

function toToken(row: SqlRow): EnrollmentToken {
  const [tokenId, deviceId, createdMs, expiresMs, usedMs, address, rest] = row
  return {
    tokenId: String(tokenId),
    deviceId: String(deviceId),
    createdTimeMs: Number(createdMs),
    expiresTimeMs: Number(expiresMs),
    ...(JSON.parse(String(rest)) as Rest),
    ...(usedMs !== null && { used: { timeMs: Number(usedMs), address: String(address) } }),
  }
}
