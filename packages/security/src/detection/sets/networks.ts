import { isIPv4, isIPv6 } from 'node:net'
import { networkOf } from '../indicators/indicator.ts'
import { canonicalAddress } from './addresses.ts'

/**
 * One spelling per network, always with its length: `10.1.2.3/8` → `10.0.0.0/8`, `2001:DB8::1` →
 * `2001:db8::1/128`, `::ffff:10.0.0.0/104` → `10.0.0.0/8`. `undefined` for what is none.
 */
export function canonicalNetwork(text: string): string | undefined {
  const [written = '', suffix, more] = text.trim().split('/')
  const address = canonicalAddress(written)
  const width = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  if (width === 0 || more !== undefined) return undefined
  // Where IPv4 stands within IPv6, the length counts the 96 bits before it.
  const before = width === 32 && isIPv6(written.replace(/^\[|\]$|%.*$/g, '')) ? 96 : 0
  const length = suffix === undefined ? width : lengthOf(suffix) - before
  if (!(length >= 0 && length <= width)) return undefined
  return `${networkOf(address, length)}/${length}`
}

function lengthOf(text: string): number {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : Number.NaN
}

/** Networks, asked whether an address is in one of them; one look-up per prefix length. */
export class NetworkSet {
  readonly #networks: ReadonlySet<string>
  readonly #lengths = new Map<4 | 6, number[]>()

  /** @param networks  as `canonicalNetwork` spells them */
  constructor(networks: readonly string[]) {
    this.#networks = new Set(networks)
    for (const network of this.#networks) {
      const family = network.includes(':') ? 6 : 4
      const length = Number(network.slice(network.indexOf('/') + 1))
      const known = this.#lengths.get(family) ?? []
      if (!known.includes(length)) known.push(length)
      this.#lengths.set(family, known)
    }
  }

  /** The network that an address is in. @param address  as `canonicalAddress` spells it */
  find(address: string): string | undefined {
    const lengths = this.#lengths.get(address.includes(':') ? 6 : 4) ?? []
    for (const length of lengths) {
      const network = `${networkOf(address, length)}/${length}`
      if (this.#networks.has(network)) return network
    }
    return undefined
  }
}
