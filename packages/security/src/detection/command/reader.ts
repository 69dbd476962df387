import type { Connective } from './command.ts'
import { MAX_NESTING } from './limits.ts'

/** A word as the tokenizer builds it. `start` and `end` are its place in the script. */
export interface Word {
  text: string
  readonly start: number
  end: number
  /** Some of it was quoted or escaped. */
  quoted: boolean
  windowsPath: boolean
  openBrackets: number
}

/** A segment before its program is known: the words and redirections in order. */
export interface ShellSegment {
  readonly words: Word[]
  readonly redirections: { readonly operator: string; readonly target: Word | undefined }[]
  connective: Connective
  readonly substituted: boolean
  end: number
}

/** What waits while a substitution within it is read; a group `( )` has nothing to wait. */
interface Frame {
  readonly kind: '$(' | '`' | '<(' | '>(' | 'group'
  readonly outer?: Pick<Reader, 'segment' | 'word' | 'redirection' | 'inDoubleQuotes'>
}

/** The tokenizer's state; it changes in place, since it is the hot path of detection. */
export interface Reader {
  readonly script: string
  at: number
  word: Word | undefined
  /** An operator whose target has not come yet. */
  redirection: string | undefined
  segment: ShellSegment
  inDoubleQuotes: boolean
  readonly segments: ShellSegment[]
  readonly frames: Frame[]
  readonly lastSingleQuote: number
  readonly lastDoubleQuote: number
}

export function openReader(script: string): Reader {
  const segment = newSegment('', false)
  return {
    script,
    at: 0,
    word: undefined,
    redirection: undefined,
    segment,
    inDoubleQuotes: false,
    segments: [segment],
    frames: [],
    lastSingleQuote: script.lastIndexOf("'"),
    lastDoubleQuote: lastUnescaped(script, '"'),
  }
}

/** Ends everything that is still open. @returns the segments in the order in which they began */
export function finish(reader: Reader): ShellSegment[] {
  endSegment(reader, ';')
  while (reader.frames.length > 0) popBracket(reader)
  endSegment(reader, ';')
  return reader.segments.filter((segment) => !isEmpty(segment))
}

/** Adds to the current word, which begins here if there is none, and moves on to `end`. */
export function addText(reader: Reader, text: string, end: number): Word {
  const word = currentWord(reader)
  word.text += text
  word.end = Math.min(end, reader.script.length)
  reader.at = end
  return word
}

function currentWord(reader: Reader): Word {
  reader.word ??= {
    text: '',
    start: reader.at,
    end: reader.at,
    quoted: false,
    windowsPath: false,
    openBrackets: 0,
  }
  return reader.word
}

export function endWord(reader: Reader): void {
  const { word, segment, redirection } = reader
  if (!word) return
  if (redirection === undefined) segment.words.push(word)
  else segment.redirections.push({ operator: redirection, target: word })
  segment.end = word.end
  reader.word = undefined
  reader.redirection = undefined
}

export function startRedirection(reader: Reader, operator: string, end: number): void {
  const { word } = reader
  // `2> file`: the digits are a file descriptor and not an argument.
  if (word && !word.quoted && isNumber(word.text) && operator[0] !== '&') reader.word = undefined
  else endWord(reader)
  endRedirection(reader)
  reader.redirection = operator
  reader.segment.end = end
  reader.at = end
}

/** `a > ; b`: an operator whose target never came. */
function endRedirection(reader: Reader): void {
  if (reader.redirection === undefined) return
  reader.segment.redirections.push({ operator: reader.redirection, target: undefined })
  reader.redirection = undefined
}

export function endSegment(reader: Reader, connective: Exclude<Connective, ''>): void {
  endWord(reader)
  endRedirection(reader)
  if (!isEmpty(reader.segment)) {
    reader.segment = newSegment(connective, reader.segment.substituted)
    reader.segments.push(reader.segment)
  } else if (connective !== ';') {
    // `(a; b) | c`: the bracket has ended the segment already. A line break after `|` changes
    // nothing.
    reader.segment.connective = connective
  }
}

export function pushGroup(reader: Reader): void {
  if (!isEmpty(reader.segment)) endSegment(reader, ';')
  if (reader.frames.length < MAX_NESTING) reader.frames.push({ kind: 'group' })
  reader.at++
}

export function pushSubstitution(
  reader: Reader,
  kind: Exclude<Frame['kind'], 'group'>,
  end: number,
): void {
  if (reader.frames.length >= MAX_NESTING) {
    endSegment(reader, ';')
    reader.inDoubleQuotes = false
    reader.at = end
    return
  }
  currentWord(reader)
  const { segment, word, redirection, inDoubleQuotes } = reader
  reader.frames.push({ kind, outer: { segment, word, redirection, inDoubleQuotes } })
  reader.segment = newSegment('', true)
  reader.segments.push(reader.segment)
  reader.word = undefined
  reader.redirection = undefined
  reader.inDoubleQuotes = false
  reader.at = end
}

/**
 * Ends what `(`, `$(`, `<(` or a back-tick began; without one of them a `)` only ends the segment.
 */
export function popBracket(reader: Reader): void {
  endSegment(reader, ';')
  const frame = reader.frames.pop()
  if (!frame?.outer) return
  Object.assign(reader, frame.outer)
  const word = currentWord(reader)
  word.text += frame.kind === '`' ? '$()' : `${frame.kind})`
  word.end = Math.min(reader.at, reader.script.length)
}

/** @returns `false` when no back-tick is open, so that this one opens */
export function popBackTick(reader: Reader): boolean {
  const depth = reader.frames.findLastIndex(({ kind }) => kind === '`')
  if (depth < 0) return false
  reader.at++
  while (reader.frames.length > depth) popBracket(reader)
  return true
}

function newSegment(connective: Connective, substituted: boolean): ShellSegment {
  return { words: [], redirections: [], connective, substituted, end: 0 }
}

function isEmpty({ words, redirections }: ShellSegment): boolean {
  return words.length === 0 && redirections.length === 0
}

function isNumber(text: string): boolean {
  return text.length > 0 && [...text].every((digit) => digit >= '0' && digit <= '9')
}

function lastUnescaped(script: string, quote: string): number {
  for (let at = script.lastIndexOf(quote); at > 0; at = script.lastIndexOf(quote, at - 1)) {
    let before = at
    while (script[before - 1] === '\\') before--
    if ((at - before) % 2 === 0) return at
  }
  return script[0] === quote ? 0 : -1
}
