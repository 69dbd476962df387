import Database from 'better-sqlite3'

/**
 * Keeps other openers out while several connections of this process share a file: an empty database
 * beside it, locked for as long as it is open. The system releases the lock of a process that dies.
 */
export class LockFile {
  readonly #db: Database.Database

  /** @throws SQLite's error; `SQLITE_BUSY` when somebody holds the lock */
  constructor(file: string) {
    this.#db = new Database(`${file}-lock`, { timeout: 0 })
    try {
      this.#db.pragma('locking_mode = EXCLUSIVE')
      // Nothing is written, so the lock costs no disk; this mode keeps it after the commit.
      this.#db.exec('BEGIN EXCLUSIVE; COMMIT')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  release(): void {
    this.#db.close()
  }
}
