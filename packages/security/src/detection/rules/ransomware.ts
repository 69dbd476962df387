import type { JsonObject } from '@twinward/protocol'
import type { DetailRecord } from '../../ingestion/record.ts'
import { HAND_OVER } from '../advice.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, firstClue, matchCommand } from '../command-rule.ts'
import { inLine, ofRecord } from '../explain/conditions.ts'
import { fileFacts } from '../file-facts.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Match, Rule, RuleMemory } from '../rule.ts'
import { baseName } from '../sets/base-name.ts'

/** So many changed files … */
export const MIN_CHANGED_FILES = 100
/** … within this time … */
export const WINDOW_MS = 10 * 60_000
/** … of which this part ends alike is encryption under way. */
const MIN_SHARE = 0.8
/** The window in steps, so that its state stays small. */
const STEP_MS = 60_000
/** Endings counted in one step; beyond, only the total grows. */
const MAX_ENDINGS = 8
const MAX_ENDING_CHARACTERS = 24

const type: AlertType = {
  number: 9,
  alertType: 'IoT_Ransomware',
  displayName: 'Behaviour like ransomware',
  severity: 'High',
  intent: 'Impact',
  description:
    'Files are encrypted or renamed one after the other, or a program that is known for it runs. ' +
    'What is encrypted without its key is lost unless there is a backup.',
  remediationSteps: [
    'Take the device off the network and off shared drives now; every minute costs files.',
    'Do not switch it off if you can avoid it: the key may still be in memory.',
    'Check whether a backup or archive job explains it.',
    'Look at other devices of the same site for the same files and processes.',
    'Restore from a backup made before the first evidence of this alert.',
    HAND_OVER,
  ],
  techniques: ['T1486'],
}

const MEMORY = 'IoT_Ransomware'

/** Mass encryption by commands, or by what it does to the files of watched directories. */
export const ransomware: Rule = {
  type,
  kinds: ['proc', 'file'],
  conditions: [
    ...inLine(
      [['a known family, find, or a program that renames files is called', mayEncrypt]],
      'files that are found are encrypted, or files get an ending of ransomware',
    ),
    ...ofRecord<DetailRecord>(
      ['file'],
      [['a file was modified or moved', (record) => isChange(record)]],
      `${MIN_CHANGED_FILES} files changed within ten minutes, and most share one unusual ending`,
      (_, memory) => `${countSteps(memory)} of ${MIN_CHANGED_FILES} changed files so far`,
    ),
  ],
  evaluate(analysed, memory) {
    const { record } = analysed
    if (record.kind === 'file') return countChange(record as DetailRecord, memory)
    return matchCommand(analysed, (command) => firstClue(command, encrypts))
  },
}

const FAMILIES = [
  ...['wannacry', 'wncry', 'lockbit', 'cryptolocker', 'erebus', 'ransomexx', 'darkside', 'qilin'],
  ...['deadbolt', 'ech0raix', 'qnapcrypt', 'conti_', 'blackcat', 'alphv', 'hellokitty', 'revix'],
  'babuk',
] as const

/** Most programs begin otherwise; every segment comes by here. */
const FIRST_LETTERS: ReadonlySet<string> = new Set(FAMILIES.map((each) => each.slice(0, 1)))

function familyIn(path: string): string | undefined {
  const name = baseName(path)
  if (!FIRST_LETTERS.has(name[0] ?? '')) return undefined
  return FAMILIES.find((each) => name.startsWith(each))
}

function mayEncrypt({ program, path }: Segment): boolean {
  return familyIn(path) !== undefined || program === 'find' || RENAMING.has(program)
}

function isChange(record: DetailRecord): boolean {
  const { isModified, isMoved } = fileFacts(record)
  return isModified || isMoved
}

function countSteps(memory: RuleMemory): number {
  return stepsOf(memory.get(MEMORY)).reduce((sum, { total }) => sum + total, 0)
}

const ENDINGS = [
  ...['.locked', '.encrypted', '.crypted', '.wncry', '.wcry', '.lockbit', '.cryptolocker'],
  ...['.crypt', '.enc0', '.ecrypt', '.deadbolt', '.babyk', '.conti', '.ransom'],
] as const

const RENAMING: ReadonlySet<string> = new Set(['mv', 'cp', 'rename', 'mmv', 'prename'])

function encrypts({ program, path, args }: Segment): Clue | string | undefined {
  const family = familyIn(path)
  if (family !== undefined) return { seen: `${family} is started`, key: family }
  if (program === 'find') return findEncrypts(args) ? 'every file found is encrypted' : undefined
  if (!RENAMING.has(program)) return undefined
  const target = program === 'mv' || program === 'cp' ? (args.at(-1) ?? '') : args.join(' ')
  const ending = ENDINGS.find((each) => hasEnding(target, each, program))
  return ending === undefined ? undefined : { seen: `files are renamed to ${ending}`, key: ending }
}

function hasEnding(target: string, ending: string, program: string): boolean {
  const lower = target.toLowerCase()
  return program === 'mv' || program === 'cp' ? lower.endsWith(ending) : lower.includes(ending)
}

function findEncrypts(args: readonly string[]): boolean {
  const at = args.findIndex((arg) => arg.startsWith('-exec') || arg.startsWith('-ok'))
  if (at < 0) return false
  const run = baseName(args[at + 1] ?? '')
  const rest = args.slice(at + 2)
  if (run === 'openssl') return rest.includes('enc') && !rest.includes('-d')
  if (run === 'gpg' || run === 'gpg2') {
    return rest.some(
      (arg) => arg === '-c' || arg === '--symmetric' || arg === '-e' || arg === '--encrypt',
    )
  }
  return run === 'ccrypt' || run === '7z'
    ? rest.some((arg) => arg.startsWith('-p') || arg === '-e')
    : false
}

/** What files end with every day; sharing one of these says nothing. */
const ORDINARY: ReadonlySet<string> = new Set([
  ...[
    '',
    'log',
    'txt',
    'tmp',
    'swp',
    'bak',
    'old',
    'new',
    'json',
    'csv',
    'xml',
    'html',
    'db',
    'gz',
  ],
  ...['jpg', 'png', 'mp4', 'pdf', 'py', 'pyc', 'js', 'ts', 'so', 'o', 'c', 'h', 'conf', 'dat'],
  ...['sqlite', 'wal', 'md', 'list', 'deb', 'dpkg-new', 'dpkg-tmp', 'cache', 'mo', 'service'],
])

/** One minute: how many files changed, and how often each ending was seen. */
interface Step {
  readonly startMs: number
  readonly total: number
  readonly endings: { readonly [ending: string]: number }
}

function countChange(record: DetailRecord, memory: RuleMemory): Match | undefined {
  const { isModified, isMoved, path } = fileFacts(record)
  if (!isModified && !isMoved) return undefined
  const { timeMs } = record.header
  const startMs = timeMs - (timeMs % STEP_MS)
  const steps = stepsOf(memory.get(MEMORY)).filter((step) => timeMs - step.startMs < WINDOW_MS)
  const current = steps.find((step) => step.startMs === startMs) ?? {
    startMs,
    total: 0,
    endings: {},
  }
  const counted = count(current, endingOf(path))
  const kept = [...steps.filter((step) => step.startMs !== startMs), counted]
    .sort((a, b) => a.startMs - b.startMs)
    .slice(-WINDOW_MS / STEP_MS)
  memory.set(MEMORY, { steps: kept.map((step) => ({ ...step })) })
  const found = spreading(kept)
  if (found === undefined) return undefined
  const directory = path.slice(0, path.lastIndexOf('/'))
  return matchRecord(record, {
    key: found,
    seen: `many files changed and now end with .${found}`,
    detail: path,
    entities: [{ type: 'file', path, directory }],
    properties: { Path: path, Ending: found },
  })
}

function count(step: Step, ending: string): Step {
  const known = Object.hasOwn(step.endings, ending)
  const isCounted =
    !ORDINARY.has(ending) && (known || Object.keys(step.endings).length < MAX_ENDINGS)
  const endings = isCounted
    ? { ...step.endings, [ending]: (step.endings[ending] ?? 0) + 1 }
    : step.endings
  return { ...step, total: step.total + 1, endings }
}

function spreading(steps: readonly Step[]): string | undefined {
  const total = steps.reduce((sum, step) => sum + step.total, 0)
  if (total < MIN_CHANGED_FILES) return undefined
  const sums = new Map<string, number>()
  for (const [ending, times] of steps.flatMap(({ endings }) => Object.entries(endings))) {
    sums.set(ending, (sums.get(ending) ?? 0) + times)
  }
  const [ending, most] = [...sums].sort(([, a], [, b]) => b - a)[0] ?? ['', 0]
  return most >= total * MIN_SHARE ? ending : undefined
}

function endingOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1, dot + 1 + MAX_ENDING_CHARACTERS).toLowerCase()
}

function stepsOf(stored: JsonObject | undefined): readonly Step[] {
  return Array.isArray(stored?.steps) ? (stored.steps as unknown as readonly Step[]) : []
}
