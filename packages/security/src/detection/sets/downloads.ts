import { operandsOf, valuesOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { baseName } from './base-name.ts'
import { outputsOf } from './outputs.ts'

/** Programs that fetch a file and do nothing else. */
export const DOWNLOADERS: ReadonlySet<string> = new Set([
  ...['curl', 'wget', 'wget2', 'tftp', 'ftpget', 'aria2c', 'lwp-download', 'uclient-fetch', 'axel'],
])

/** Addresses of a download: whatever has a scheme, and operands that look like a host. */
export function urlsOf({ args }: Segment): readonly string[] {
  return args.filter((arg) => {
    if (arg.includes('://')) return true
    return !'-/.'.includes(arg[0] ?? '-') && arg.indexOf('.') > 0
  })
}

/** The host of a URL, without user and port, in lower case: `http://u@h:80/x` → `h`. */
export function hostOf(url: string): string {
  const scheme = url.indexOf('://')
  const rest = scheme < 0 ? url : url.slice(scheme + 3)
  const authority = rest.slice(0, ends(rest, '/?#'))
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase()
  if (host[0] === '[') return host.slice(1, Math.max(host.indexOf(']'), 1))
  const colon = host.indexOf(':')
  return colon < 0 ? host : host.slice(0, colon)
}

function ends(text: string, marks: string): number {
  for (let at = 0; at < text.length; at++) if (marks.includes(text[at] ?? ' ')) return at
  return text.length
}

/** Where a download is stored: its outputs, or the last part of its URL in the current directory. */
export function downloadsTo(segment: Segment): readonly string[] {
  const { program, args } = segment
  if (program === 'tftp' || program === 'ftpget') {
    const local = valuesOf(args, 'l')
    return local.length > 0 ? local : [...valuesOf(args, 'r'), ...operandsOf(args).slice(1, 2)]
  }
  const outputs = outputsOf(segment)
  if (outputs.length > 0) return outputs.filter((path) => path !== '-')
  const isKept = program !== 'curl' || args.some(isRemoteName)
  if (!isKept) return []
  return urlsOf(segment)
    .map(lastPart)
    .filter((name) => name !== '')
}

/** `-O`, `-sSLO`, `--remote-name`; curl writes to its output without. */
function isRemoteName(arg: string): boolean {
  if (arg === '--remote-name' || arg === '--remote-name-all') return true
  return arg[0] === '-' && arg[1] !== '-' && arg.includes('O')
}

function lastPart(url: string): string {
  const path = url.slice(0, ends(url, '?#'))
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `/tmp/x` and `./x` name the same file as `x` when the directory is unknown. */
export function isSameFile(one: string, other: string): boolean {
  if (one === other) return true
  const isLoose = !one.startsWith('/') || !other.startsWith('/')
  return isLoose && baseName(one) !== '' && baseName(one) === baseName(other)
}
