import { posix } from 'node:path'

/** Directories that everybody may write to and nobody keeps anything in. */
const TEMPORARY = ['/tmp', '/var/tmp', '/dev/shm', '/run/shm', '$TMPDIR', '$TMP'] as const

/**
 * Whether a path lies in a temporary directory: `/tmp/x`, `x` after `cd /tmp`; not `/tmpfiles`, not
 * `/tmp/../etc/x`.
 *
 * @param directory  where the last `cd` went; `''` when unknown
 */
export function isTemporary(path: string, directory = ''): boolean {
  const isRooted = path.startsWith('/') || path.startsWith('$') || directory === ''
  const braceless = (isRooted ? path : `${directory}/${path}`).replace('{', '').replace('}', '')
  const plain = posix.normalize(braceless)
  return TEMPORARY.some((each) => plain === each || plain.startsWith(`${each}/`))
}
