import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress } from '../detection/sets/addresses.ts'

/** A network: its first address and the length of its prefix. */
export interface AddressRange {
  readonly family: 4 | 6
  readonly first: bigint
  readonly bits: number
}

/** Addresses that are covered at once. */
const MAX_ADDRESSES = 10_000

/** `10.0.0.0/8` or a single address; host bits are let pass. `undefined` for what is neither. Pure. */
export function parseNetwork(text: string): AddressRange | undefined {
  const [plain = '', prefix, more] = text.trim().split('/')
  // IPv4 within IPv6 stays what it is when it has a prefix, which would be another one.
  const address = prefix === undefined ? canonicalAddress(plain) : plain
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined
  if (family === undefined || more !== undefined) return undefined
  const width = widthOf(family)
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined
  const bits = prefix === undefined ? width : Number(prefix)
  if (bits > width) return undefined
  return { family, bits, first: startOf(family, valueOfAddress(family, address), bits) }
}

/** The networks that hold all of these: at most `limit`, of as few addresses as joins allow. Pure. */
export function smallestCover(
  networks: readonly AddressRange[],
  limit: number,
): readonly AddressRange[] {
  const [one] = networks
  if (one === undefined) return []
  let cover = withoutInner(networks.slice(0, MAX_ADDRESSES))
  while (cover.length > limit) cover = withoutInner(joinNearest(one.family, cover))
  return cover
}

/** In order, without those that another one holds; two halves become their whole. */
function withoutInner(networks: readonly AddressRange[]): readonly AddressRange[] {
  const sorted = [...networks].sort((a, b) => compare(a.first, b.first) || a.bits - b.bits)
  const kept: AddressRange[] = []
  for (const network of sorted) {
    const last = kept.at(-1)
    if (last && holds(last, network)) continue
    kept.push(network)
    mergeHalves(kept)
  }
  return kept
}

function mergeHalves(kept: AddressRange[]): void {
  for (;;) {
    const [one, other] = kept.slice(-2)
    if (!one || !other || one.bits !== other.bits || one.bits === 0) return
    const whole = { ...one, bits: one.bits - 1 }
    const isWhole = startOf(one.family, one.first, whole.bits) === one.first && holds(whole, other)
    if (!isWhole) return
    kept.splice(-2, 2, whole)
  }
}

/** Joins the two neighbours whose common network is the smallest. */
function joinNearest(family: 4 | 6, networks: readonly AddressRange[]): readonly AddressRange[] {
  let best = 0
  let bestBits = -1
  for (let at = 0; at + 1 < networks.length; at++) {
    const bits = commonBits(family, networks[at], networks[at + 1])
    if (bits > bestBits) [best, bestBits] = [at, bits]
  }
  const first = startOf(family, networks[best]?.first ?? 0n, bestBits)
  return networks.toSpliced(best, 2, { family, first, bits: bestBits })
}

function commonBits(family: 4 | 6, one?: AddressRange, other?: AddressRange): number {
  const different = (one?.first ?? 0n) ^ (other?.first ?? 0n)
  const same = widthOf(family) - (different === 0n ? 0 : different.toString(2).length)
  return Math.min(same, one?.bits ?? 0, other?.bits ?? 0)
}

function holds(outer: AddressRange, inner: AddressRange): boolean {
  return outer.bits <= inner.bits && startOf(outer.family, inner.first, outer.bits) === outer.first
}

/** As a rule has it: `10.0.0.0/8`. */
export function networkOf({ family, first, bits }: AddressRange): string {
  return `${family === 4 ? textOf4(first) : textOf6(first)}/${bits}`
}

function widthOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128
}

function startOf(family: 4 | 6, value: bigint, bits: number): bigint {
  const rest = BigInt(widthOf(family) - bits)
  return (value >> rest) << rest
}

function valueOfAddress(family: 4 | 6, address: string): bigint {
  if (family === 4) {
    return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)
  }
  const host = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail] = host.split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const zeros = new Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].reduce(
    (value, group) => (value << 16n) | BigInt(`0x${group}`),
    0n,
  )
}

function textOf4(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.')
}

function textOf6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => (value >> BigInt(16 * (7 - at))) & 0xffffn)
  return canonicalAddress(groups.map((group) => group.toString(16)).join(':'))
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b)
}
