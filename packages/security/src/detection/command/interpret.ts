import { baseName } from '../sets/base-name.ts'
import { SHELLS } from '../sets/shells.ts'
import type { Redirection, Segment } from './command.ts'
import type { ShellSegment, Word } from './reader.ts'
import { afterWrapper, isWrapper } from './wrappers.ts'

/** Words of the shell's grammar that may stand before a command. */
const GRAMMAR: ReadonlySet<string> = new Set([
  '{',
  '}',
  '!',
  'if',
  'then',
  'elif',
  'else',
  'fi',
  'while',
  'until',
  'do',
  'done',
  'coproc',
])

const WRITING: ReadonlySet<string> = new Set(['>', '>>', '>&', '&>', '&>>', '<>'])

/** A segment with its program found, and the words that follow the program. */
export interface Interpreted {
  readonly segment: Segment
  readonly argWords: readonly Word[]
}

/**
 * Finds the program of a segment behind grammar, assignments and wrappers:
 *
 *     then A=1 sudo -u root timeout 5 /sbin/iptables -F   →   iptables, [-F], [sudo, timeout]
 *
 * @param words  the segment's own words, or the part of them that is a script
 * @param within  the script that the words' places refer to, and the directory of the last `cd`
 */
export function interpret(
  words: readonly Word[],
  shell: ShellSegment,
  within: { readonly script: string; readonly directory: string },
): Interpreted {
  const env: string[] = []
  const wrappers: string[] = []
  let nohup = false
  let at = afterGrammar(words)
  for (let word = words[at]; word; word = words[at]) {
    const program = programName(word.text)
    if (isAssignment(word.text)) {
      env.push(word.text)
      at++
    } else if (isWrapper(program)) {
      const next = afterWrapper(words, at, program)
      if (next >= words.length) break
      if (program === 'nohup') nohup = true
      else wrappers.push(program)
      at = next
    } else break
  }
  const path = words[at]?.text ?? ''
  const argWords = words.slice(at + 1)
  const redirections = shell.redirections.map(plain)
  const segment = {
    program: programName(path),
    path,
    args: argWords.map(({ text }) => text),
    env,
    redirections,
    writes: redirections.filter(isWrite).map(({ target }) => target),
    connective: shell.connective,
    substituted: shell.substituted,
    nohup,
    wrappers,
    directory: within.directory,
    source: within.script.slice(startOf(words, shell), shell.end),
  }
  return { segment, argWords }
}

/** `f() {` and `f(){` begin a function; its first command follows. */
function afterGrammar(words: readonly Word[]): number {
  const first = words[0]?.text ?? ''
  const isFunction = first[0] !== '$' && (first.endsWith('()') || first.endsWith('(){'))
  let at = isFunction ? 1 : 0
  while (GRAMMAR.has(words[at]?.text ?? '')) at++
  return at
}

/** A login shell's name begins with a dash (`-bash`). */
function programName(path: string): string {
  const name = baseName(path)
  return name[0] === '-' && SHELLS.has(name.slice(1)) ? name.slice(1) : name
}

function isAssignment(text: string): boolean {
  const equals = text.indexOf('=')
  if (equals < 1 || isDigit(text[0])) return false
  const end = text[equals - 1] === '+' ? equals - 1 : equals
  for (const character of text.slice(0, end)) if (!isNameCharacter(character)) return false
  return true
}

function isNameCharacter(character: string): boolean {
  const letter = character.toLowerCase()
  return (letter >= 'a' && letter <= 'z') || letter === '_' || isDigit(letter)
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

function plain({ operator, target }: ShellSegment['redirections'][number]): Redirection {
  return { operator, target: target?.text ?? '' }
}

/** `>&1` and `2>&-` copy or close a descriptor; `>& file` writes. */
function isWrite({ operator, target }: Redirection): boolean {
  if (!WRITING.has(operator)) return false
  return operator !== '>&' || !(target === '-' || (isDigit(target[0]) && isDigit(target.at(-1))))
}

function startOf(words: readonly Word[], { redirections }: ShellSegment): number {
  return Math.min(words[0]?.start ?? Infinity, redirections[0]?.target?.start ?? Infinity)
}
