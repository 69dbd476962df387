/**
 * Whether a text has another in it, in time in proportion to both lengths whatever they are: for
 * texts of which a device chose both, or one that no index knows.
 */
export function contains(text: string, part: string): boolean {
  if (part.length > text.length) return false
  const back = new Uint16Array(part.length)
  for (let at = 1, length = 0; at < part.length; at++) {
    while (length > 0 && part[at] !== part[length]) length = back[length - 1] ?? 0
    if (part[at] === part[length]) length++
    back[at] = length
  }
  let matched = 0
  for (let at = 0; at < text.length && matched < part.length; at++) {
    while (matched > 0 && text[at] !== part[matched]) matched = back[matched - 1] ?? 0
    if (text[at] === part[matched]) matched++
  }
  return matched === part.length
}
