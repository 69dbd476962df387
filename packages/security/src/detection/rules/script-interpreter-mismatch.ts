import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { SHELLS } from '../sets/shells.ts'

const type: AlertType = {
  number: 29,
  alertType: 'IoT_ScriptInterpreterMismatch',
  displayName: 'Mismatch between script interpreter and file extension',
  severity: 'Medium',
  intent: 'DefenseEvasion',
  description:
    'An interpreter runs a file that, by its name, is a script of another language, a picture or ' +
    'a document. Droppers name their scripts so that nobody looks at them.',
  remediationSteps: [
    'Look into the file: is it what its name says?',
    ASK_WHO_RAN_IT,
    'If it is a disguised script, keep a copy and its hash, and see what it started.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1036.008'],
}

/** `python a.sh`, `sh picture.jpg`. */
export const scriptInterpreterMismatch: Rule = segmentRule(
  type,
  (segment) => {
    const language = languageOf(segment.program)
    if (language === undefined) return undefined
    return mismatch(segment, language)
  },
  inLine(
    [
      ['an interpreter is called', ({ program }) => languageOf(program) !== undefined],
      ['it is given a file', ({ args }) => args.some((arg) => arg[0] !== '-' && arg[0] !== '+')],
    ],
    'the file is the program, and its ending is one of another language or of a document',
  ),
)

type Language = 'shell' | 'python' | 'perl' | 'php' | 'ruby' | 'node' | 'lua'

const INTERPRETERS: readonly (readonly [string, Language])[] = [
  ['python', 'python'],
  ['pypy', 'python'],
  ['perl', 'perl'],
  ['php', 'php'],
  ['ruby', 'ruby'],
  ['node', 'node'],
  ['lua', 'lua'],
]

function languageOf(program: string): Language | undefined {
  if (SHELLS.has(program)) return 'shell'
  const found = INTERPRETERS.find(([name]) => program.startsWith(name))
  if (!found) return undefined
  const [name, language] = found
  for (const character of program.slice(name.length)) {
    if (!'0123456789.-js'.includes(character)) return undefined
  }
  return language
}

const EXTENSIONS: ReadonlyMap<string, Language> = new Map([
  ['sh', 'shell'],
  ['bash', 'shell'],
  ['zsh', 'shell'],
  ['ksh', 'shell'],
  ['py', 'python'],
  ['pl', 'perl'],
  ['php', 'php'],
  ['rb', 'ruby'],
  ['js', 'node'],
  ['lua', 'lua'],
])
const DOCUMENTS: ReadonlySet<string> = new Set([
  ...['jpg', 'jpeg', 'png', 'gif', 'bmp', 'svg', 'ico', 'txt', 'log', 'pdf', 'css', 'doc', 'docx'],
  ...['mp3', 'mp4', 'xml', 'html', 'htm', 'csv'],
])

/** With these the program text is on the command line or comes from a module or a pipe. */
const PROGRAM_LETTERS = 'cmers'

function mismatch({ program, args }: Segment, language: Language): Clue | undefined {
  const at = args.findIndex((arg) => arg[0] !== '-' && arg[0] !== '+')
  const options = at < 0 ? args : args.slice(0, at)
  if (at < 0 || options.some(takesProgram)) return undefined
  const file = args[at] ?? ''
  const name = file.slice(file.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  if (dot < 1) return undefined
  const extension = name.slice(dot + 1).toLowerCase()
  const owner = EXTENSIONS.get(extension)
  const isForeign = owner !== undefined && owner !== language
  if (!isForeign && !DOCUMENTS.has(extension)) return undefined
  return { seen: `${program} runs a file that is called .${extension}` }
}

function takesProgram(option: string): boolean {
  if (option[1] === '-') return option === '--eval' || option === '--print' || option === '--check'
  return [...PROGRAM_LETTERS].some((letter) => option.toLowerCase().includes(letter))
}
