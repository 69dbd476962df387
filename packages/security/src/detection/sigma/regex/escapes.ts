import { type CharSet, complement, DIGITS, SPACES, union, WORD } from './char-set.ts'
import { refused } from './refused.ts'

/** What stands for several characters. */
export type ClassEscape = CharSet

const CLASSES: ReadonlyMap<string, CharSet> = new Map([
  ['d', DIGITS],
  ['D', complement(DIGITS)],
  ['w', WORD],
  ['W', complement(WORD)],
  ['s', SPACES],
  ['S', complement(SPACES)],
])

const LOWER: CharSet = [[97, 122]]
const UPPER: CharSet = [[65, 90]]
const ALPHA = union([LOWER, UPPER])

const POSIX: ReadonlyMap<string, CharSet> = new Map([
  ['alpha', ALPHA],
  ['digit', DIGITS],
  ['alnum', union([ALPHA, DIGITS])],
  ['lower', LOWER],
  ['upper', UPPER],
  ['space', [[9, 13] as const, [32, 32] as const]],
  ['blank', [[9, 9] as const, [32, 32] as const]],
  ['xdigit', [[48, 57] as const, [65, 70] as const, [97, 102] as const]],
  ['punct', [[33, 47] as const, [58, 64] as const, [91, 96] as const, [123, 126] as const]],
])

const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
  ['a', 7],
  ['e', 27],
])

export function classEscape(letter: string): ClassEscape | undefined {
  return CLASSES.get(letter)
}

/** `[:alpha:]` within a class, at this place. */
export function readClass(
  text: string,
  at: number,
): { readonly set: CharSet; readonly end: number } | undefined {
  const found = /^\[:(\^?)(\w+):\]/.exec(text.slice(at, at + 16))
  const named = found && POSIX.get(found[2] ?? '')
  if (!named) return undefined
  return { set: found[1] === '^' ? complement(named) : named, end: at + found[0].length }
}

/**
 * The one character that an escape means; `at` is that of the character after the backslash.
 *
 * @throws {HubError} `ArgumentInvalid` for back references and what is not known
 */
export function readEscape(
  text: string,
  at: number,
): { readonly unit: number; readonly end: number } {
  const letter = text.charAt(at)
  if (letter === '') throw refused('it ends with a backslash')
  const hex = /^(x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,4})\}|u([0-9a-fA-F]{4}))/.exec(
    text.slice(at, at + 8),
  )
  if (hex) {
    const unit = Number.parseInt(hex[2] ?? hex[3] ?? hex[4] ?? '', 16)
    return { unit, end: at + hex[0].length }
  }
  if (letter === '0' && !/\d/.test(text.charAt(at + 1))) return { unit: 0, end: at + 1 }
  if (/[1-9kg]/.test(letter)) throw refused('back references need more than linear time')
  const control = CONTROLS.get(letter)
  if (control !== undefined) return { unit: control, end: at + 1 }
  if (/[A-Za-z0-9]/.test(letter)) throw refused(`"\\${letter}" is not supported`)
  return { unit: text.charCodeAt(at), end: at + 1 }
}
