import type { JsonObject } from '@twinward/protocol'
import type { ProcessRecord } from '../../ingestion/record.ts'
import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { operandsOf } from '../command/arguments.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, matchCommand } from '../command-rule.ts'
import { ofLine } from '../explain/conditions.ts'
import type { AlertType, Rule, RuleMemory } from '../rule.ts'
import { DOWNLOADERS, downloadsTo, isSameFile } from '../sets/downloads.ts'
import { SHELLS } from '../sets/shells.ts'

/** How long after a download its execution still belongs to it. */
export const WINDOW_MS = 24 * 3_600_000
/** Downloads remembered of one device; beyond, the oldest is forgotten. */
export const MAX_DOWNLOADS = 32
const MAX_PATH_CHARACTERS = 200

const type: AlertType = {
  number: 30,
  alertType: 'IoT_LinuxBackdoor',
  displayName: 'Possible backdoor detected',
  severity: 'Medium',
  intent: 'Persistence',
  description:
    'A file that was fetched from the network some time ago is now run by another command. ' +
    'Backdoors are brought and started in two steps, so that neither draws attention.',
  remediationSteps: [
    'Find the download in the raw events: where did the file come from?',
    ASK_WHO_RAN_IT,
    'If nobody did, stop the program, keep a copy of the file and its hash.',
    'Look for what starts it again: cron, systemd units, start scripts.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1105', 'T1204.002'],
}

const MEMORY = 'IoT_LinuxBackdoor'

interface Download {
  readonly path: string
  readonly timeMs: number
}

/** A downloaded file run by a later command of the same device. */
export const linuxBackdoor: Rule = {
  type,
  kinds: ['proc'],
  conditions: ofLine(
    [['a downloaded file is remembered', (_, __, memory) => remembered(memory).length > 0]],
    'this command runs one of them, at most a day after its download',
    (_, __, memory) => `remembered: ${remembered(memory).join(', ') || 'nothing'}`,
  ),
  evaluate(analysed, memory) {
    return matchCommand(analysed, (command, record) => {
      const ran = runsDownload(command, record, memory)
      remember(command, record, memory)
      return ran
    })
  },
}

function remember({ segments }: Command, record: ProcessRecord, memory: RuleMemory): void {
  const paths = segments.filter(({ program }) => DOWNLOADERS.has(program)).flatMap(downloadsTo)
  const usable = paths.filter((path) => path.length <= MAX_PATH_CHARACTERS && isFile(path))
  if (usable.length === 0) return
  const timeMs = record.windowStartMs ?? record.header.timeMs
  const fresh = usable.map((path) => ({ path, timeMs }))
  const others = downloadsOf(memory.get(MEMORY)).filter(({ path }) => !usable.includes(path))
  const kept = [...others, ...fresh].slice(-MAX_DOWNLOADS)
  memory.set(MEMORY, { downloads: kept.map((download) => ({ ...download })) })
}

function remembered(memory: RuleMemory): readonly string[] {
  return downloadsOf(memory.get(MEMORY)).map(({ path }) => path)
}

function isFile(path: string): boolean {
  const isDevice = path.startsWith('/dev/') && !path.startsWith('/dev/shm/')
  return !isDevice && !path.includes('$')
}

function runsDownload(
  command: Command,
  record: ProcessRecord,
  memory: RuleMemory,
): Clue | undefined {
  const downloads = downloadsOf(memory.get(MEMORY))
  if (downloads.length === 0) return undefined
  // Which of an aggregate's runs it was is not known; the last may have been.
  const timeMs = record.windowEndMs ?? record.header.timeMs
  const near = downloads.filter(
    (each) => timeMs >= each.timeMs && timeMs - each.timeMs <= WINDOW_MS,
  )
  if (near.length === 0) return undefined
  const started = [record.exe, ...command.segments.flatMap(startedBy)].filter(isForeign)
  const found = near.find(({ path }) => started.some((file) => isSameFile(path, file)))
  return found && { seen: `the downloaded file ${found.path} is run`, key: found.path }
}

/** The program, and the script of a shell. */
function startedBy({ program, path, args }: Segment): readonly string[] {
  const isShell = SHELLS.has(program) || program.startsWith('python') || program === 'perl'
  const script = isShell && !args.some((arg) => arg === '-c' || arg === '-m' || arg === '-e')
  const files = script ? operandsOf(args).slice(0, 1) : []
  return path.includes('/') ? [path, ...files] : files
}

const SYSTEM = ['/usr/bin/', '/usr/sbin/', '/bin/', '/sbin/', '/usr/lib/', '/lib/'] as const

/** What lies where packages install it was not downloaded by hand just now. */
function isForeign(file: string): boolean {
  return file !== '' && !SYSTEM.some((folder) => file.startsWith(folder))
}

function downloadsOf(stored: JsonObject | undefined): readonly Download[] {
  return Array.isArray(stored?.downloads) ? (stored.downloads as unknown as Download[]) : []
}
