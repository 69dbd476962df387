const BACKSLASH = '\\'

/**
 * The bytes that `echo -e` or `printf` would write: `\x7f\105LF`, `\0177ELF` and `\\x7f"ELF"` all
 * give DEL and `ELF`. Quotes fall away, and a run of backslashes counts as one, because every
 * level of quoting doubles them.
 */
export function decodeEscapes(text: string): string {
  let decoded = ''
  for (let at = 0; at < text.length; ) {
    const character = text[at]
    if (character === '"' || character === "'") at++
    else if (character !== BACKSLASH) {
      decoded += character
      at++
    } else {
      while (text[at] === BACKSLASH) at++
      const { code, end } = escapeAt(text, at)
      if (code !== undefined) decoded += String.fromCharCode(code)
      at = end
    }
  }
  return decoded
}

/** How many `\xHH` a text has. */
export function countHexEscapes(text: string): number {
  let count = 0
  for (let at = text.indexOf('\\x'); at >= 0; at = text.indexOf('\\x', at + 2)) {
    if (digits(text, at + 2, { radix: 16, most: 2 }) === 2) count++
  }
  return count
}

/** What follows the backslashes: `x7f`, `u007f`, `0177` or `177`. */
function escapeAt(text: string, at: number): { code: number | undefined; end: number } {
  const letter = text[at]
  if (letter === 'x' || letter === 'u') {
    const found = digits(text, at + 1, { radix: 16, most: letter === 'x' ? 2 : 4 })
    const end = at + 1 + found
    return { code: found > 0 ? Number.parseInt(text.slice(at + 1, end), 16) : undefined, end }
  }
  const found = digits(text, at, { radix: 8, most: letter === '0' ? 4 : 3 })
  const end = at + found
  return { code: found > 0 ? Number.parseInt(text.slice(at, end), 8) & 0xff : undefined, end }
}

/** How many digits of `radix` stand at `at`, at `most`. */
function digits(
  text: string,
  at: number,
  { radix, most }: { readonly radix: 8 | 16; readonly most: number },
): number {
  let found = 0
  while (found < most && isDigit(text.charCodeAt(at + found), radix)) found++
  return found
}

function isDigit(code: number, radix: 8 | 16): boolean {
  if (radix === 8) return code >= 0x30 && code <= 0x37
  const letter = code | 0x20
  return (code >= 0x30 && code <= 0x39) || (letter >= 0x61 && letter <= 0x66)
}
