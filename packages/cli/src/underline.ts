import { printable } from './output.ts'

/** Characters of a long line that are shown on either side of the place. */
const MAX_SIDE_CHARACTERS = 50

/**
 * The line of a text with a caret below one of its characters:
 *
 *     SELECT * FORM devices
 *              ^
 *
 * @param character  in UTF-16 code units, from 1; one more than there are is the end
 */
export function underline(text: string, character: number): string {
  const at = Math.max(0, Math.min(character - 1, text.length))
  const before = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
  const [behind = ''] = text.slice(at).split('\n', 1)
  const left = shown(before, before.length > MAX_SIDE_CHARACTERS ? -MAX_SIDE_CHARACTERS : 0)
  const right = shown(behind.slice(0, MAX_SIDE_CHARACTERS), 0)
  const more = behind.length > MAX_SIDE_CHARACTERS ? '…' : ''
  // A character beyond the basic plane is one column, like every other.
  return `  ${left}${right}${more}\n  ${' '.repeat([...left].length)}^`
}

function shown(text: string, from: number): string {
  const part = printable(text.slice(from).replaceAll('\t', ' '))
  return from < 0 ? `…${part}` : part
}
