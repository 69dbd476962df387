import { ConstraintError, type SqliteDatabase, type SqlRow } from '@twinward/sqlite'
import {
  type CertificateStore,
  MAX_CERTIFICATES,
  type RegisteredCertificate,
} from '../../registry/certificate-store.ts'

const COLUMNS = 'name, etag, raw, verified, verification_code, created_ms, updated_ms'
const LIST = `SELECT ${COLUMNS} FROM certificate ORDER BY name LIMIT ${MAX_CERTIFICATES}`
const FIND = `SELECT ${COLUMNS} FROM certificate WHERE name = ?`
const INSERT = `INSERT INTO certificate (${COLUMNS}) SELECT ?, ?, ?, ?, ?, ?, ?
  WHERE (SELECT count(*) FROM certificate) < ${MAX_CERTIFICATES}`
const REPLACE = `UPDATE certificate SET etag = ?, raw = ?, verified = ?, verification_code = ?,
  created_ms = ?, updated_ms = ? WHERE name = ? AND etag = ?`
const REMOVE = 'DELETE FROM certificate WHERE name = ? AND etag = ?'

/** The registered CAs in table `certificate`. */
export class SqliteCertificates implements CertificateStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async list(): Promise<readonly RegisteredCertificate[]> {
    return (await this.#db.read(LIST, [])).map(toCertificate)
  }

  async find(name: string): Promise<RegisteredCertificate | undefined> {
    const [row] = await this.#db.read(FIND, [name])
    return row && toCertificate(row)
  }

  async insert(certificate: RegisteredCertificate): Promise<'inserted' | 'taken' | 'full'> {
    const { name, createdMs, updatedMs } = certificate
    const params = [name, ...contentOf(certificate), createdMs, updatedMs]
    const changes = await this.#write(INSERT, params)
    if (changes === 'taken') return 'taken'
    if (changes === 1) return 'inserted'
    // A name that is taken is told even when there is no room.
    const all = await this.list()
    const isTaken = all.some(
      (other) =>
        other.name.toLowerCase() === name.toLowerCase() ||
        Buffer.compare(other.raw, certificate.raw) === 0,
    )
    return isTaken ? 'taken' : 'full'
  }

  async replace(
    certificate: RegisteredCertificate,
    etag: number,
  ): Promise<'replaced' | 'changed' | 'taken'> {
    const { name, createdMs, updatedMs } = certificate
    const params = [...contentOf(certificate), createdMs, updatedMs, name, etag]
    const changes = await this.#write(REPLACE, params)
    if (changes === 'taken') return 'taken'
    return changes === 1 ? 'replaced' : 'changed'
  }

  async remove(name: string, etag: number): Promise<boolean> {
    return (await this.#write(REMOVE, [name, etag])) === 1
  }

  /** @returns the rows that it changed, or that a name or certificate is there already */
  async #write(sql: string, params: SqlRow): Promise<number | 'taken'> {
    try {
      const [result] = await this.#db.write([{ sql, params }])
      return result?.changes ?? 0
    } catch (error) {
      if (error instanceof ConstraintError) return 'taken'
      throw error
    }
  }
}

function contentOf({ etag, raw, isVerified, verificationCode }: RegisteredCertificate): SqlRow {
  return [etag, raw, isVerified ? 1 : 0, verificationCode]
}

function toCertificate(row: SqlRow): RegisteredCertificate {
  const [name, etag, raw, verified, verificationCode, createdMs, updatedMs] = row
  return {
    name: String(name),
    etag: Number(etag),
    raw: raw as Uint8Array,
    isVerified: verified === 1,
    verificationCode: verificationCode === null ? null : String(verificationCode),
    createdMs: Number(createdMs),
    updatedMs: Number(updatedMs),
  }
}
