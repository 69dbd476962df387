import { HubError } from '@twinward/protocol'
import { canonicalAddress } from '../detection/sets/addresses.ts'

/** Entries of a group's list of listeners that are wanted. */
export const MAX_ALLOWED_LISTENERS = 1000

const MAX_PORT = 65_535

/** Tells whether a listener is wanted. The address in any spelling, the protocol in lower case. */
export type IsAllowedListener = (protocol: string, address: string, port: string) => boolean

/**
 * Reads a list of wanted listeners: `tcp/22` (any address), `udp/*:5353`, `tcp/0.0.0.0:443`,
 * `tcp/[::]:443`.
 *
 * @throws {HubError} `ArgumentInvalid` naming the entry that is wrong, and for too many
 */
export function parseAllowedListeners(entries: readonly string[]): IsAllowedListener {
  if (entries.length > MAX_ALLOWED_LISTENERS) {
    const limit = `${entries.length} of ${MAX_ALLOWED_LISTENERS}`
    throw new HubError('ArgumentInvalid', `The list of allowed listeners has ${limit} entries.`)
  }
  const allowed = new Set(entries.map(parse))
  return (protocol, address, port) =>
    allowed.has(listener(protocol, '*', port)) ||
    allowed.has(listener(protocol, canonicalAddress(address), port))
}

function parse(entry: string): string {
  const slash = entry.indexOf('/')
  const protocol = entry.slice(0, Math.max(slash, 0)).trim().toLowerCase()
  const endpoint = entry.slice(slash + 1).trim()
  const colon = endpoint.lastIndexOf(':')
  const address = colon < 0 ? '*' : endpoint.slice(0, colon)
  const port = endpoint.slice(colon + 1)
  if ((protocol !== 'tcp' && protocol !== 'udp') || address === '' || !isPort(port)) {
    const shown = JSON.stringify(entry.slice(0, 100))
    throw new HubError('ArgumentInvalid', `${shown} is no listener such as tcp/22 or udp/*:5353.`)
  }
  return listener(protocol, canonicalAddress(address), port)
}

/** `1` … `65535`, without a leading zero. */
export function isPort(text: string): boolean {
  const port = Number(text)
  return Number.isInteger(port) && port > 0 && port <= MAX_PORT && String(port) === text
}

function listener(protocol: string, address: string, port: string): string {
  return `${protocol}/${address}:${port}`
}
