import type { ConnectionRecord } from '../../ingestion/record.ts'
import type { Command, Segment } from '../command/command.ts'
import { matchCommand } from '../command-rule.ts'
import { matchConnection } from '../connection-match.ts'
import { ofConnection, ofLine } from '../explain/conditions.ts'
import type { AlertType, Match, Rule } from '../rule.ts'
import { isLoopbackAddress, isPublicAddress } from '../sets/addresses.ts'
import { baseName } from '../sets/base-name.ts'
import { socketOneLiner } from '../sets/one-liners.ts'
import { SHELLS, WINDOWS_SHELLS } from '../sets/shells.ts'

const type: AlertType = {
  number: 5,
  alertType: 'IoT_ReverseShell',
  displayName: 'Reverse shells',
  severity: 'High',
  intent: 'CommandAndControl',
  description:
    'A shell of the device is being joined to a network connection, so that somebody elsewhere ' +
    'can type commands on it. Firewalls that only refuse inbound connections do not stop this.',
  remediationSteps: [
    'Read the command line for the address and port on the other side. Is it one of yours, ' +
      'and does anybody know this command?',
    'If not, block the address at your gateway and disconnect the device; the session ends ' +
      'with the connection.',
    'Before a restart, note the running processes and open connections: the shell often ' +
      'lives in memory only.',
    'Find out which account and which parent process started it (a web server, a job, a ' +
      'login), and close that way in.',
    'Search the other devices for the same address, replace the credentials that lay on ' +
      'this one, and hand over to your security team.',
  ],
  techniques: ['T1059.004', 'T1095'],
}

/** A shell joined to a socket, by its command line or by a connection that it holds itself. */
export const reverseShell: Rule = {
  type,
  kinds: ['proc', 'conn'],
  conditions: [
    ...ofLine(
      [['a connection is opened: netcat, socat, telnet, openssl, /dev/tcp, a socket', connects]],
      'a shell is joined to it, and it goes to another machine',
    ),
    ...ofConnection(
      [
        ['the connection goes out', ({ direction }) => direction === 'out'],
        ['it goes to a public address', (record) => isPublicAddress(record.remoteAddress)],
      ],
      'a shell holds it',
    ),
  ],
  evaluate(analysed) {
    const { record, command } = analysed
    if (record.kind === 'conn') return shellConnects(record, command)
    return matchCommand(analysed, ({ segments }) => {
      const seen = inPipeline(segments) ?? inSegments(segments)
      return seen === undefined ? undefined : { seen }
    })
  },
}

function shellConnects(record: ConnectionRecord, command: Command | undefined): Match | undefined {
  if (record.direction !== 'out' || !isPublicAddress(record.remoteAddress)) return undefined
  const program = baseName(record.exe) || (command?.segments[0]?.program ?? '')
  if (!SHELLS.has(program)) return undefined
  return matchConnection(record, record.remoteAddress, 'a shell holds a connection to the internet')
}

type Segments = Command['segments']

function connects({ segments }: Command): boolean {
  const isConnecting = ({ program, redirections }: Segment) =>
    CONNECTING.has(program) ||
    redirections.some(({ target }) => NETWORK_DEVICES.some((each) => target.startsWith(each)))
  return segments.some(isConnecting) || socketOneLiner(segments) !== undefined
}

function inSegments(segments: Segments): string | undefined {
  for (const segment of segments) {
    if (usesNetworkDevice(segment)) return 'the network device of the shell is used'
    if (NETCATS.has(segment.program) && givesNetcatShell(segment.args)) {
      return 'netcat serves a shell'
    }
    if (segment.program === 'socat' && segment.args.some(isShellAddress)) {
      return 'socat serves a shell'
    }
  }
  const interpreter = socketOneLiner(segments)
  return interpreter && `${interpreter} joins a socket to a shell`
}

const NETCATS: ReadonlySet<string> = new Set([
  ...['nc', 'ncat', 'netcat', 'nc.traditional', 'nc.openbsd', 'pnetcat'],
])

/** Programs whose input or output is a connection. */
const CONNECTING: ReadonlySet<string> = new Set([...NETCATS, 'telnet', 'openssl', 'socat'])

const NETWORK_DEVICES = ['/dev/tcp/', '/dev/udp/'] as const

/**
 * `bash -i >& /dev/tcp/h/4444`. Two everyday uses are left alone: a connection to the device
 * itself, and a look whether a port answers (`echo > /dev/tcp/db/5432`), which neither sends nor
 * runs anything.
 */
function usesNetworkDevice(segment: Segment): boolean {
  return segment.redirections.some(({ target }) => {
    const device = NETWORK_DEVICES.find((each) => target.startsWith(each))
    if (device === undefined) return false
    const host = target.slice(device.length).split('/')[0] ?? ''
    return !(host === 'localhost' || isLoopbackAddress(host) || isPortProbe(segment))
  })
}

const SILENT: ReadonlySet<string> = new Set(['', ':', 'true', 'echo', 'printf'])

function isPortProbe({ program, args, redirections }: Segment): boolean {
  if (program === 'cat') {
    return args.length === 0 && redirections.some(({ target }) => target === '/dev/null')
  }
  return SILENT.has(program) && args.every((arg) => arg === '' || arg === '-n')
}

/** `-e /bin/sh`, `-e/bin/sh`, `-lvpe sh`, `-c 'bash -i'`, `--exec=/bin/bash`, `--sh-exec bash` */
function givesNetcatShell(args: readonly string[]): boolean {
  return args.some((arg, at) => {
    const next = args[at + 1] ?? ''
    if (arg.startsWith('--')) {
      const [name = '', value = next] = splitOnce(arg, '=')
      return (
        (name === '--exec' || name === '--sh-exec' || name === '--lua-exec') && startsShell(value)
      )
    }
    if (arg[0] !== '-') return false
    const last = arg.at(-1)
    if ((last === 'e' || last === 'c') && startsShell(next)) return true
    return (arg[1] === 'e' || arg[1] === 'c') && startsShell(arg.slice(2))
  })
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

/** Whether a command text begins with a shell: `/bin/sh -i`, `busybox sh`, `cmd.exe`. */
function startsShell(text: string): boolean {
  const [first = '', second = ''] = text.split(/[ ,'"]/).filter((word) => word !== '')
  const program = baseName(first)
  if (program === 'busybox') return second === '' || SHELLS.has(baseName(second))
  return SHELLS.has(program) || WINDOWS_SHELLS.has(program)
}

/** `EXEC:/bin/sh`, `exec:'bash -li',pty`, `SYSTEM:bash` */
function isShellAddress(arg: string): boolean {
  const [kind = '', value = ''] = splitOnce(arg, ':')
  const name = kind.toLowerCase()
  return (name === 'exec' || name === 'system') && startsShell(value)
}

/** `nc h 1 | sh`, and `mkfifo p; cat p | sh | nc h 1 > p` */
function inPipeline(segments: Segments): string | undefined {
  let hasPipe = false
  let hasShell = false
  let hasNetwork = false
  for (const [at, segment] of segments.entries()) {
    const { program, args } = segment
    const before = segments[at - 1]?.program ?? ''
    const isFed = segment.connective === '|' && CONNECTING.has(before) && before !== 'openssl'
    if (SHELLS.has(program) && isFed) return `a shell runs what ${before} receives`
    hasPipe ||= program === 'mkfifo' || (program === 'mknod' && args.includes('p'))
    hasShell ||= SHELLS.has(program) && (segment.connective === '|' || readsFile(segment))
    hasNetwork ||= CONNECTING.has(program) && (program !== 'openssl' || args.includes('s_client'))
  }
  return hasPipe && hasShell && hasNetwork ? 'a shell, a named pipe and a connection' : undefined
}

function readsFile({ redirections }: Segment): boolean {
  return redirections.some(({ operator }) => operator === '<')
}
