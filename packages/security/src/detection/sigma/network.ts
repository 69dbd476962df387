import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress } from '../sets/addresses.ts'

/** A network of a `cidr` value. */
export interface Network {
  /** As it was given. */
  readonly text: string
  readonly bytes: readonly number[]
  readonly bits: number
}

/** The address that was read last: many rules ask about the same one. */
let lastText = ''
let lastBytes: readonly number[] | undefined

/** @returns `undefined` when the text is no network */
export function readNetwork(text: string): Network | undefined {
  const found = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim())
  const address = found?.[1] ?? ''
  const bytes = isIPv4(address) ? bytesOfV4(address) : isIPv6(address) ? bytesOfV6(address) : []
  const most = bytes.length * 8
  const bits = found?.[2] === undefined ? most : Number(found[2])
  return most > 0 && bits <= most ? { text, bytes, bits } : undefined
}

/** Whether a text is an address of the network; IPv4 within IPv6 counts as IPv4. */
export function isInNetwork({ bytes, bits }: Network, text: string): boolean {
  if (text !== lastText) {
    lastText = text
    lastBytes = bytesOf(text)
  }
  const address = lastBytes
  if (address?.length !== bytes.length) return false
  const whole = bits >> 3
  for (let at = 0; at < whole; at++) if (address[at] !== bytes[at]) return false
  const rest = 8 - (bits & 7)
  return rest === 8 || (address[whole] ?? 0) >> rest === (bytes[whole] ?? 0) >> rest
}

function bytesOf(text: string): readonly number[] | undefined {
  const address = canonicalAddress(text)
  if (isIPv4(address)) return bytesOfV4(address)
  return isIPv6(address) ? bytesOfV6(address) : undefined
}

function bytesOfV4(address: string): readonly number[] {
  return address.split('.').map(Number)
}

/** The last 32 bits may be written as IPv4. */
function bytesOfV6(address: string): readonly number[] {
  const [head = '', tail] = address.split('::')
  const before = bytesOfGroups(head)
  if (tail === undefined) return before
  const after = bytesOfGroups(tail)
  return [...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]
}

function bytesOfGroups(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return bytesOfV4(group)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 255]
  })
}
