import { StoreInUseError, StoreTooNewError } from '@twinward/sqlite'
import { StartError } from './start-error.ts'

/** SQLite's and the system's codes for "no space left". */
const FULL = /SQLITE_FULL|ENOSPC|EDQUOT|disk is full|No space left/i

/** What a person should do about a store that cannot be opened or can no longer write. */
export function storeFailure(dataDir: string, error: unknown): StartError {
  const cause = { cause: error }
  if (error instanceof StoreInUseError) {
    return new StartError(
      `Another Twinward uses the data directory ${dataDir}: stop it, or choose another with --data-dir.`,
      cause,
    )
  }
  if (error instanceof StoreTooNewError) {
    return new StartError(
      `The data directory ${dataDir} was written by a newer version of Twinward: run that version, ` +
        'or choose another with --data-dir.',
      cause,
    )
  }
  const { message, code } = error as { message?: string; code?: string }
  if (FULL.test(`${code} ${message}`)) {
    return new StartError(
      `The disk of ${dataDir} is full: free some space and start again; nothing acknowledged is lost.`,
      cause,
    )
  }
  return new StartError(
    `A store in ${dataDir} cannot be used (${code ?? message ?? 'unknown error'}): check the disk and ` +
      'this user’s rights, then start again; nothing acknowledged is lost.',
    cause,
  )
}
