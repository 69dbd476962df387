/**
 * Whether a text matches a pattern with `*` (any characters, or none) and `?` (one), whatever the case.
 * Takes at most as many steps as the product of both lengths, however hostile the pattern is.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const wanted = pattern.toLowerCase()
  const given = text.toLowerCase()
  let at = 0
  let from = 0
  let star = -1
  let resume = 0
  while (from < given.length) {
    if (wanted[at] === '*') {
      star = at++
      resume = from
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[from])) {
      at++
      from++
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1
      from = ++resume
    } else {
      return false
    }
  }
  while (wanted[at] === '*') at++
  return at === wanted.length
}
