/**
 * Controls, and the marks that turn the direction of text: they would deceive whoever reads them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: controls are what is looked for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\p{Surrogate}]/gu

/**
 * Text of a device as a person may see it in a terminal or a page: at most `limit` characters, no
 * control characters (`\x1b`), no half of a surrogate pair. What is cut ends with `…`.
 */
export function printable(text: string, limit: number): string {
  const shown = text.slice(0, limit + 1).replace(UNPRINTABLE, escapeCharacter)
  if (shown.length <= limit) return shown
  return `${shown.slice(0, limit - 1).replace(/\p{Surrogate}$/u, '')}…`
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0)
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  const hex = code.toString(16)
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`
}
