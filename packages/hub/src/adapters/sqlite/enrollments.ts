import { ConstraintError, type SqliteDatabase, type SqlRow } from '@twinward/sqlite'
import type { Enrollment, EnrollmentKind, Registration } from '../../provisioning/enrollment.ts'
import type { EnrollmentStore } from '../../provisioning/enrollment-store.ts'

const FIND = 'SELECT enrollment FROM enrollment WHERE kind = ? AND id = ?'
const LIST = 'SELECT enrollment FROM enrollment WHERE kind = ? AND id > ? ORDER BY id LIMIT ?'
const INSERT = `INSERT INTO enrollment (kind, id, etag, enrollment) SELECT ?, ?, ?, ?
  WHERE (SELECT count FROM enrollment_count WHERE kind = ?) < ?`
const REPLACE =
  'UPDATE enrollment SET etag = ?, enrollment = ? WHERE kind = ? AND id = ? AND etag = ?'
/** Its registrations go by a trigger. */
const REMOVE = 'DELETE FROM enrollment WHERE kind = ? AND id = ? AND etag = ?'

const FIND_REGISTRATION = 'SELECT registration FROM registration WHERE id = ?'
const SAVE_REGISTRATION = `INSERT INTO registration
  (id, enrollment_kind, enrollment_id, etag, registration) SELECT ?, ?, ?, ?, ?
  WHERE EXISTS (SELECT 1 FROM enrollment WHERE kind = ? AND id = ?)
  ON CONFLICT (id) DO UPDATE SET enrollment_kind = excluded.enrollment_kind,
    enrollment_id = excluded.enrollment_id, etag = excluded.etag, registration = excluded.registration`
const REMOVE_REGISTRATION = 'DELETE FROM registration WHERE id = ? AND etag = ?'
const LIST_REGISTRATIONS = `SELECT registration FROM registration
  WHERE enrollment_kind = ? AND enrollment_id = ? AND id > ? ORDER BY id LIMIT ?`

/** Enrolments and registrations in tables of those names. */
export class SqliteEnrollments implements EnrollmentStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async find(kind: EnrollmentKind, id: string): Promise<Enrollment | undefined> {
    const [row] = await this.#db.read(FIND, [kind, id])
    return row && parse<Enrollment>(row)
  }

  async list(kind: EnrollmentKind, limit: number, after = ''): Promise<readonly Enrollment[]> {
    return (await this.#db.read(LIST, [kind, after, limit])).map((row) => parse<Enrollment>(row))
  }

  async insert(enrollment: Enrollment, max: number): Promise<'inserted' | 'taken' | 'full'> {
    const { kind, id, etag } = enrollment
    const params = [kind, id, etag, JSON.stringify(enrollment), kind, max]
    try {
      if (await this.#write(INSERT, params)) return 'inserted'
    } catch (error) {
      if (error instanceof ConstraintError) return 'taken'
      throw error
    }
    // An id that is taken is told even when there is no room.
    return (await this.find(kind, id)) ? 'taken' : 'full'
  }

  replace(enrollment: Enrollment, etag: string): Promise<boolean> {
    const { kind, id } = enrollment
    return this.#write(REPLACE, [enrollment.etag, JSON.stringify(enrollment), kind, id, etag])
  }

  remove(kind: EnrollmentKind, id: string, etag: string): Promise<boolean> {
    return this.#write(REMOVE, [kind, id, etag])
  }

  async findRegistration(registrationId: string): Promise<Registration | undefined> {
    const [row] = await this.#db.read(FIND_REGISTRATION, [registrationId])
    return row && parse<Registration>(row)
  }

  saveRegistration(registration: Registration): Promise<boolean> {
    const { registrationId, etag, enrollment } = registration
    const { kind, id } = enrollment
    const params = [registrationId, kind, id, etag, JSON.stringify(registration), kind, id]
    return this.#write(SAVE_REGISTRATION, params)
  }

  removeRegistration(registrationId: string, etag: string): Promise<boolean> {
    return this.#write(REMOVE_REGISTRATION, [registrationId, etag])
  }

  async listRegistrations(
    { kind, id }: Pick<Enrollment, 'kind' | 'id'>,
    limit: number,
    after = '',
  ): Promise<readonly Registration[]> {
    const rows = await this.#db.read(LIST_REGISTRATIONS, [kind, id, after, limit])
    return rows.map((row) => parse<Registration>(row))
  }

  /** @returns whether it changed something */
  async #write(sql: string, params: SqlRow): Promise<boolean> {
    const [result] = await this.#db.write([{ sql, params }])
    return (result?.changes ?? 0) > 0
  }
}

function parse<T>([json]: SqlRow): T {
  return JSON.parse(String(json)) as T
}
