import type { Word } from './reader.ts'

/** How to find the command that a wrapper runs. */
interface Wrapper {
  /** Short options that take a value, attached or as the next word. */
  readonly short: string
  /** Long options whose value is the next word when there is no `=`. */
  readonly long: readonly string[]
  /** Words of its own before the command, e.g. the duration of `timeout`. */
  readonly operands: number
}

function wrapper(short = '', long: readonly string[] = [], operands = 0): Wrapper {
  return { short, long, operands }
}

const SUDO_LONG = ['--user', '--group', '--host', '--prompt', '--chdir', '--role', '--type']

const WRAPPERS: ReadonlyMap<string, Wrapper> = new Map([
  ['sudo', wrapper('ughpCcrtTURD', SUDO_LONG)],
  ['doas', wrapper('uC')],
  ['pkexec', wrapper('', ['--user'])],
  ['env', wrapper('uC', ['--unset', '--chdir'])],
  ['nice', wrapper('n', ['--adjustment'])],
  ['ionice', wrapper('cnpPu', ['--class', '--classdata'])],
  ['setsid', wrapper()],
  ['stdbuf', wrapper('ioe', ['--input', '--output', '--error'])],
  ['exec', wrapper('a')],
  ['command', wrapper()],
  ['builtin', wrapper()],
  ['busybox', wrapper()],
  ['toybox', wrapper()],
  ['time', wrapper('fo', ['--format', '--output'])],
  ['timeout', wrapper('sk', ['--signal', '--kill-after'], 1)],
  ['chrt', wrapper('TPD', [], 1)],
  ['taskset', wrapper('', [], 1)],
  ['chroot', wrapper('', ['--userspec', '--groups'], 1)],
  ['nohup', wrapper()],
  ['unshare', wrapper('SGRw')],
  ['nsenter', wrapper('tSG', ['--target'])],
  ['systemd-run', wrapper('pEMHu', ['--unit', '--property', '--setenv', '--slice'])],
  ['xargs', wrapper('IiEsLlnPda', ['--max-args', '--max-procs', '--arg-file', '--delimiter'])],
])

export function isWrapper(program: string): boolean {
  return WRAPPERS.has(program)
}

/**
 * Where the command of a wrapper begins: `sudo -u root iptables -F` → 3.
 *
 * @param at  the place of the wrapper's own name
 * @returns a place after the last word when the wrapper runs nothing (`sudo -l`, `command -v nc`)
 */
export function afterWrapper(words: readonly Word[], at: number, program: string): number {
  const { short, long, operands } = WRAPPERS.get(program) ?? wrapper()
  let next = at + 1
  for (let word = words[next]; word; word = words[next]) {
    const { text } = word
    if (text === '--') {
      next++
      break
    }
    if (text.length < 2 || text[0] !== '-') break
    if (program === 'command' && (text === '-v' || text === '-V')) return words.length
    next += takesNextWord(text, short, long) ? 2 : 1
  }
  return next + operands
}

function takesNextWord(option: string, short: string, long: readonly string[]): boolean {
  if (option.startsWith('--')) return long.includes(option)
  // In a cluster like `-nu` the first letter that takes a value takes all that follows it.
  const letter = [...option].findIndex((each, place) => place > 0 && short.includes(each))
  return letter === option.length - 1
}
