/** Reading the arguments of a segment; all of these are linear in what they are given. */

/** Arguments that are no options. */
export function operandsOf(args: readonly string[]): readonly string[] {
  return args.filter((arg) => arg[0] !== '-')
}

/** A short option in a cluster (`-rf` has `f`), or the long one, with or without a value. */
export function hasOption(args: readonly string[], letters: string, long = ''): boolean {
  return args.some((arg) => isOption(arg, letters, long))
}

function isOption(arg: string, letters: string, long: string): boolean {
  if (arg[0] !== '-' || arg.length < 2) return false
  if (arg[1] !== '-') return letters !== '' && [...letters].some((letter) => arg.includes(letter))
  return long !== '' && (arg === long || arg.startsWith(`${long}=`))
}

/** Values of an option in every spelling: `-u 0`, `-u0`, `-ou 0`, `--uid 0`, `--uid=0`. */
export function valuesOf(args: readonly string[], letter: string, long = ''): readonly string[] {
  return args.flatMap((arg, at) => {
    if (arg[0] !== '-' || arg.length < 2) return []
    const next = args[at + 1] ?? ''
    if (arg[1] === '-') {
      if (long === '') return []
      if (arg === long) return [next]
      return arg.startsWith(`${long}=`) ? [arg.slice(long.length + 1)] : []
    }
    const place = letter === '' ? -1 : arg.indexOf(letter, 1)
    if (place < 0) return []
    return [place === arg.length - 1 ? next : arg.slice(place + 1)]
  })
}

/** `/a//b/../c/` → `/a/c`; for comparing, so what cannot be resolved stays as it is. */
export function plainPath(path: string): string {
  if (!path.includes('//') && !path.includes('/.')) {
    return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  }
  const isRooted = path[0] === '/'
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (part !== '..' || !isRooted) parts.push(part)
  }
  return `${isRooted ? '/' : ''}${parts.join('/')}`
}

/** Whether a path is the directory or lies below it. */
export function isBelow(path: string, directory: string): boolean {
  const plain = plainPath(path)
  return plain === directory || plain.startsWith(`${directory}/`)
}
