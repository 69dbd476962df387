import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './folders.ts'

/** Compiles `slow-flush.c` with the system's C compiler. @returns the library's path */
export function buildSlowFlush(): string {
  return compile('slow-flush.c', 'slow-flush.so', ['-shared', '-fPIC'], ['-ldl'])
}

/** Compiles `load/connects.c`, which needs OpenSSL's headers. @returns the program's path */
export function buildConnects(): string {
  return compile('load/connects.c', 'connects', [], ['-lssl', '-lcrypto'])
}

function compile(
  source: string,
  target: string,
  flags: readonly string[],
  libraries: readonly string[],
): string {
  const file = fileURLToPath(new URL(source, import.meta.url))
  const made = join(cacheFolder(), target)
  execFileSync('cc', ['-O2', ...flags, '-o', made, file, ...libraries], { stdio: 'pipe' })
  return made
}
