import type { DetailRecord } from '../../ingestion/record.ts'
import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { operandsOf, plainPath } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { firstClue, matchCommand } from '../command-rule.ts'
import { inLine, ofRecord } from '../explain/conditions.ts'
import { fileFacts } from '../file-facts.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Match, Rule } from '../rule.ts'
import { outputsOf } from '../sets/outputs.ts'

const type: AlertType = {
  number: 41,
  alertType: 'IoT_OverridingCommonFiles',
  displayName: 'Potential overriding of common files',
  severity: 'Medium',
  intent: 'Persistence',
  description:
    'A program of the system, such as `ps`, `ssh` or `login`, is replaced by another file. ' +
    'Rootkits do so to hide themselves or to learn passwords; updates do so through the package ' +
    'manager.',
  remediationSteps: [
    'Compare the program with its package (`dpkg -V`, `rpm -V`, or a device of the same kind).',
    ASK_WHO_RAN_IT,
    'If it differs and nobody knows why, do not trust what this device says about itself any more.',
    FIND_THE_WAY_IN,
    'Set the device up again from a known image.',
    HAND_OVER,
  ],
  techniques: ['T1554', 'T1036.005'],
}

/** A system program overwritten by a command, or changed as an event of files says. */
export const overridingCommonFiles: Rule = {
  type,
  kinds: ['proc', 'file'],
  conditions: [
    ...inLine(
      [['a program of the system stands where something is written', namesCommon]],
      'it is written or replaced',
    ),
    ...ofRecord<DetailRecord>(
      ['file'],
      [['the file is a program of the system', (record) => isCommon(fileFacts(record).path)]],
      'it was modified in place, and not moved there as packages do',
    ),
  ],
  evaluate(analysed) {
    const { record } = analysed
    if (record.kind === 'file') return isChanged(record as DetailRecord)
    return matchCommand(analysed, (command) => firstClue(command, overrides))
  },
}

const COMMON: ReadonlySet<string> = new Set([
  ...[
    'ls',
    'ps',
    'top',
    'netstat',
    'ss',
    'ifconfig',
    'ip',
    'ssh',
    'sshd',
    'login',
    'passwd',
    'sudo',
  ],
  ...['su', 'bash', 'dash', 'sh', 'find', 'lsof', 'crontab', 'wget', 'curl', 'who', 'w', 'last'],
  ...['kill', 'df', 'du', 'id'],
])
const FOLDERS: ReadonlySet<string> = new Set([
  ...['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'],
])
const COPYING: ReadonlySet<string> = new Set(['mv', 'cp', 'install', 'ln'])

function namesCommon(segment: Segment): boolean {
  return isCommon(segment.args.at(-1) ?? '') || outputsOf(segment).some(isCommon)
}

function overrides(segment: Segment) {
  const { program, args, writes } = segment
  // `wget -O` and `curl -o` write; with other programs these letters mean something else.
  const outputs = WRITING.has(program) ? outputsOf(segment) : writes
  const isCopied = COPYING.has(program) && operandsOf(args).length > 1
  const last = isCopied && isCommon(args.at(-1) ?? '') ? args.at(-1) : undefined
  const path = last ?? outputs.find(isCommon)
  return path === undefined ? undefined : { seen: `${path} is overwritten`, key: path }
}

const WRITING: ReadonlySet<string> = new Set(['wget', 'curl', 'tee', 'dd', 'gcc', 'cc', 'openssl'])

function isCommon(path: string): boolean {
  if (path[0] !== '/') return false
  const plain = plainPath(path)
  const slash = plain.lastIndexOf('/')
  return COMMON.has(plain.slice(slash + 1)) && FOLDERS.has(plain.slice(0, slash))
}

/** Moved files are how package managers replace programs, so only writing in place counts. */
function isChanged(record: DetailRecord): Match | undefined {
  const { path, isModified, isMoved } = fileFacts(record)
  if (!isModified || isMoved || !isCommon(path)) return undefined
  return matchRecord(record, {
    key: path,
    seen: 'a program of the system was changed in place',
    detail: path,
    entities: [{ type: 'file', path }],
    properties: { Path: path },
  })
}
