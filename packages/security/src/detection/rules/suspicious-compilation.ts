import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { operandsOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { baseName } from '../sets/base-name.ts'
import { isTemporary } from '../sets/temporary-paths.ts'

const type: AlertType = {
  number: 36,
  alertType: 'IoT_SuspiciousCompilation',
  displayName: 'Suspicious compilation detected',
  severity: 'Medium',
  intent: 'PrivilegeEscalation',
  description:
    'A program is compiled in a temporary directory, or from a source with the name of a known ' +
    'exploit. Intruders compile on the device what is to make them root.',
  remediationSteps: [
    'Look at the source: what is it, and who brought it?',
    ASK_WHO_RAN_IT,
    'If nobody did, keep a copy of source and program, and check whether the program ran.',
    FIND_THE_WAY_IN,
    'Install pending updates of the kernel and of programs that run as root, and remove the ' +
      'compiler if the device does not need it.',
    HAND_OVER,
  ],
  techniques: ['T1027.004', 'T1068'],
}

const anyCompilation: Rule = segmentRule(type, ({ program, args, directory }) => {
  const isHere = directory !== '' && isTemporary('.', directory)
  if (program === 'make' || program === 'gmake') {
    const folders = args.flatMap((arg, at) => (args[at - 1] === '-C' ? [arg] : []))
    const isFar = folders.some((folder) => isTemporary(folder))
    return isHere || isFar ? 'make runs in a temporary directory' : undefined
  }
  if (!isCompiler(program) || args.some((arg) => ASKING.has(arg))) return undefined
  const files = operandsOf(args)
  if (files.some(isExploit)) return 'a source with the name of an exploit is compiled'
  const isInside = files.some((file) => file.startsWith('/') && isTemporary(file))
  return isHere || isInside ? 'a program is compiled in a temporary directory' : undefined
})

/**
 * A compiler at work on files of a temporary directory, or on an exploit by its name; not of a user
 * who builds, as the security group says.
 */
export const suspiciousCompilation: Rule = {
  ...anyCompilation,
  conditions: inLine(
    [
      ['a compiler or make is called', ({ program }) => isBuilder(program)],
      ['it is not asked for its version', ({ program, args }) => builds(program, args)],
    ],
    'it works in or on a temporary directory, or on an exploit by its name, and not for a user who builds',
  ),
  evaluate(analysed, memory, group) {
    const { record } = analysed
    const isBuilding = (user: string) => user !== '' && group.buildUsers.includes(user)
    if (record.kind === 'proc' && (isBuilding(record.user) || isBuilding(record.uid))) {
      return undefined
    }
    return anyCompilation.evaluate(analysed, memory, group)
  },
}

function isBuilder(program: string): boolean {
  return program === 'make' || program === 'gmake' || isCompiler(program)
}

function builds(program: string, args: readonly string[]): boolean {
  return program === 'make' || program === 'gmake' || !args.some((arg) => ASKING.has(arg))
}

const COMPILERS: ReadonlySet<string> = new Set([
  'gcc',
  'g++',
  'cc',
  'c++',
  'clang',
  'clang++',
  'tcc',
])
const ASKING: ReadonlySet<string> = new Set([
  '--version',
  '-dumpversion',
  '-dumpmachine',
  '-v',
  '--help',
])

/** `gcc`, `gcc-12`, `arm-linux-gnueabihf-gcc` */
function isCompiler(program: Segment['program']): boolean {
  if (COMPILERS.has(program)) return true
  const version = program.lastIndexOf('-')
  if (version < 0) return false
  const last = program.slice(version + 1)
  const isVersion = /^[0-9.]{1,6}$/.test(last)
  const bare = isVersion ? program.slice(0, version) : last
  return COMPILERS.has(bare) || (isVersion && isCompiler(bare))
}

const EXPLOITS = [
  ...[
    'dirtycow',
    'dirty_cow',
    'dirtypipe',
    'pwnkit',
    'cve-',
    'cve_',
    'exploit',
    'privesc',
    'rootkit',
  ],
  ...['overlayfs_', 'sudo_inject', 'baron', 'looney', 'dirtyc0w', 'cowroot', 'mempodipper'],
] as const

function isExploit(file: string): boolean {
  const name = baseName(file)
  const isSource = name.endsWith('.c') || name.endsWith('.cpp') || name.endsWith('.cc')
  return isSource && EXPLOITS.some((exploit) => name.startsWith(exploit))
}
