import type { DetailRecord } from '../../ingestion/record.ts'
import { ASK_WHO_RAN_IT, HAND_OVER } from '../advice.ts'
import { isBelow, operandsOf, plainPath } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, firstClue, matchCommand } from '../command-rule.ts'
import { inLine, ofRecord } from '../explain/conditions.ts'
import { fileFacts } from '../file-facts.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Match, Rule } from '../rule.ts'
import { baseName } from '../sets/base-name.ts'

const type: AlertType = {
  number: 33,
  // Spelled as published.
  alertType: 'IoT_RemovelOfSystemLogs',
  displayName: 'Removal of system logs files detected',
  severity: 'Medium',
  intent: 'DefenseEvasion',
  description:
    'Logs of the system or of its logins are deleted, emptied or led into nothing. Intruders do so ' +
    'to hide how they came in; a full disk is the usual harmless reason.',
  remediationSteps: [
    ASK_WHO_RAN_IT,
    'Check whether the disk was full, or a clean-up job or image build did this.',
    'If not, read what this service stored of the hours before: the device has lost it.',
    'Send logs to another machine in future, so that nobody can delete them here.',
    HAND_OVER,
  ],
  techniques: ['T1070.002'],
}

/** Logs removed or emptied, by a command or as events of files. */
export const removalOfSystemLogs: Rule = {
  type,
  kinds: ['proc', 'file'],
  conditions: [
    ...inLine(
      [['a system log or the journal is named', namesLog]],
      'it is destroyed, emptied or led into nothing',
    ),
    ...ofRecord<DetailRecord>(
      ['file'],
      [
        ['a file was deleted', (record) => fileFacts(record).isDeleted],
        ['it is a system log', (record) => isSystemLog(fileFacts(record).path)],
      ],
      'it is none that rotation deletes',
    ),
  ],
  evaluate(analysed) {
    const { record } = analysed
    if (record.kind === 'file') return isDeleted(record as DetailRecord)
    return matchCommand(analysed, (command) => firstClue(command, removes))
  },
}

const LOGIN_LOGS: ReadonlySet<string> = new Set(['wtmp', 'btmp', 'utmp', 'lastlog', 'faillog'])
const LOG_FOLDERS = ['/var/log', '/var/adm'] as const
/** Folders of the system itself; those of other packages go with their package. */
const SYSTEM_FOLDERS: ReadonlySet<string> = new Set(['audit', 'journal', 'apt', 'sssd', 'sa'])
const LOG_NAMES: ReadonlySet<string> = new Set([
  ...[
    'syslog',
    'messages',
    'secure',
    'maillog',
    'cron',
    'kern',
    'dmesg',
    'debug',
    'boot',
    'daemon',
  ],
  ...LOGIN_LOGS,
])
const DESTROYING: ReadonlySet<string> = new Set([
  'rm',
  'shred',
  'unlink',
  'truncate',
  'wipe',
  'srm',
])
const SILENT: ReadonlySet<string> = new Set(['', ':', 'true', 'echo', 'printf'])

function namesLog({ program, args, redirections }: Segment): boolean {
  const isNamed = args.some(isSystemLog) || redirections.some(({ target }) => isSystemLog(target))
  return program === 'journalctl' || isNamed
}

function removes(segment: Segment): Clue | undefined {
  const { program, args } = segment
  if (DESTROYING.has(program)) {
    const path = operandsOf(args).find(isSystemLog)
    return path === undefined ? undefined : { seen: 'system logs are destroyed', key: path }
  }
  if (program === 'journalctl') {
    const isVacuum = args.some((arg) => arg.startsWith('--vacuum-'))
    return isVacuum ? { seen: 'the journal is emptied', key: 'journal' } : undefined
  }
  const last = args.at(-1) ?? ''
  const isReplaced = REPLACING.has(program) && args.at(-2) === '/dev/null' && isSystemLog(last)
  if (isReplaced) return { seen: 'a system log is led into nothing', key: last }
  return emptiesLog(segment)
}

const REPLACING: ReadonlySet<string> = new Set(['ln', 'cp', 'mv', 'dd'])

/** `> log`, `: > log`, `echo > log`, `cat /dev/null > log`; not `date > log`. */
function emptiesLog({ program, args, redirections }: Segment): Clue | undefined {
  const target = redirections.find(
    ({ operator, target }) => operator === '>' && isSystemLog(target),
  )
  if (!target) return undefined
  const isEmpty = SILENT.has(program) && args.every((arg) => arg === '' || arg === '-n')
  const isNull = program === 'cat' && args[0] === '/dev/null'
  return isEmpty || isNull ? { seen: 'a system log is emptied', key: target.target } : undefined
}

function isSystemLog(path: string): boolean {
  const folder = LOG_FOLDERS.find((each) => isBelow(path, each))
  if (folder === undefined) {
    return (
      LOGIN_LOGS.has(baseName(path)) && (path.startsWith('/var/run') || path.startsWith('/run'))
    )
  }
  const rest = plainPath(path).slice(folder.length + 1)
  const parts = rest.split('/')
  const [first = ''] = parts
  if (rest === '' || first.startsWith('*')) return true
  if (SYSTEM_FOLDERS.has(first)) return true
  const stem = first.split('.')[0] ?? ''
  if (LOG_NAMES.has(stem)) return true
  // A log of any service, but not a package's whole folder, which goes when the package goes.
  return (
    first.includes('.log') || parts.slice(1).some((part) => part.includes('.log') || part === '*')
  )
}

function isDeleted(record: DetailRecord): Match | undefined {
  const { path, isDeleted } = fileFacts(record)
  if (!isDeleted || !isSystemLog(path) || ROTATED.test(path)) return undefined
  return matchRecord(record, {
    key: path,
    seen: 'a system log was deleted',
    detail: path,
    entities: [{ type: 'file', path }],
    properties: { Path: path },
  })
}

/** `syslog.7.gz`, `auth.log.4`, `messages-20260101`: rotation deletes the oldest. */
const ROTATED = /(\.[0-9]{1,3}|-[0-9]{8})(\.(gz|xz|bz2|zst))?$/
