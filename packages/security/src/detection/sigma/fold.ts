/**
 * The lower case of each UTF-16 code unit, where that is one unit as well; made when first
 * needed.
 */
let table: Uint16Array | undefined

/**
 * A text in lower case, unit by unit, so that a part of a text folds to a part of the folded text;
 * `toLowerCase` looks at neighbours (Σ), and may change the length (İ).
 */
export function foldCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase()
  table ??= Uint16Array.from({ length: 0x10000 }, (_, unit) => {
    const lower = String.fromCharCode(unit).toLowerCase()
    return lower.length === 1 ? lower.charCodeAt(0) : unit
  })
  const units = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at++) units[at] = table[text.charCodeAt(at)] ?? 0
  return decode(units)
}

/** Arguments of one call. */
const PART_UNITS = 8192

function decode(units: Uint16Array): string {
  let text = ''
  for (let at = 0; at < units.length; at += PART_UNITS) {
    text += String.fromCharCode(...units.subarray(at, at + PART_UNITS))
  }
  return text
}
