/** How different a name may be from the one that was meant: a third of its characters. */
const MAX_DIFFERENCE = 1 / 3
/** Longer names are nobody's typing mistake. */
const MAX_NAME_CHARACTERS = 64

/** The one of the known names that was probably meant by an unknown one, whatever its case. */
export function suggestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_NAME_CHARACTERS) return undefined
  let best: string | undefined
  let least = Math.floor(name.length * MAX_DIFFERENCE) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Levenshtein's, with one row of the table. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
