import type { ProcessRecord } from '../../ingestion/record.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, commandRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { baseName } from '../sets/base-name.ts'
import { outputsOf } from '../sets/outputs.ts'

const type: AlertType = {
  number: 42,
  alertType: 'IoT_ClearHistoryFile',
  displayName: 'Bash history cleared',
  severity: 'Low',
  intent: 'DefenseEvasion',
  description:
    'The record of the commands that a user typed is deleted, emptied or switched off. ' +
    'Administrators do so after typing a password; intruders do so to hide what they did.',
  remediationSteps: [
    'Ask the user named in this alert whether they did it, and why.',
    'If they did not, read the processes and logins of this device in the hours before: the ' +
      'raw events hold what the history lost.',
    'Look for other alerts of the same device and user; together with one of them, treat ' +
      'this as an intrusion.',
    'Change the credentials of the account and hand over to your security team when it ' +
      'cannot be explained.',
  ],
  techniques: ['T1070.003'],
}

/** A shell's record of typed commands removed, emptied or switched off; one alert per user. */
export const clearHistoryFile: Rule = commandRule(
  type,
  clears,
  inLine(
    [['a history is named', namesHistory]],
    'the history of a shell is removed, emptied, overwritten or switched off',
  ),
)

function namesHistory({ program, args, env, redirections }: Segment): boolean {
  const words = [program, ...args, ...env, ...redirections.map(({ target }) => target)]
  return words.some((word) => word.toLowerCase().includes('hist'))
}

function clears({ segments }: Command, { user, uid }: ProcessRecord): Clue | undefined {
  for (const segment of segments) {
    const seen = assignsAway(segment) ?? removesHistory(segment)
    if (seen !== undefined) return { seen, key: user || uid }
  }
  return undefined
}

/** `HISTFILE=`, `export HISTSIZE=0`, `unset HISTFILE`, `set +o history`, `history -c` */
function assignsAway({ program, args, env }: Segment): string | undefined {
  const assignments = DECLARING.has(program) ? [...env, ...args] : env
  if (assignments.some(isAway)) return 'the command history is switched off'
  const isUnset = program === 'unset' && args.includes('HISTFILE')
  const isSetOff = program === 'set' && follows(args, '+o', 'history')
  const isShopt = program === 'shopt' && args.includes('history') && args.some(isUnsetOption)
  if (isUnset || isSetOff || isShopt) return 'the command history is switched off'
  const isCleared = program === 'history' && args.some((arg) => isCluster(arg, 'c'))
  return isCleared ? 'the command history is cleared' : undefined
}

const DECLARING: ReadonlySet<string> = new Set([
  ...['export', 'declare', 'typeset', 'readonly', 'local', 'setenv', 'set'],
])

function isAway(assignment: string): boolean {
  const equals = assignment.indexOf('=')
  const name = assignment.slice(0, Math.max(equals, 0))
  const value = assignment.slice(equals + 1)
  if (name === 'HISTFILE') return value === '' || value === '/dev/null'
  return (name === 'HISTSIZE' || name === 'HISTFILESIZE') && value === '0'
}

function isUnsetOption(arg: string): boolean {
  return isCluster(arg, 'u')
}

function follows(args: readonly string[], first: string, second: string): boolean {
  return args.some((arg, at) => arg === first && args[at + 1] === second)
}

/** A short option, or a cluster of them, with this letter. */
function isCluster(arg: string, letter: string): boolean {
  return arg[0] === '-' && arg[1] !== '-' && arg.includes(letter)
}

/** Not `>>`: what is appended clears nothing. */
const OVERWRITING: ReadonlySet<string> = new Set(['>', '>&', '&>'])
const REMOVING: ReadonlySet<string> = new Set(['rm', 'shred', 'unlink', 'truncate', 'wipe', 'srm'])
const REPLACING: ReadonlySet<string> = new Set(['cp', 'mv', 'ln', 'install'])

function removesHistory(segment: Segment): string | undefined {
  const { program, args, redirections } = segment
  const isOverwritten = redirections.some(
    ({ operator, target }) => OVERWRITING.has(operator) && isHistory(target),
  )
  if (isOverwritten) return 'the history file is overwritten'
  if (REMOVING.has(program) && args.some(isHistory)) return 'the history file is removed'
  const isReplaced = REPLACING.has(program) && follows(args, '/dev/null', lastOf(args))
  if (isReplaced && isHistory(lastOf(args))) return 'the history file is replaced by /dev/null'
  if (program === 'mv' && isHistory(args.at(-2) ?? '') && lastOf(args) === '/dev/null') {
    return 'the history file is removed'
  }
  const appends = program === 'tee' && args.some((arg) => arg === '--append' || isCluster(arg, 'a'))
  const isWritten = (program === 'tee' || program === 'dd') && !appends
  if (isWritten && outputsOf({ ...segment, writes: [] }).some(isHistory)) {
    return 'the history file is overwritten'
  }
  const isEdited = program === 'sed' && args.some((arg) => arg.startsWith('-i'))
  if (isEdited && args.some(isHistory)) return 'the history file is edited'
  return program === 'find' ? findRemoves(args) : undefined
}

function findRemoves(args: readonly string[]): string | undefined {
  const action = args.find(
    (arg, at) => REMOVING.has(baseName(arg)) && args[at - 1]?.startsWith('-exec'),
  )
  const isRemoving = args.includes('-delete') || action !== undefined
  return isRemoving && args.some(isHistory)
    ? 'history files are searched for and removed'
    : undefined
}

function lastOf(args: readonly string[]): string {
  return args.at(-1) ?? ''
}

const SHELL_HISTORIES: ReadonlySet<string> = new Set([
  ...['.bash_history', '.zsh_history', '.ash_history', '.sh_history', '.ksh_history', '.history'],
  ...['.mksh_history', '.dash_history', '.zhistory', '.histfile', 'fish_history', '.fish_history'],
  // Patterns that mean all of them.
  ...['.*_history', '.*history', '.*sh_history', '*_history', '*history'],
  ...['$histfile', `\${histfile}`],
])

/**
 * A file of commands typed to a shell; not those of databases, which their manuals advise to
 * delete.
 */
function isHistory(path: string): boolean {
  const name = baseName(path)
  return SHELL_HISTORIES.has(name.endsWith('*') ? name.slice(0, -1) : name)
}
