/** A set of UTF-16 code units: ranges, both ends included, sorted, apart from each other. */
export type CharSet = readonly (readonly [first: number, last: number])[]

export const LAST_UNIT = 0xffff
/** Sets with more units than this are not searched for letters beyond ASCII. */
const MAX_FOLDED_UNITS = 1024
/** From `a` to `A`. */
const TO_UPPER = 32

export const EVERY: CharSet = [[0, LAST_UNIT]]
export const DIGITS: CharSet = [[48, 57]]
export const WORD: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]
/** As JavaScript has them. */
export const SPACES: CharSet = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
/** What ends a line. */
export const NEWLINES: CharSet = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]

export function setOf(...units: readonly number[]): CharSet {
  return union([units.map((unit) => [unit, unit] as const)])
}

export function union(sets: readonly CharSet[]): CharSet {
  const sorted = sets.flat().sort(([a], [b]) => a - b)
  const merged: [number, number][] = []
  for (const [first, last] of sorted) {
    const top = merged.at(-1)
    if (top && first <= top[1] + 1) top[1] = Math.max(top[1], last)
    else merged.push([first, last])
  }
  return merged
}

export function complement(set: CharSet): CharSet {
  const rest: [number, number][] = []
  let next = 0
  for (const [first, last] of set) {
    if (first > next) rest.push([next, first - 1])
    next = last + 1
  }
  if (next <= LAST_UNIT) rest.push([next, LAST_UNIT])
  return rest
}

/** With the other case of each letter. */
export function withBothCases(set: CharSet): CharSet {
  const size = set.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const others: [number, number][] = []
  if (size <= MAX_FOLDED_UNITS) {
    for (const [first, last] of set) {
      for (let unit = first; unit <= last; unit++) {
        const text = String.fromCharCode(unit)
        for (const other of [text.toLowerCase(), text.toUpperCase()]) {
          const code = other.charCodeAt(0)
          if (other.length === 1 && code !== unit) others.push([code, code])
        }
      }
    }
    return union([set, others])
  }
  for (let lower = 97; lower <= 122; lower++) {
    if (has(set, lower)) others.push([lower - TO_UPPER, lower - TO_UPPER])
    if (has(set, lower - TO_UPPER)) others.push([lower, lower])
  }
  return union([set, others])
}

export function has(set: CharSet, unit: number): boolean {
  return set.some(([first, last]) => unit >= first && unit <= last)
}
