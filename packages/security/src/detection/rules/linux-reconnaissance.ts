import type { JsonObject } from '@twinward/protocol'
import type { ProcessRecord } from '../../ingestion/record.ts'
import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, matchCommand } from '../command-rule.ts'
import { ofLine } from '../explain/conditions.ts'
import type { AlertType, Rule, RuleMemory } from '../rule.ts'

/** Different questions by one user within `WINDOW_MS`. */
export const MIN_QUESTIONS = 5
/** Different questions within one command line. */
export const MIN_QUESTIONS_AT_ONCE = 3
export const WINDOW_MS = 5 * 60_000
/** Users whose questions are remembered; the one heard of longest ago is forgotten. */
const MAX_USERS = 16
const MAX_USER_CHARACTERS = 32

const type: AlertType = {
  number: 28,
  alertType: 'IoT_LinuxReconnaissance',
  displayName: 'Local host reconnaissance detected',
  severity: 'Medium',
  intent: 'Discovery',
  description:
    'Somebody asks the device many questions about itself at once: system, users, processes, ' +
    'network. Bots and intruders begin like this after they got in; so does a new administrator.',
  remediationSteps: [
    ASK_WHO_RAN_IT,
    'Check whether a support script, an inventory or a monitoring job asks these questions.',
    'If not, look at what the same user did next: downloads, new accounts, cleared histories.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1082', 'T1033', 'T1016', 'T1057'],
}

const MEMORY = 'IoT_LinuxReconnaissance'

/** Several different questions about the host: in one line, or by one user in a short time. */
export const linuxReconnaissance: Rule = {
  type,
  kinds: ['proc'],
  conditions: ofLine(
    [['a question about the host is asked', (command) => questionsIn(command).size > 0]],
    `${MIN_QUESTIONS_AT_ONCE} different ones stand in the line, or one user asked ${MIN_QUESTIONS} within five minutes`,
    (command, record, memory) => tellAsked(questionsIn(command), userOf(record), memory),
  ),
  evaluate(analysed, memory) {
    return matchCommand(analysed, (command, record) => {
      const asked = questionsIn(command)
      if (asked.size === 0) return undefined
      const user = userOf(record)
      if (asked.size >= MIN_QUESTIONS_AT_ONCE) return clue(user, asked)
      // Within an aggregate the order is lost, so its time is as good as any of its hits'.
      return remember(memory, user, asked, record.header.timeMs)
    })
  },
}

function userOf({ uid, user }: ProcessRecord): string {
  return (uid || user).slice(0, MAX_USER_CHARACTERS)
}

function tellAsked(asked: ReadonlySet<string>, user: string, memory: RuleMemory): string {
  const known = new Map(stored(memory.get(MEMORY))).get(user) ?? []
  const before = known.map(([question]) => question).join(', ') || 'nothing'
  return `here ${[...asked].join(', ')}; user ${user || '?'} asked ${before} before`
}

function clue(user: string, asked: Iterable<string>): Clue {
  return { seen: `the host is explored (${[...asked].join(', ')})`, key: user }
}

function remember(
  memory: RuleMemory,
  user: string,
  asked: ReadonlySet<string>,
  timeMs: number,
): Clue | undefined {
  const users = new Map(stored(memory.get(MEMORY)))
  const known = new Map(users.get(user))
  for (const question of asked) known.set(question, timeMs)
  for (const [question, atMs] of known) if (timeMs - atMs > WINDOW_MS) known.delete(question)
  users.delete(user)
  const found = known.size >= MIN_QUESTIONS
  // What was told once is not told again by its tail.
  if (!found) users.set(user, [...known])
  memory.set(MEMORY, {
    users: [...users]
      .slice(-MAX_USERS)
      .map(([name, list]) => [name, list.map((each) => [...each])]),
  })
  return found ? clue(user, known.keys()) : undefined
}

type Asked = readonly (readonly [question: string, timeMs: number])[]

function stored(value: JsonObject | undefined): readonly [string, Asked][] {
  return Array.isArray(value?.users) ? (value.users as unknown as [string, Asked][]) : []
}

function questionsIn({ segments }: Command): ReadonlySet<string> {
  const found = new Set<string>()
  for (const segment of segments) {
    const question = questionOf(segment)
    if (question !== undefined) found.add(question)
  }
  return found
}

/** Questions without a subject: with arguments these programs do something else. */
const BARE: ReadonlySet<string> = new Set([
  'whoami',
  'w',
  'who',
  'last',
  'lscpu',
  'nproc',
  'lastlog',
])
const WITH_ANY: ReadonlySet<string> = new Set(['netstat', 'ss', 'ifconfig', 'free', 'df', 'arp'])
const FILES: ReadonlySet<string> = new Set([
  ...[
    '/proc/cpuinfo',
    '/proc/version',
    '/etc/passwd',
    '/etc/issue',
    '/proc/meminfo',
    '/proc/mounts',
  ],
  ...['/etc/os-release', '/etc/lsb-release', '/etc/redhat-release', '/etc/debian_version'],
  ...['/etc/*release', '/etc/*-release', '/etc/issue.net'],
])
const READING: ReadonlySet<string> = new Set(['cat', 'head', 'less', 'more'])

function questionOf(segment: Segment): string | undefined {
  const { program, args, substituted } = segment
  // A script that keeps the answer in a variable is at work, not looking around.
  if (substituted) return undefined
  const [first = ''] = args
  if (BARE.has(program) || program === 'id' || program === 'hostname') {
    return args.every((arg) => arg[0] === '-') ? program : undefined
  }
  if (WITH_ANY.has(program)) return program
  if (program === 'uname') return first === '-a' || first === '--all' ? 'uname -a' : undefined
  if (program === 'ps') return args.length > 0 ? 'ps' : undefined
  if (program === 'ip') return first === 'a' || first.startsWith('addr') ? 'ip a' : undefined
  if (program === 'route') return args.every((arg) => arg[0] === '-') ? 'route' : undefined
  if (program === 'crontab') return first === '-l' ? 'crontab -l' : undefined
  if (program === 'ls') return args.some(isHome) ? 'ls /home' : undefined
  if (!READING.has(program)) return undefined
  const file = args.find((arg) => FILES.has(arg))
  return file && `cat ${file}`
}

function isHome(path: string): boolean {
  return path === '/home' || path === '/home/'
}
