/** A unit violated a constraint and was undone. */
export class ConstraintError extends Error {
  override readonly name = 'ConstraintError'
  /** SQLite's extended code, such as `SQLITE_CONSTRAINT_PRIMARYKEY`. */
  readonly code: string
  /** Which statement of the unit, from 0. */
  readonly statement: number

  constructor(code: string, message: string, statement: number) {
    super(message)
    this.code = code
    this.statement = statement
  }
}

/** Too much waits for the disk already. Nothing was done; trying again later is safe. */
export class StoreBusyError extends Error {
  override readonly name = 'StoreBusyError'
}

/** Too many queries wait already. Trying again later is safe. */
export class TooManyQueriesError extends Error {
  override readonly name = 'TooManyQueriesError'
}

/** Another process, or another opener in this one, works on the file. */
export class StoreInUseError extends Error {
  override readonly name = 'StoreInUseError'
}

/** The file was written by a newer version of the program, whose tables this one does not know. */
export class StoreTooNewError extends Error {
  override readonly name = 'StoreTooNewError'
}

/** The store was closed before the call. */
export class StoreClosedError extends Error {
  override readonly name = 'StoreClosedError'
}

/** The disk or the file failed: nothing can be made durable any more, until the file is opened anew. */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError'
  /** SQLite's code, such as `SQLITE_FULL`, or the name of another error. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
