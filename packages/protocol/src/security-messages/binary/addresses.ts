/** `10.0.0.5`: the octets are in reading order, whatever the device's byte order. */
export function formatIpv4(octets: Uint8Array): string {
  return octets.join('.')
}

/** As RFC 5952 writes it: `2001:db8::5`. */
export function formatIpv6(octets: Uint8Array): string {
  const groups: number[] = []
  for (let index = 0; index < 16; index += 2) {
    groups.push(((octets[index] ?? 0) << 8) | (octets[index + 1] ?? 0))
  }
  const { start, length } = longestZeroes(groups)
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  // One zero alone is not shortened.
  if (length < 2) return hex(groups)
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}

/** The first of the longest runs of zeroes. */
function longestZeroes(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = 0
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1
    else if (index - start + 1 > best.length) best = { start, length: index - start + 1 }
  }
  return best
}

/** `4f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c11`, from 16 bytes in reading order. */
export function formatGuid(bytes: Uint8Array): string {
  let text = ''
  for (const [index, byte] of bytes.entries()) {
    if (index === 4 || index === 6 || index === 8 || index === 10) text += '-'
    text += byte.toString(16).padStart(2, '0')
  }
  return text
}
