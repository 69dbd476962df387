import type { Command, Segment } from '../command/command.ts'
import { type Clue, commandRule } from '../command-rule.ts'
import { countHexEscapes, decodeEscapes } from '../escapes.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { outputsOf } from '../sets/outputs.ts'
import { SHELLS } from '../sets/shells.ts'
import { isTemporary } from '../sets/temporary-paths.ts'

/** So many `\xHH` written at once are a program and no longer an accent or a colour. */
const MIN_HEX_ESCAPES = 16

/** The first bytes of every Linux program: DEL, then `ELF`; droppers write them in small pieces. */
const ELF_HEAD = '\x7fE'
const ELF_HEAD_BASE64 = 'f0VMRg'

const type: AlertType = {
  number: 1,
  alertType: 'IoT_BinaryCommandLine',
  displayName: 'Binary command line',
  severity: 'High',
  intent: 'Execution',
  description:
    'A command line on the device builds a program out of text: escaped bytes, an ELF header or ' +
    'decoded base64. Malware is often brought in this way, because it needs no download.',
  remediationSteps: [
    'Read the command line: which file does it write, or into which program does it pipe?',
    'Ask whoever runs this device or deployed to it whether they ran it. An installer that ' +
      'unpacks itself is the usual harmless cause.',
    'If nobody did, disconnect the device from the network, but keep it powered so that its ' +
      'memory stays.',
    'Take a copy and a hash of the written file, and look for processes, cron entries and ' +
      'services that start it.',
    'Look at the logins and processes of the hour before to find how the command got in, ' +
      'and hand over to your security team.',
  ],
  techniques: ['T1059.004', 'T1140'],
}

/** Programs written byte by byte, or unpacked from text into a temporary directory. */
export const binaryCommandLine: Rule = commandRule(
  type,
  ({ segments }) => buildsProgram(segments),
  inLine(
    [['echo, printf, a here-string or a decoder takes part', mayWriteBytes]],
    'they make a program: its head, many escaped bytes stored or piped, or text unpacked to run',
  ),
)

function mayWriteBytes(segment: Segment): boolean {
  const { program, redirections } = segment
  const isHereString = redirections.some(({ operator }) => operator === '<<<')
  return program === 'echo' || program === 'printf' || isHereString || isDecoder(segment)
}

function buildsProgram(segments: Segments): Clue | undefined {
  // The decoder whose output flows through the pipeline at this place.
  let decoder: string | undefined
  for (const [at, segment] of segments.entries()) {
    const clue = writesBytes(segments, at, segment)
    if (clue) return clue
    if (segment.connective !== '|') decoder = undefined
    if (decoder !== undefined && SHELLS.has(segment.program)) {
      return { seen: `a shell runs what ${decoder} unpacks` }
    }
    if (isDecoder(segment)) decoder ??= segment.program
    if (decoder !== undefined && writesTemporary(segment)) {
      return { seen: `${decoder} unpacks text into a temporary directory` }
    }
  }
  return undefined
}

type Segments = Command['segments']

function writesBytes(segments: Segments, at: number, segment: Segment): Clue | undefined {
  const { program, source, redirections } = segment
  const isHereString = redirections.some(({ operator }) => operator === '<<<')
  if (program !== 'echo' && program !== 'printf') {
    return isHereString && source.includes(ELF_HEAD_BASE64)
      ? { seen: 'the head of a Linux program in base64' }
      : undefined
  }
  if (source.includes(ELF_HEAD_BASE64)) return { seen: 'the head of a Linux program in base64' }
  if (decodeEscapes(source).includes(ELF_HEAD)) {
    return { seen: `${program} writes the head of a Linux program` }
  }
  const isPiped = segments[at + 1]?.connective === '|'
  const isStored = outputsOf(segment).some((output) => !isTerminal(output))
  if ((isPiped || isStored) && countHexEscapes(source) >= MIN_HEX_ESCAPES) {
    return { seen: `${program} writes many bytes as escapes` }
  }
  return undefined
}

/** Serial lines get binary frames as a matter of course. */
function isTerminal(path: string): boolean {
  return path.startsWith('/dev/tty') || path === '/dev/null'
}

function writesTemporary(segment: Segment): boolean {
  return outputsOf(segment).some((output) => isTemporary(output, segment.directory))
}

function isDecoder({ program, args }: Segment): boolean {
  if (program === 'uudecode') return true
  if (program === 'xxd') return args.some((arg) => arg[0] === '-' && arg.includes('r'))
  if (program === 'openssl') {
    const isBase64 = args.some((arg) => arg === 'base64' || arg === '-base64' || arg === '-a')
    return isBase64 && args.includes('-d')
  }
  if (program !== 'base64' && program !== 'base32') return false
  return args.some((arg) => arg.startsWith('--d') || isDecodeCluster(arg))
}

/** `-d`, `-D`, `-di` */
function isDecodeCluster(arg: string): boolean {
  return arg[0] === '-' && arg[1] !== '-' && arg.toLowerCase().includes('d')
}
