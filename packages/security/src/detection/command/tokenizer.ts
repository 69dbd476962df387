import {
  addText,
  endSegment,
  endWord,
  finish,
  openReader,
  popBackTick,
  popBracket,
  pushGroup,
  pushSubstitution,
  type Reader,
  type ShellSegment,
  startRedirection,
} from './reader.ts'

/**
 * Splits a script into segments of words, as a shell would, but never fails:
 *
 *     a 'b c' > d; e "$(f)"   →   [a, b c] > d     ; [e, $()]     [f] substituted
 *
 * What a shell would refuse or wait for is read as plain text: a quote that is never closed is a
 * character, since agents join arguments without quoting them. For the same reason `#` starts no
 * comment (`sudo -u #0 …`). Every step moves on by at least one character, so the work is linear.
 */
export function tokenize(script: string): { segments: ShellSegment[]; steps: number } {
  const reader = openReader(script)
  let steps = 0
  while (reader.at < script.length) {
    steps++
    if (reader.inDoubleQuotes) readWithinDoubleQuotes(reader)
    else read(reader)
  }
  return { segments: finish(reader), steps }
}

const SPECIAL = characterSet('\0\t\n\v\f\r "\'\\;&|<>()`$')
const SPECIAL_IN_DOUBLE_QUOTES = characterSet('"\\`$')
const BLANK = characterSet('\0\t\v\f\r ')

function characterSet(characters: string): Uint8Array {
  const set = new Uint8Array(128)
  for (const character of characters) set[character.charCodeAt(0)] = 1
  return set
}

function read(reader: Reader): void {
  const { script, at } = reader
  const code = script.charCodeAt(at)
  if (SPECIAL[code] !== 1) readRun(reader, SPECIAL)
  else if (BLANK[code] === 1) {
    endWord(reader)
    reader.at++
  } else readSpecial(reader, script[at])
}

function readSpecial(reader: Reader, character: string | undefined): void {
  if (character === "'") readSingleQuotes(reader)
  else if (character === '"') readDoubleQuote(reader)
  else if (character === '\\') readBackslash(reader)
  else if (character === '$') readDollar(reader)
  else if (character === '`') readBackTick(reader)
  else if (character === '(') readBracket(reader)
  else if (character === ')') readClosingBracket(reader)
  else if (character === '<' || character === '>') readRedirection(reader)
  else readOperator(reader)
}

/** Characters without a meaning of their own, up to the next one that has. */
function readRun(reader: Reader, special: Uint8Array): void {
  const { script, at } = reader
  let end = at + 1
  while (end < script.length && special[script.charCodeAt(end)] !== 1) end++
  addText(reader, script.slice(at, end), end)
}

function readSingleQuotes(reader: Reader): void {
  const { script, at } = reader
  if (at >= reader.lastSingleQuote) {
    addText(reader, "'", at + 1)
    return
  }
  const end = script.indexOf("'", at + 1)
  addText(reader, script.slice(at + 1, end), end + 1).quoted = true
}

function readDoubleQuote(reader: Reader): void {
  if (reader.at >= reader.lastDoubleQuote) {
    addText(reader, '"', reader.at + 1)
    return
  }
  addText(reader, '', reader.at + 1).quoted = true
  reader.inDoubleQuotes = true
}

function readWithinDoubleQuotes(reader: Reader): void {
  const { script, at } = reader
  const character = script[at]
  if (character === '"') {
    addText(reader, '', at + 1)
    reader.inDoubleQuotes = false
  } else if (character === '\\') readQuotedBackslash(reader)
  else if (character === '`') readBackTick(reader)
  else if (character === '$' && script[at + 1] === '(') pushSubstitution(reader, '$(', at + 2)
  else if (character === '$') addText(reader, '$', at + 1)
  else readRun(reader, SPECIAL_IN_DOUBLE_QUOTES)
}

/** Within double quotes a backslash escapes only what would be special there. */
function readQuotedBackslash(reader: Reader): void {
  const { script, at } = reader
  const next = script[at + 1] ?? ''
  if (next === '\n') addText(reader, '', at + 2)
  else if (next !== '' && '"\\$`'.includes(next)) addText(reader, next, at + 2)
  else addText(reader, '\\', at + 1)
}

function readBackslash(reader: Reader): void {
  const { script, at, word } = reader
  const next = script[at + 1]
  if (next === '\n') {
    reader.at += 2
    return
  }
  // `C:\Windows\system32\netsh.exe` and `\\server\share`: a path of Windows keeps its backslashes.
  const isDrive = word?.text.length === 2 && word.text[1] === ':'
  const isShare = word === undefined && next === '\\'
  if (isDrive || isShare || word?.windowsPath) {
    addText(reader, '\\', at + 1).windowsPath = true
    return
  }
  addText(reader, next ?? '\\', at + 2).quoted = true
}

function readDollar(reader: Reader): void {
  const { script, at } = reader
  // `cat${IFS}/etc/passwd`: a blank in disguise.
  const ifs = script.startsWith(`\${IFS}`, at) ? 6 : script.startsWith('$IFS', at) ? 4 : 0
  if (script[at + 1] === '(') pushSubstitution(reader, '$(', at + 2)
  // `$'…'` is a quoted string; its escapes stay as they are written.
  else if (script[at + 1] === "'") reader.at++
  else if (ifs > 0) {
    endWord(reader)
    reader.at += ifs
  } else addText(reader, '$', at + 1)
}

function readBackTick(reader: Reader): void {
  if (!popBackTick(reader)) pushSubstitution(reader, '`', reader.at + 1)
}

function readBracket(reader: Reader): void {
  // `f()` and `socket.socket()`: part of a word; ` (a; b)`: a group.
  if (reader.word) {
    addText(reader, '(', reader.at + 1).openBrackets++
    return
  }
  pushGroup(reader)
}

function readClosingBracket(reader: Reader): void {
  if (reader.word && reader.word.openBrackets > 0) {
    addText(reader, ')', reader.at + 1).openBrackets--
    return
  }
  endWord(reader)
  reader.at++
  popBracket(reader)
}

const REDIRECTIONS = ['<<<', '<<-', '<<', '<&', '<>', '<', '>>', '>&', '>|', '>'] as const

function readRedirection(reader: Reader): void {
  const { script, at } = reader
  if (script[at + 1] === '(') {
    endWord(reader)
    pushSubstitution(reader, script[at] === '<' ? '<(' : '>(', at + 2)
    return
  }
  const operator = REDIRECTIONS.find((each) => script.startsWith(each, at)) ?? '>'
  const meaning = operator === '>|' ? '>' : operator === '<<-' ? '<<' : operator
  startRedirection(reader, meaning, at + operator.length)
}

function readOperator(reader: Reader): void {
  const { script, at } = reader
  const [first, next] = [script[at], script[at + 1]]
  if (first === '&' && next === '>') {
    const appends = script[at + 2] === '>'
    startRedirection(reader, appends ? '&>>' : '&>', at + (appends ? 3 : 2))
    return
  }
  if (first === '&') endSegment(reader, next === '&' ? '&&' : '&')
  else if (first === '|') endSegment(reader, next === '|' ? '||' : '|')
  else endSegment(reader, ';')
  const isDouble = first === next || (first === '|' && next === '&')
  reader.at += first !== '\n' && isDouble ? 2 : 1
}
