import { isIPv4, isIPv6 } from 'node:net'

/** Networks of IPv4 that are nobody's on the internet: first address and prefix length. */
const NOT_PUBLIC_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

/**
 * Whether an address is one of the internet: not private, loopback, link-local, shared (100.64/10),
 * multicast, reserved or unspecified. IPv4 within IPv6 (`::ffff:10.0.0.1`) is taken out of it
 * first. Text that is no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  const address = canonicalAddress(text)
  if (isIPv4(address)) {
    const value = v4Value(address)
    return !NOT_PUBLIC_V4.some(
      ([network, bits]) => v4Value(network) >>> (32 - bits) === value >>> (32 - bits),
    )
  }
  if (!isIPv6(address)) return false
  const groups = v6Groups(address)
  const first = groups[0] ?? 0
  const isUnspecifiedOrLoopback = groups.slice(0, 7).every((group) => group === 0)
  // fc00::/7 unique local, fe80::/10 link-local, fec0::/10 site-local, ff00::/8 multicast.
  const isLocal = (first & 0xfe00) === 0xfc00 || (first & 0xff80) === 0xfe80
  return !isUnspecifiedOrLoopback && !isLocal && first < 0xff00
}

/** 127/8 or `::1`, also written as IPv4 within IPv6. */
export function isLoopbackAddress(text: string): boolean {
  const address = canonicalAddress(text)
  if (isIPv4(address)) return v4Value(address) >>> 24 === 127
  return isIPv6(address) && v6Groups(address).join(':') === '0:0:0:0:0:0:0:1'
}

/** fe80::/10 */
export function isLinkLocalV6Address(text: string): boolean {
  const address = canonicalAddress(text)
  return isIPv6(address) && ((v6Groups(address)[0] ?? 0) & 0xffc0) === 0xfe80
}

/**
 * One spelling per address: without brackets and zone, lower case, IPv6 compressed (RFC 5952), an
 * IPv4 address within IPv6 as IPv4. Text that is no address stays as it is, in lower case.
 */
export function canonicalAddress(text: string): string {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const zone = bare.indexOf('%')
  const address = (zone < 0 ? bare : bare.slice(0, zone)).toLowerCase()
  if (!isIPv6(address)) return address
  const groups = v6Groups(address)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  // 64:ff9b::/96, the prefix under which networks without IPv4 show it.
  const isTranslated = groups.slice(0, 6).join(':') === '100:65435:0:0:0:0'
  if (!isMapped && !isTranslated) return new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [high = 0, low = 0] = groups.slice(6)
  return [high >>> 8, high & 255, low >>> 8, low & 255].join('.')
}

function v4Value(address: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** The eight groups of a valid IPv6 address. */
function v6Groups(address: string): readonly number[] {
  const [head = '', tail] = address.split('::')
  const before = groupsOf(head)
  if (tail === undefined) return before
  const after = groupsOf(tail)
  const zeros = new Array<number>(8 - before.length - after.length).fill(0)
  return [...before, ...zeros, ...after]
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const value = v4Value(group)
    return [value >>> 16, value & 0xffff]
  })
}
