import type { Segment } from '../command/command.ts'

/** What a one-line program of an interpreter says when it joins a socket to a shell. */
interface OneLiner {
  /** Options that a program text follows; in lower case. */
  readonly options: string
  /** One of these opens a connection … */
  readonly sockets: readonly string[]
  /** … and one of these hands it to a shell. Empty: the connection alone is enough. */
  readonly shells: readonly string[]
}

const SHELL_PATHS = ['/bin/sh', '/bin/bash', '/bin/dash', '/bin/ash', '/bin/zsh'] as const

const PYTHON: OneLiner = {
  options: 'c',
  sockets: ['socket'],
  shells: ['dup2', 'pty.spawn', 'subprocess', 'os.system', 'popen', ...SHELL_PATHS],
}
const PERL: OneLiner = {
  options: 'e',
  sockets: ['socket'],
  shells: ['exec', 'system', 'fdopen', 'open(stdin', ...SHELL_PATHS],
}
const PHP: OneLiner = {
  options: 'r',
  sockets: ['fsockopen(', 'stream_socket_client(', 'socket_connect('],
  shells: [],
}
const RUBY: OneLiner = {
  options: 'e',
  sockets: ['tcpsocket', 'socket.tcp('],
  shells: ['exec', 'spawn', 'system', 'popen', ...SHELL_PATHS],
}
const NODE: OneLiner = {
  options: 'ep',
  sockets: ['net.connect', 'net.socket', 'createconnection', "('net')", '("net")', '(net)'],
  shells: ['child_process', 'spawn', ...SHELL_PATHS],
}
const LUA: OneLiner = {
  options: 'e',
  sockets: ['socket'],
  shells: ['os.execute', 'io.popen', ...SHELL_PATHS],
}
const AWK: OneLiner = { options: '', sockets: ['/inet/tcp/', '/inet/udp/'], shells: ['getline'] }
const POWERSHELL: OneLiner = {
  options: 'c',
  sockets: ['net.sockets.tcpclient'],
  shells: ['iex', 'invoke-expression', 'cmd', 'powershell'],
}

/** By the letters that an interpreter's name begins with; versions (`python3.11`) follow. */
const INTERPRETERS: ReadonlyMap<string, OneLiner> = new Map([
  ['python', PYTHON],
  ['pypy', PYTHON],
  ['perl', PERL],
  ['php', PHP],
  ['ruby', RUBY],
  ['node', NODE],
  ['nodejs', NODE],
  ['lua', LUA],
  ['luajit', LUA],
  ['awk', AWK],
  ['gawk', AWK],
  ['mawk', AWK],
  ['powershell', POWERSHELL],
  ['pwsh', POWERSHELL],
])

/**
 * The interpreter that is given a one-line program which joins a socket to a shell, or `undefined`:
 *
 *     python3 -c 'import socket,os; …; os.dup2(s.fileno(),0); …'   →   python3
 *
 * When the program has lost its quotes it reaches over the segments that follow, to the end of the
 * line; so each language is looked for once, which keeps the work linear.
 */
export function socketOneLiner(segments: readonly Segment[]): string | undefined {
  const unquoted = new Set<OneLiner>()
  for (const [at, segment] of segments.entries()) {
    const oneLiner = INTERPRETERS.get(withoutVersion(segment.program))
    if (!oneLiner || unquoted.has(oneLiner)) continue
    const option = segment.args.find((arg) => isProgramOption(arg, oneLiner.options))
    if (option === undefined && oneLiner.options !== '') continue
    const isQuoted = isQuotedAfter(segment.source, option)
    if (!isQuoted) unquoted.add(oneLiner)
    const text = (isQuoted ? [segment] : segments.slice(at)).map(textOf).join(' ').toLowerCase()
    if (joinsShell(text, oneLiner)) return segment.program
  }
  return undefined
}

function joinsShell(text: string, { sockets, shells }: OneLiner): boolean {
  const isConnected = sockets.some((each) => text.includes(each))
  return isConnected && (shells.length === 0 || shells.some((each) => text.includes(each)))
}

/** Whether what follows the option is in quotes, which then hold the whole program. */
function isQuotedAfter(source: string, option: string | undefined): boolean {
  const mark = option === undefined ? ' ' : `${option} `
  const next = source[source.indexOf(mark) + mark.length]
  return next === "'" || next === '"'
}

/** `-c`, `-le`, `-rsocket -e`, `-Command` */
function isProgramOption(arg: string, letters: string): boolean {
  if (arg[0] !== '-') return false
  return [...letters].some((letter) => arg.toLowerCase().includes(letter))
}

function withoutVersion(program: string): string {
  let end = program.length
  while (end > 0 && '0123456789.-'.includes(program[end - 1] ?? ' ')) end--
  return program.slice(0, end)
}

function textOf({ env, path, args }: Segment): string {
  return [...env, path, ...args].join(' ')
}
