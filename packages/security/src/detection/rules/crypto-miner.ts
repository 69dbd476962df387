import type { ConnectionRecord } from '../../ingestion/record.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, matchCommand } from '../command-rule.ts'
import { matchConnection } from '../connection-match.ts'
import { ofConnection, ofLine } from '../explain/conditions.ts'
import type { IndicatorLookup } from '../indicators/lookup.ts'
import type { AlertType, Match, Rule } from '../rule.ts'
import { canonicalAddress } from '../sets/addresses.ts'
import { baseName } from '../sets/base-name.ts'
import { minerIn } from '../sets/miners.ts'

const type: AlertType = {
  number: 10,
  alertType: 'IoT_CryptoMiner',
  displayName: 'Crypto coin miner image',
  severity: 'High',
  intent: 'Impact',
  description:
    'A program that mines crypto coins is named, started or connected to its pool. On a device ' +
    'this is hardly ever wanted, and whoever put it there can run anything else as well.',
  remediationSteps: [
    'Look at the processor load and the process list: is the miner running, as which user, ' +
      'from which file?',
    'Ask whether somebody runs it on purpose; a name in a test or a document is the usual ' +
      'harmless cause.',
    'If nobody does, stop the process, but first look for what restarts it: cron, systemd ' +
      'units, start scripts, a container.',
    'Find the way in: weak or default passwords, an exposed service, an old firmware. Other ' +
      'devices with the same one are next.',
    'Set the device up again from a known image, change its credentials, and hand over to ' +
      'your security team.',
  ],
  techniques: ['T1496'],
}

const CONDITIONS = [
  ...ofLine(
    [
      [
        'a miner, or an option of one, stands in the line',
        ({ segments }, { exe }) => names(segments, exe),
      ],
    ],
    'it is started, and not looked for, stopped or removed',
  ),
  ...ofConnection(
    [['the connection does not come in', ({ direction }) => direction !== 'in']],
    'its program is a miner, or its other end is on a list of miner pools',
  ),
]

function names(segments: Command['segments'], exe: string): boolean {
  const isNamed = ({ path, args }: Segment) =>
    minerIn(path) !== undefined ||
    args.some((arg, at) => minerIn(arg) !== undefined || isMinerOption(arg, args[at + 1] ?? ''))
  return minerIn(exe) !== undefined || segments.some(isNamed)
}

/** Miners by name or listed hash, by their pool's protocol or options, and by listed pools. */
export function cryptoMiner(lists: IndicatorLookup): Rule {
  return {
    type,
    kinds: ['proc', 'conn'],
    conditions: CONDITIONS,
    evaluate(analysed) {
      const { record } = analysed
      if (record.kind === 'conn') return minerConnects(record, lists)
      return matchCommand(analysed, ({ segments }, { exe }) => {
        const miner = minerIn(exe)
        return miner === undefined ? firstClue(segments) : named(miner)
      })
    },
  }
}

function minerConnects(record: ConnectionRecord, lists: IndicatorLookup): Match | undefined {
  const { direction, remoteAddress, remotePort, exe, host = '', header } = record
  if (direction === 'in') return undefined
  const miner = minerIn(exe)
  if (miner !== undefined) return matchConnection(record, miner, `${miner} is connected`)
  const atMs = header.timeMs
  const listed =
    lists.minerPool(remoteAddress, remotePort, atMs) ??
    (host === '' ? undefined : lists.minerPool(host, remotePort, atMs))
  if (!listed) return undefined
  const key = baseName(exe) || canonicalAddress(remoteAddress)
  return matchConnection(record, key, `a connection to a miner pool of the list ${listed.source}`)
}

function firstClue(segments: Command['segments']): Clue | undefined {
  for (const segment of segments) {
    const clue = clueIn(segment)
    if (clue) return clue
  }
  return undefined
}

function clueIn(segment: Segment): Clue | undefined {
  const { program, path, args } = segment
  const started = minerIn(path)
  if (started !== undefined) return named(started)
  if (looksOrRemoves(segment)) return undefined
  for (const [at, arg] of args.entries()) {
    const miner = minerIn(arg)
    if (miner !== undefined) return named(miner)
    if (isMinerOption(arg, args[at + 1] ?? '')) {
      return { seen: `${program} mines by its options`, key: program }
    }
  }
  return undefined
}

function named(miner: string): Clue {
  return { seen: `the miner ${miner} is named`, key: miner }
}

/** Programs that look for a miner or remove it, as an administrator does who has found one. */
const LOOKING: ReadonlySet<string> = new Set([
  ...['grep', 'egrep', 'fgrep', 'zgrep', 'rg', 'ag', 'pgrep', 'pidof', 'ps', 'top', 'lsof'],
  ...['which', 'whereis', 'whatis', 'man', 'apropos', 'type', 'command', 'hash', 'locate', 'ls'],
  ...[
    'stat',
    'file',
    'test',
    '[',
    '[[',
    'strings',
    'sha256sum',
    'sha1sum',
    'md5sum',
    'less',
    'tail',
  ],
  ...['head', 'more', 'journalctl', 'clamscan', 'yara', 'pkill', 'killall', 'kill', 'rm', 'unlink'],
  ...['shred', 'dpkg-query', 'apt-cache'],
])

const PACKAGE_MANAGERS: ReadonlySet<string> = new Set([
  ...['apt', 'apt-get', 'dpkg', 'rpm', 'yum', 'dnf', 'zypper', 'apk', 'opkg', 'pacman', 'snap'],
])
const INSTALLING: ReadonlySet<string> = new Set([
  ...['install', 'add', 'reinstall', 'upgrade', '-i', '-S', '-U', '--install'],
])
const STARTING: ReadonlySet<string> = new Set(['start', 'restart', 'enable', 'unmask', '--now'])

function looksOrRemoves({ program, args }: Segment): boolean {
  if (LOOKING.has(program)) return true
  // `find … -exec` could start it.
  if (program === 'find') return !args.some((arg) => arg.startsWith('-exec') || arg === '-ok')
  if (PACKAGE_MANAGERS.has(program)) return !args.some((arg) => INSTALLING.has(arg))
  if (program === 'systemctl' || program === 'service')
    return !args.some((arg) => STARTING.has(arg))
  return false
}

const COIN_OPTIONS: ReadonlySet<string> = new Set(['--coin', '--algo', '-a'])
const COINS = ['monero', 'randomx', 'rx/', 'cryptonight', 'cn/', 'cn-'] as const
const POOL_PROTOCOLS = ['stratum+tcp://', 'stratum+ssl://', 'stratum+tls://'] as const

function isMinerOption(arg: string, next: string): boolean {
  // Most arguments are neither, and every one of every command line comes by here.
  if (arg[0] !== '-' && !arg.includes('://')) return false
  const option = arg.toLowerCase()
  if (POOL_PROTOCOLS.some((protocol) => option.includes(protocol))) return true
  if (option === '--donate-level' || option.startsWith('--donate-level=')) return true
  const equals = option.indexOf('=')
  const name = equals < 0 ? option : option.slice(0, equals)
  const value = equals < 0 ? next.toLowerCase() : option.slice(equals + 1)
  return COIN_OPTIONS.has(name) && COINS.some((coin) => value.startsWith(coin))
}
