import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { operandsOf } from '../command/arguments.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, commandRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { DOWNLOADERS, downloadsTo, isSameFile } from '../sets/downloads.ts'
import { SHELLS } from '../sets/shells.ts'
import { isTemporary } from '../sets/temporary-paths.ts'

/** Files of downloads that are looked for again in the rest of a line. */
const MAX_FILES = 16

const type: AlertType = {
  number: 37,
  alertType: 'IoT_DownloadFileThenRun',
  displayName: 'Detected file download followed by file run in the same command',
  severity: 'Medium',
  intent: 'Execution',
  description:
    'One command fetches something from the network and runs it at once. Most attacks on devices ' +
    'begin with this line; careless installation instructions look the same.',
  remediationSteps: [
    'Read the address: whose is it, and what does it deliver? Do not open it on a work machine.',
    ASK_WHO_RAN_IT,
    'If nobody did, take the device off the network and look for what the program left behind: ' +
      'cron entries, services, keys, accounts.',
    FIND_THE_WAY_IN,
    'Search the other devices for the same address and block it.',
    HAND_OVER,
  ],
  techniques: ['T1105', 'T1059.004'],
}

/** `curl u | sh`, `sh -c "$(curl u)"`, `wget u -O x; chmod +x x; ./x` */
export const downloadFileThenRun: Rule = commandRule(
  type,
  ({ segments }) => fetchesAndRuns(segments),
  inLine(
    [['a downloader is called', ({ program }) => DOWNLOADERS.has(program)]],
    'what it fetches is run in the same line: by a shell or interpreter, or as a file',
  ),
)

function fetchesAndRuns(segments: Command['segments']): Clue | undefined {
  const files: string[] = []
  let isFlowing = false
  let isDownloaded = false
  for (const [at, segment] of segments.entries()) {
    const { program, connective } = segment
    if (connective !== '|') isFlowing = false
    if (isFlowing && readsProgram(segment)) return ran(`${program} runs what is downloaded`)
    if (DOWNLOADERS.has(program)) {
      isFlowing = true
      isDownloaded = true
      if (segment.substituted && isInsideShell(segments, at))
        return ran('a shell runs what is downloaded')
      for (const file of downloadsTo(segment)) if (files.length < MAX_FILES) files.push(file)
    } else if (isDownloaded && runsFile(segment, files)) {
      return ran('a downloaded file is run in the same line')
    }
  }
  return undefined
}

function ran(seen: string): Clue {
  return { seen }
}

const INTERPRETERS = ['python', 'perl', 'php', 'ruby', 'node', 'lua'] as const

function isInterpreter(program: string): boolean {
  return SHELLS.has(program) || INTERPRETERS.some((name) => program.startsWith(name))
}

/** A shell or interpreter that takes its program from a pipe. */
function readsProgram({ program, args }: Segment): boolean {
  if (!isInterpreter(program)) return false
  if (SHELLS.has(program)) return !args.some((arg) => arg.startsWith('-c'))
  // `python3 -m json.tool` and `perl -ne` read data.
  return args.every((arg) => arg === '-' || arg === '-u')
}

const EVALUATING: ReadonlySet<string> = new Set(['eval', 'source', '.'])

/** Whether the segment before, or around, the substitution at this place hands it to a shell. */
function isInsideShell(segments: readonly Segment[], at: number): boolean {
  // The segment that holds a substitution stands beside it, before or behind.
  return segments.slice(Math.max(at - 3, 0), at + 3).some((segment, place) => {
    const { program, args, path } = segment
    const isOther = Math.max(at - 3, 0) + place !== at
    if (!isOther) return false
    if (EVALUATING.has(program)) return [...args].some(isSubstitution)
    if (isSubstitution(path)) return true
    if (!isInterpreter(program)) return false
    return args.some((arg, index) => isSubstitution(arg) && isProgram(args[index - 1]))
  })
}

/** A substitution is what the shell runs when it follows `-c`, or is the file itself (`bash <(…)`). */
function isProgram(before: string | undefined): boolean {
  return before === undefined || (before[0] === '-' && before.includes('c'))
}

function isSubstitution(text: string): boolean {
  return text.startsWith('$()') || text.startsWith('<()') || text === '``'
}

function runsFile({ program, path, args, directory }: Segment, files: readonly string[]): boolean {
  if (path.startsWith('./')) return true
  if (path.startsWith('/') && isTemporary(path)) return true
  if (path.includes('/') && files.some((file) => isSameFile(file, path))) return true
  if (!isInterpreter(program) && program !== '.' && program !== 'source') return false
  const [file = ''] = operandsOf(args)
  if (file === '' || args.some((arg) => arg.startsWith('-c') || arg === '-m')) return false
  return isTemporary(file, directory) || files.some((each) => isSameFile(each, file))
}
