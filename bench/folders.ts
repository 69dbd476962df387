import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `bench/.cache`: what is compiled, and the folders of runs. Not under version control. */
export function cacheFolder(): string {
  const folder = fileURLToPath(new URL('.cache', import.meta.url))
  mkdirSync(folder, { recursive: true })
  return folder
}

/** A new folder on the checkout's disk, removed when this process ends. */
export function runFolder(): string {
  const folder = mkdtempSync(join(cacheFolder(), 'run-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
