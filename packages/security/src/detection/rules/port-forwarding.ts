import { isIP } from 'node:net'
import { ASK_WHO_RAN_IT, HAND_OVER } from '../advice.ts'
import { operandsOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { isPublicAddress } from '../sets/addresses.ts'

const type: AlertType = {
  number: 3,
  alertType: 'IoT_PortForwarding',
  displayName: 'Port forwarding detection',
  severity: 'High',
  intent: 'CommandAndControl',
  description:
    'Something on the device passes connections on to another machine. Outsiders reach networks ' +
    'behind the device in this way, and firewalls see only the connection of the device itself.',
  remediationSteps: [
    'Read from where to where the command forwards. With targets inside only, it is often an ' +
      'administrator at work, and the alert is Low.',
    ASK_WHO_RAN_IT,
    'If nobody did, end the process, remove the rule, and block the address on the other side.',
    'Check the connections to the forwarded targets since then; what they guard was in reach.',
    HAND_OVER,
  ],
  techniques: ['T1090', 'T1572'],
}

const PORT_FORWARDING = inLine(
  [
    [
      'a program that can forward is called: ssh, socat, iptables, nft, netsh, a tunnel',
      canForward,
    ],
  ],
  'it forwards a port, sends connections elsewhere or opens a tunnel',
)

function canForward({ program }: Segment): boolean {
  const isKnown = SSH.has(program) || IPTABLES.has(program) || TUNNELS.has(program)
  return isKnown || ['socat', 'nft', 'netsh', 'cloudflared'].includes(program)
}

/** Tunnels of ssh and its like, and address translation to another machine. */
export const portForwarding: Rule = segmentRule(type, forwards, PORT_FORWARDING)

function forwards(segment: Segment): Clue | undefined {
  const { program, args } = segment
  if (SSH.has(program)) return sshForwards(args)
  if (program === 'socat') return socatForwards(args)
  if (IPTABLES.has(program)) return translates(args)
  if (program === 'nft') return nftTranslates(args)
  if (program === 'netsh' && args.includes('portproxy') && args.includes('add')) {
    return clue(
      'netsh forwards a port',
      args.flatMap((arg) => arg.split('=')),
    )
  }
  return isTunnel(segment) ? { seen: `${program} opens a tunnel` } : undefined
}

const SSH: ReadonlySet<string> = new Set(['ssh', 'autossh', 'plink', 'dbclient', 'slogin'])
const IPTABLES: ReadonlySet<string> = new Set([
  ...['iptables', 'iptables-legacy', 'iptables-nft', 'ip6tables', 'ip6tables-legacy'],
])

/** Options of ssh that take a value; `L`, `R` and `D` forward. */
const SSH_VALUE_LETTERS = 'BbcDEeFIiJLlmOopQRSWwPMs'

function sshForwards(args: readonly string[]): Clue | undefined {
  const specs: string[] = []
  const operands: string[] = []
  for (let at = 0; at < args.length && operands.length === 0; at++) {
    const arg = args[at] ?? ''
    if (arg[0] !== '-' || arg.length < 2) {
      operands.push(arg)
      continue
    }
    const place = valueLetter(arg)
    if (place < 0) continue
    const isLast = place === arg.length - 1
    const value = isLast ? (args[at + 1] ?? '') : arg.slice(place + 1)
    if ('LRD'.includes(arg[place] ?? ' ')) specs.push(value)
    if (isLast) at++
  }
  if (specs.length === 0) return undefined
  const [destination = ''] = operands
  const host = destination.slice(destination.lastIndexOf('@') + 1)
  return clue('ssh forwards ports', [host, ...specs.flatMap((spec) => spec.split(':'))])
}

function valueLetter(arg: string): number {
  if (arg[1] === '-') return -1
  for (let at = 1; at < arg.length; at++) if (SSH_VALUE_LETTERS.includes(arg[at] ?? ' ')) return at
  return -1
}

function socatForwards(args: readonly string[]): Clue | undefined {
  const ends = operandsOf(args).map((arg) => arg.toLowerCase())
  const isListening = ends.some((end) => isSocatListener(end))
  const target = ends.find((end) => SOCAT_TARGETS.some((kind) => end.startsWith(kind)))
  if (!isListening || target === undefined) return undefined
  return clue('socat forwards a port', [target.split(':')[1] ?? ''])
}

function isSocatListener(end: string): boolean {
  const kind = end.split(':')[0] ?? ''
  return kind.endsWith('-listen') || kind.endsWith('-l') || kind.endsWith('-recvfrom')
}

const SOCAT_TARGETS = [
  ...['tcp:', 'tcp4:', 'tcp6:', 'tcp-connect:', 'tcp4-connect:', 'udp:', 'udp4:', 'udp-connect:'],
  ...['openssl:', 'openssl-connect:', 'ssl:', 'socks4:', 'socks4a:', 'proxy:', 'sctp:'],
] as const

/** Chains in which container services translate addresses all day. */
const SERVICE_CHAINS = ['DOCKER', 'KUBE-', 'CNI-', 'NETAVARK', 'cali-'] as const

function translates(args: readonly string[]): Clue | undefined {
  const target = args[args.indexOf('--to-destination') + 1]
  if (!args.includes('DNAT') || !args.includes('--to-destination') || !target) return undefined
  if (args.some((arg) => SERVICE_CHAINS.some((chain) => arg.startsWith(chain)))) return undefined
  if (args.some((arg) => REMOVING.has(arg))) return undefined
  return clue('a firewall rule sends connections elsewhere', [withoutPort(target)])
}

const REMOVING: ReadonlySet<string> = new Set(['-D', '--delete', '-C', '--check'])

function nftTranslates(args: readonly string[]): Clue | undefined {
  const words = args.flatMap((arg) => arg.split(' '))
  const at = words.indexOf('dnat')
  if (at < 0 || !words.includes('add')) return undefined
  return clue(
    'a firewall rule sends connections elsewhere',
    words.slice(at + 1, at + 5).map(withoutPort),
  )
}

function withoutPort(target: string): string {
  return isIP(target) ? target : target.replace(/:[0-9-]{1,11}$/, '')
}

const TUNNELS: ReadonlySet<string> = new Set([
  ...['ngrok', 'chisel', 'frpc', 'frps', 'rinetd', 'bore', 'gost', 'iodine', 'dnscat2', 'ptunnel'],
  ...['ligolo', 'revsocks', 'localtunnel'],
])
const ASKING: ReadonlySet<string> = new Set([
  ...['version', '--version', '-v', '-V', 'help', '--help', '-h'],
])

function isTunnel({ program, args }: Segment): boolean {
  if (program === 'cloudflared') return args.includes('tunnel')
  return TUNNELS.has(program) && !ASKING.has(args[0] ?? '')
}

/** Low when nothing in the command leaves the networks of the device. */
function clue(seen: string, places: readonly string[]): Clue {
  return places.some(isOutside) ? { seen } : { seen, severity: 'Low' }
}

const INSIDE: ReadonlySet<string> = new Set(['localhost', '', '*'])

function isOutside(place: string): boolean {
  const bare = place.replace('[', '').replace(']', '')
  if (isIP(bare)) return isPublicAddress(bare)
  const isNumber = /^[0-9]{1,5}$/.test(bare)
  return !isNumber && !INSIDE.has(bare.toLowerCase()) && !bare.startsWith('/')
}
