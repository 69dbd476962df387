import type { JsonObject } from '@twinward/protocol'
import type { ConnectionRecord } from '../../ingestion/record.ts'
import { FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, firstClue, matchCommand } from '../command-rule.ts'
import { matchConnection } from '../connection-match.ts'
import { inLine, ofConnection } from '../explain/conditions.ts'
import type { AlertType, Match, Rule, RuleMemory } from '../rule.ts'
import { canonicalAddress, isPublicAddress } from '../sets/addresses.ts'
import { baseName } from '../sets/base-name.ts'

/** So many different addresses … */
export const MIN_SCANNED = 20
/** … within this time are a search for victims. */
export const WINDOW_MS = 10 * 60_000

const type: AlertType = {
  number: 18,
  alertType: 'IoT_CommonBots',
  displayName: 'Behaviour like common Linux bots',
  severity: 'Medium',
  intent: 'Execution',
  description:
    'A program with the name of a known bot runs, a scanner of such a bot looks around, or the ' +
    'device itself knocks at remote-administration ports of many strangers.',
  remediationSteps: [
    'Disconnect the device: bots attack others, and their operators can run anything on it.',
    'Note processes and open connections before a restart; many bots live in memory only.',
    FIND_THE_WAY_IN,
    'Replace default and weak passwords, close Telnet and other open ports, update the firmware; ' +
      'otherwise it is back within minutes.',
    HAND_OVER,
  ],
  techniques: ['T1059.004', 'T1046'],
}

const MEMORY = 'IoT_CommonBots'

/** Bots by name, by the word their scanners say, and by whom they knock at. */
export const commonBots: Rule = {
  type,
  kinds: ['proc', 'conn'],
  conditions: [
    ...inLine([], 'a program has the name of a known bot, or busybox is asked for a nonsense word'),
    ...ofConnection(
      [
        ['the connection does not come in', ({ direction }) => direction !== 'in'],
        ['it goes to a port that bots knock at', ({ remotePort }) => BOT_PORTS.has(remotePort)],
        ['its address is public', (record) => isPublicAddress(record.remoteAddress)],
      ],
      `${MIN_SCANNED} different addresses were knocked at within ten minutes`,
      (_, memory) => `${scanned(memory.get(MEMORY)).length} of ${MIN_SCANNED} addresses so far`,
    ),
  ],
  evaluate(analysed, memory) {
    const { record } = analysed
    if (record.kind === 'conn') return knocks(record, memory)
    return matchCommand(analysed, (command, { exe }) => {
      const bot = botIn(exe)
      return bot === undefined ? firstClue(command, isBot) : named(bot)
    })
  },
}

const BOTS = [
  ...['mirai', 'gafgyt', 'bashlite', 'lizkebab', 'torlus', 'kaiten', 'tsunami', 'mozi', 'hajime'],
  ...['qbot', 'xorddos', 'dvrhelper', '.nttpd', 'satori', 'okiru', 'muhstik', 'billgates'],
] as const
const SUFFIXES: ReadonlySet<string> = new Set([
  ...['m', 'a', 'x86', 'x64', 'i586', 'i686', 'arm', 'arm4', 'arm5', 'arm6', 'arm7', 'armv5l'],
  ...[
    'armv6l',
    'armv7l',
    'aarch64',
    'mips',
    'mpsl',
    'mipsel',
    'ppc',
    'sh4',
    'spc',
    'sparc',
    'm68k',
  ],
  ...['bin', 'elf', 'sh', 'z', 'bot', 'i', 'arc'],
])
const FIRST_LETTERS: ReadonlySet<string> = new Set(BOTS.map((bot) => bot.slice(0, 1)))

function botIn(path: string): string | undefined {
  const name = baseName(path)
  if (!FIRST_LETTERS.has(name[0] ?? '')) return undefined
  return BOTS.find((bot) => {
    if (!name.startsWith(bot)) return false
    const rest = name.slice(bot.length)
    return rest === '' || rest.split(/[-_.]/).every((part) => part === '' || SUFFIXES.has(part))
  })
}

function isBot({ path, args, wrappers }: Segment): Clue | undefined {
  // Bots ask busybox for an applet that does not exist, to see whether a shell answers.
  const isQuestion = wrappers.at(-1) === 'busybox' && args.length === 0 && isShout(path)
  if (isQuestion) return { seen: 'busybox is asked for a nonsense word', key: 'busybox' }
  const bot = botIn(path)
  return bot === undefined ? undefined : named(bot)
}

function named(bot: string): Clue {
  return { seen: `the bot ${bot} is started`, key: bot }
}

function isShout(word: string): boolean {
  return /^[A-Z]{4,10}$/.test(word)
}

/** Telnet, SSH, routers' administration and Android's debug port. */
const BOT_PORTS: ReadonlySet<string> = new Set(['23', '2323', '22', '7547', '5555'])

function knocks(record: ConnectionRecord, memory: RuleMemory): Match | undefined {
  const { direction, remotePort, remoteAddress, header } = record
  if (direction === 'in' || !BOT_PORTS.has(remotePort)) return undefined
  const address = canonicalAddress(remoteAddress)
  if (!isPublicAddress(address)) return undefined
  const seen = new Map(scanned(memory.get(MEMORY)))
  for (const [each, timeMs] of seen) if (header.timeMs - timeMs > WINDOW_MS) seen.delete(each)
  seen.delete(address)
  seen.set(address, header.timeMs)
  const isScan = seen.size >= MIN_SCANNED
  // As many as decide are enough to remember.
  const kept = [...seen].slice(-MIN_SCANNED)
  memory.set(MEMORY, { seen: kept.map(([each, timeMs]) => [each, timeMs]) })
  return isScan
    ? matchConnection(record, 'scan', `${MIN_SCANNED} strangers were knocked at`)
    : undefined
}

function scanned(stored: JsonObject | undefined): readonly [string, number][] {
  return Array.isArray(stored?.seen) ? (stored.seen as unknown as [string, number][]) : []
}
