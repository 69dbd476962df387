import type { DetailRecord } from '../../ingestion/record.ts'
import { ASK_WHO_RAN_IT, HAND_OVER } from '../advice.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, firstClue, matchCommand } from '../command-rule.ts'
import { inLine, ofRecord } from '../explain/conditions.ts'
import { fileFacts } from '../file-facts.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Match, Rule } from '../rule.ts'

const type: AlertType = {
  number: 26,
  alertType: 'IoT_AccessingHtaccessFile',
  displayName: 'Access of htaccess file detected',
  severity: 'Medium',
  intent: 'Persistence',
  description:
    'The file is touched by which a directory of the web server gets its own rules. Changed, it ' +
    'can send visitors elsewhere, open protected pages or make pictures run as programs.',
  remediationSteps: [
    'Compare the file with the version that was deployed.',
    ASK_WHO_RAN_IT,
    'If nobody did, put the old file back, and look for new scripts in the same directory.',
    'Read the access log of the web server for requests to what the change opened.',
    HAND_OVER,
  ],
  techniques: ['T1505.003', 'T1562.001'],
}

/** A command that touches `.htaccess`, or an event of the file itself. */
export const accessingHtaccessFile: Rule = {
  type,
  kinds: ['proc', 'file'],
  conditions: [
    ...inLine(
      [['.htaccess is named', names]],
      'the command does more than look whether it is there',
    ),
    ...ofRecord<DetailRecord>(
      ['file'],
      [['the file is .htaccess', (record) => isHtaccess(fileFacts(record).path)]],
      'it was created or modified',
    ),
  ],
  evaluate(analysed) {
    const { record } = analysed
    if (record.kind === 'file') return isChanged(record as DetailRecord)
    return matchCommand(analysed, (command) => firstClue(command, touches))
  },
}

/** They look whether it is there, and leave it as it is. */
const LOOKING: ReadonlySet<string> = new Set([
  'ls',
  'stat',
  'find',
  'test',
  '[',
  '[[',
  'echo',
  'grep',
])

function names({ args, redirections }: Segment): boolean {
  return args.some(isHtaccess) || redirections.some(({ target }) => isHtaccess(target))
}

function touches({ program, args, redirections }: Segment): Clue | undefined {
  const written = redirections.find(({ target }) => isHtaccess(target))?.target
  const named = LOOKING.has(program) ? undefined : args.find(isHtaccess)
  const path = written ?? named
  return path === undefined ? undefined : { seen: '.htaccess is touched', key: path }
}

function isHtaccess(path: string): boolean {
  return path === '.htaccess' || path.endsWith('/.htaccess') || path === 'of=.htaccess'
}

function isChanged(record: DetailRecord): Match | undefined {
  const { path, isCreated, isModified } = fileFacts(record)
  if (!isHtaccess(path) || !(isCreated || isModified)) return undefined
  return matchRecord(record, {
    key: path,
    seen: '.htaccess was changed',
    detail: path,
    entities: [{ type: 'file', path }],
    properties: { Path: path },
  })
}
