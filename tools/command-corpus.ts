import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { analyse } from '../packages/security/src/detection/command/analyse.ts'

/**
 * Collects ordinary command lines from the Debian system that it runs on, as the corpus that the
 * false alarms of rules are counted on: `vectors/corpus/debian-command-lines.txt`. Only files of
 * installed packages are read, and of each only a few lines; sorted together, they are single
 * commands and no longer anybody's script. Run it with
 *
 *     node --conditions=source --import tsx tools/command-corpus.ts
 *
 * Another machine has other packages, so a run replaces the file; commit it only on purpose.
 */

/** Lines of one maintainer script, and of one other script. */
const MAX_LINES_OF_MAINTAINER = 40
const MAX_LINES_OF_SCRIPT = 24
const MAX_LINES = 9000
const MAX_LINE_CHARACTERS = 300
/** A quote that is still open after these was none. */
const MAX_OPEN_CHARACTERS = 4000
const MAX_FILE_BYTES = 400_000

const SHELL = /^#! ?\/(usr\/)?bin\/(env )?(ba|da)?sh\b/
const PACKAGES = '/var/lib/dpkg/info'

/** Places that people fill, never a package. */
const NOT_PACKAGED = ['/usr/local/', '/root/', '/home/', '/opt/', '/srv/'] as const

function main(): void {
  const all = packagedNames()
  const owned = all.filter(isSmallFile).sort((a, b) => order(a) - order(b))
  const lines = new Set<string>()
  for (const name of readdirSync(PACKAGES).sort()) {
    if (!/\.(preinst|postinst|prerm|postrm|config)$/.test(name)) continue
    const script = `${PACKAGES}/${name}`
    lines.add(`/bin/sh ${script} ${argumentsOf(name)}`)
    for (const line of scriptLines(script, MAX_LINES_OF_MAINTAINER)) lines.add(line)
  }
  for (const file of owned) for (const line of settingLines(file)) lines.add(line)
  for (const file of owned) {
    if (lines.size >= MAX_LINES) break
    for (const line of scriptLines(file, MAX_LINES_OF_SCRIPT)) lines.add(line)
  }
  const programs = programsIn(all)
  const sorted = [...lines].filter((line) => isShown(line) && startsProgram(line, programs)).sort()
  const target = new URL('../vectors/corpus/debian-command-lines.txt', import.meta.url)
  writeFileSync(target, `${sorted.join('\n')}\n`)
}

/** What installed packages brought: files, links and folders. */
function packagedNames(): readonly string[] {
  const lists = readdirSync(PACKAGES).filter((name) => name.endsWith('.list'))
  const names = lists.flatMap((name) => readFileSync(join(PACKAGES, name), 'utf8').split('\n'))
  return [...new Set(names)].filter(
    (name) => name !== '' && !NOT_PACKAGED.some((place) => name.startsWith(place)),
  )
}

/** For an order in which no package comes first: a number that only depends on the name. */
function order(name: string): number {
  let value = 7
  for (const character of name) value = (value * 31 + character.charCodeAt(0)) % 1_000_003
  return value
}

function isSmallFile(file: string): boolean {
  try {
    const stat = statSync(file)
    return stat.isFile() && stat.size < MAX_FILE_BYTES
  } catch {
    return false
  }
}

function argumentsOf(script: string): string {
  if (script.endsWith('.postrm')) return 'remove'
  if (script.endsWith('.prerm')) return 'upgrade 1.2.3-1'
  return script.endsWith('.preinst') ? 'install' : 'configure 1.2.3-1'
}

const BUILT_IN = [
  ...['cd', 'echo', 'printf', 'test', '[', '[[', 'set', 'unset', 'export', 'trap', 'eval', 'exec'],
  ...['read', 'type', 'command', 'hash', 'umask', 'ulimit', 'wait', 'kill', 'source', '.', ':'],
  ...['true', 'false', 'shopt', 'alias', 'builtin', 'declare', 'readonly', 'getopts', 'pwd'],
] as const

/** Names of all programs of installed packages, and of what the shell brings itself. */
function programsIn(names: readonly string[]): ReadonlySet<string> {
  const programs = names.filter((file) => /^(\/usr)?\/s?bin\//.test(file))
  return new Set([...BUILT_IN, ...programs.map((file) => file.slice(file.lastIndexOf('/') + 1))])
}

/** Prose of a message over several lines, and calls of a script's own functions, are no commands. */
function startsProgram(line: string, programs: ReadonlySet<string>): boolean {
  const [first] = analyse(line).segments.filter(({ program }) => program !== '')
  if (!first) return false
  return first.path[0] === '/' || programs.has(first.path)
}

function isShown(line: string): boolean {
  return line.length <= MAX_LINE_CHARACTERS && /^[\x20-\x7e]+$/.test(line)
}

/** Commands of units, cron tables, udev rules and hooks of the package manager. */
function settingLines(file: string): readonly string[] {
  if (/\.(service|socket)$/.test(file)) {
    return matches(file, /^Exec(?:Start|Stop|Reload)[A-Za-z]*=[-@:+!]*(.+)$/gm)
  }
  if (/^\/etc\/(crontab|cron\.d\/)/.test(file)) {
    return matches(file, /^(?:[-0-9*/,]+\s+){5}\w+\s+(.+)$/gm)
  }
  if (/\/udev\/rules\.d\//.test(file)) return matches(file, /(?:RUN|PROGRAM)[^"=]*\+?=+"([^"]+)"/g)
  if (/^\/etc\/apt\/apt\.conf\.d\//.test(file)) return matches(file, /"([^"]*[/ ][^"]*)"/g)
  if (/^\/etc\/(profile|profile\.d\/|bash|skel\/|init\.d\/|cron\.|logrotate)/.test(file)) {
    return commandLines(readFileSync(file, 'utf8'))
  }
  return []
}

function matches(file: string, pattern: RegExp): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(pattern)]
    .map((match) => plain(match[1] ?? ''))
    .filter((line) => line !== '')
}

function scriptLines(file: string, most: number): readonly string[] {
  const text = readFileSync(file, 'utf8')
  return SHELL.test(text) ? commandLines(text).slice(0, most) : []
}

/** The commands of a shell script: one a line, without grammar, comments and documents. */
export function commandLines(script: string): readonly string[] {
  const lines: string[] = []
  let end: string | undefined
  let joined = ''
  for (const raw of script.split('\n')) {
    if (end !== undefined) {
      if (raw.trim() === end) end = undefined
      continue
    }
    const line = joined + raw
    joined = ''
    if (raw.endsWith('\\')) {
      joined = `${line.slice(0, -1)} `
      continue
    }
    // A quote that stays open goes over lines, which no command line of a process does.
    if (!isBalanced(line)) {
      if (line.length < MAX_OPEN_CHARACTERS) joined = `${line} \u0000`
      continue
    }
    if (line.includes('\u0000')) continue
    end = /<<-?\s*['"\\]?(\w+)/.exec(line)?.[1]
    const text = plain(line)
    if (end === undefined && isCommand(text)) lines.push(text)
  }
  return lines
}

function plain(line: string): string {
  return line.trim().replace(/\s+/g, ' ')
}

function isBalanced(line: string): boolean {
  const bare = line
    .replace(/\\./g, '')
    .replace(/'[^']*'/g, '')
    .replace(/"[^"]*"/g, '')
  return !/['"`]/.test(bare.replace(/`[^`]*`/g, ''))
}

const GRAMMAR =
  /^(fi|done|esac|else|then|do|\{|\}|\(|\)|;;|return\b.*|exit\b.*|shift|break|continue)(;|;;|\s*[<>|&}].*)?$/

/** Not a comment, an assignment alone, a case label, a function's head or a word of the grammar. */
function isCommand(line: string): boolean {
  if (line === '' || line[0] === '#' || GRAMMAR.test(line)) return false
  if (/^[\w.-]+\s*\(\)/.test(line) || /^(function|case|for|select|elif$)\b/.test(line)) return false
  if (/^[^(]*\)(\s*;;)?$/.test(line) || /^[-\w*|."'?[\] ]+\)/.test(line)) return false
  if (/^(local |export |readonly )?\w+=("[^"]*"|'[^']*'|[^\s`(]*)(;| \|\| true)?$/.test(line)) {
    // Its command is in a substitution, or there is none.
    if (!/[`]|\$\(/.test(line)) return false
  }
  if (/^local [\w ]+$/.test(line)) return false
  return /^[\w./[!{:$"'(-]/.test(line) && line.length > 2
}

if (process.argv[1] === new URL(import.meta.url).pathname) main()
