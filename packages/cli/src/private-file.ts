import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { CommandError } from './command.ts'

/** A file that is being made: whole under its name, or not there. */
export interface PrivateFile {
  /** Writes all of it and gives it its name; what was there before is replaced. */
  write(text: string): void
  /** Removes what was not written. */
  close(): void
}

/**
 * @param mode  of the file, whatever the umask allows more
 * @throws {CommandError} when it cannot be made there
 */
export function openPrivateFile(file: string, mode = 0o600): PrivateFile {
  const draft = `${file}.${randomUUID()}.tmp`
  const descriptor = openDraft(file, draft, mode)
  let isWritten = false
  return {
    write(text) {
      writeSync(descriptor, text)
      fsyncSync(descriptor)
      renameSync(draft, file)
      isWritten = true
    },
    close() {
      closeSync(descriptor)
      if (!isWritten) rmSync(draft, { force: true })
    },
  }
}

function openDraft(file: string, draft: string, mode: number): number {
  try {
    return openSync(draft, 'wx', mode)
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${(error as Error).message}`)
  }
}
