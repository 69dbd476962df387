import { SHELLS } from '../sets/shells.ts'
import type { Segment } from './command.ts'
import type { Interpreted } from './interpret.ts'
import type { Word } from './reader.ts'

/**
 * The script that a segment runs: text that has yet to be tokenised, or words that already are,
 * because the agent joined the arguments without quotes (`sh -c iptables -F`).
 */
export type Script =
  | { readonly text: string; readonly words?: undefined }
  | { readonly words: readonly Word[]; readonly text?: undefined }

/** Programs that run a command line as another user: `su root -c 'x'`. */
const USER_SWITCHERS: ReadonlySet<string> = new Set(['su', 'runuser'])

/** Options of shells and user switchers that take the next word. */
const VALUE_OPTIONS: ReadonlySet<string> = new Set([
  '-o',
  '+o',
  '-O',
  '+O',
  '-s',
  '--rcfile',
  '--init-file',
  '--shell',
  '-g',
  '-G',
])

/**
 * What a segment runs as a script, or `undefined`. `before` is the segment that is piped into it.
 */
export function scriptOf({ segment, argWords }: Interpreted, before?: Segment): Script | undefined {
  const { program } = segment
  if (program === 'eval') return textScript(argWords)
  if (program === 'cmd') return after(argWords, (option) => option === '/c' || option === '/k')
  if (program === 'powershell' || program === 'pwsh') return after(argWords, isPowerShellCommand)
  if (USER_SWITCHERS.has(program)) return shellScript(argWords, true)
  if (!SHELLS.has(program)) return undefined
  return shellScript(argWords, false) ?? standardInput(segment, before)
}

/**
 * Everything after `-c` (`-ic`, `-lc`): agents join arguments with blanks, so all of it belongs.
 */
function shellScript(words: readonly Word[], skipOperands: boolean): Script | undefined {
  for (let at = 0; at < words.length; at++) {
    const option = words[at]?.text ?? ''
    if (option === '--command' || isCommandCluster(option)) return script(words.slice(at + 1))
    if (option.startsWith('--command=')) return { text: option.slice('--command='.length) }
    if (isValueOption(option, skipOperands)) at++
    else if (option[0] !== '-' && option[0] !== '+' && !skipOperands) return undefined
  }
  return undefined
}

/** `-s` is a flag of a shell, and the shell to use for `su`. */
function isValueOption(option: string, isSwitcher: boolean): boolean {
  return VALUE_OPTIONS.has(option) && (isSwitcher || option !== '-s')
}

/** `-c`, `-lc`, `-exc`; not `--norc`. */
function isCommandCluster(option: string): boolean {
  return option[0] === '-' && option[1] !== '-' && option.includes('c')
}

function after(
  words: readonly Word[],
  isCommandOption: (option: string) => boolean,
): Script | undefined {
  const at = words.findIndex(({ text }) => isCommandOption(text.toLowerCase()))
  return at < 0 ? undefined : script(words.slice(at + 1))
}

/** PowerShell takes any beginning of `-Command`. */
function isPowerShellCommand(option: string): boolean {
  return option.length > 1 && '-command'.startsWith(option)
}

/** `sh <<< 'x'` and `echo x | sh` */
function standardInput({ redirections, connective }: Segment, before?: Segment) {
  const hereString = redirections.find(({ operator }) => operator === '<<<')
  if (hereString) return { text: hereString.target }
  if (connective !== '|' || (before?.program !== 'echo' && before?.program !== 'printf')) return
  return { text: before.args.filter((arg) => arg[0] !== '-').join(' ') }
}

function script(words: readonly Word[]): Script | undefined {
  if (words.length === 0) return undefined
  return words[0]?.quoted ? textScript(words) : { words }
}

function textScript(words: readonly Word[]): Script {
  return { text: words.map(({ text }) => text).join(' ') }
}
