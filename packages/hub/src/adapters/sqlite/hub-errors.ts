import { HubError } from '@twinward/protocol'
import {
  type SqliteDatabase,
  StoreBusyError,
  StoreClosedError,
  StoreFailedError,
  TooManyQueriesError,
} from '@twinward/sqlite'

/** A store that is full, failed or closed, as the ports tell it; anything else stays what it is. */
export function toPortError(error: unknown): unknown {
  if (error instanceof TooManyQueriesError) {
    return new HubError('ThrottlingException', 'Too many queries wait already.', { cause: error })
  }
  const isUnavailable =
    error instanceof StoreBusyError ||
    error instanceof StoreFailedError ||
    error instanceof StoreClosedError
  if (!isUnavailable) return error
  return new HubError('ServiceUnavailable', 'The hub cannot store this now.', { cause: error })
}

/** The same database, whose reads and writes reject as the ports say. */
export function withPortErrors(db: SqliteDatabase): SqliteDatabase {
  const rethrow = (error: unknown) => {
    throw toPortError(error)
  }
  return {
    write: (statements) => db.write(statements).catch(rethrow),
    read: (sql, params, maxBytes) => db.read(sql, params, maxBytes).catch(rethrow),
    query: (sql, params, maxBytes) => db.query(sql, params, maxBytes).catch(rethrow),
    defer: (unit) => db.defer(unit),
    hurry: () => db.hurry(),
    close: () => db.close(),
  }
}
