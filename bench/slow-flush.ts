import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './folders.ts'

/** Compiles `slow-flush.c` with the system's C compiler. @returns the library's path */
export function buildSlowFlush(): string {
  const source = fileURLToPath(new URL('slow-flush.c', import.meta.url))
  const library = join(cacheFolder(), 'slow-flush.so')
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: 'pipe' })
  return library
}
