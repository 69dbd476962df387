/** What a command is told. */
export const ARGUMENTS = [
  'path',
  'regex',
  'filter',
  'key',
  'expect',
  'value',
  'service',
  'packagename',
] as const
export type Argument = (typeof ARGUMENTS)[number]

interface CommandForm {
  readonly needs: readonly Argument[]
  readonly takes?: readonly Argument[]
}

const LINES: CommandForm = { needs: ['path', 'regex'] }
const STATS: CommandForm = { needs: ['path', 'expect'] }
const PATH: CommandForm = { needs: ['path'] }
const SERVICE: CommandForm = { needs: ['service'] }
const PACKAGE: CommandForm = { needs: ['packagename'] }
const NOTHING: CommandForm = { needs: [] }

/** Every command of the format (security 06 §3) with its arguments. */
export const CHECK_COMMANDS = {
  CheckMatchingLines: LINES,
  CheckMatchingLinesIfExists: LINES,
  CheckMatchingLinesInDir: LINES,
  CheckMatchingLinesInFiles: { needs: ['path', 'regex'], takes: ['filter'] },
  CheckMatchingLinesSection: { needs: ['path', 'key', 'expect', 'regex'] },
  CheckNoMatchingLines: { needs: ['path', 'regex'], takes: ['filter'] },
  CheckNoMatchingLinesIfExists: LINES,
  CheckFileExists: PATH,
  CheckFileStats: STATS,
  CheckFileStatsIfExists: STATS,
  CheckServiceDisabled: SERVICE,
  CheckServiceEnabled: SERVICE,
  CheckServiceStatus: { needs: ['service', 'expect'] },
  CheckPackageNotInstalled: PACKAGE,
  CheckPackageInstalledRegexp: PACKAGE,
  CheckPackageNotInstalledRegexp: PACKAGE,
  CheckNoPromiscInterfaces: NOTHING,
  CheckNoWirelessInterfaces: NOTHING,
  CheckShadowDate: { needs: ['key', 'expect', 'value', 'path'] },
  CheckSystemAccounts: NOTHING,
  CheckRootUID: PATH,
  VerifyKernelSource: { needs: ['regex'] },
} as const satisfies { readonly [command: string]: CommandForm }

export type CheckCommand = keyof typeof CHECK_COMMANDS
export const COMMAND_NAMES = Object.keys(CHECK_COMMANDS) as readonly CheckCommand[]

export function commandForm(command: CheckCommand): CommandForm {
  return CHECK_COMMANDS[command]
}

/** Arguments that are patterns, by command. */
export function patternsOf(command: CheckCommand): readonly Argument[] {
  return command.endsWith('Regexp') ? ['packagename'] : ['regex', 'filter']
}

const MAX_PATH_CHARACTERS = 1_024
const NAMES = /^[A-Za-z0-9@._+:-]{1,128}(?:\s*,\s*[A-Za-z0-9@._+:-]{1,128}){0,49}$/
const STAT = /^[A-Za-z0-9._-]{1,64} +[A-Za-z0-9._-]{1,64} +[0-7]{3,4}$/

/** What is wrong with an argument that is no pattern; `undefined` when nothing is. Pure. */
export function argumentFault(
  command: CheckCommand,
  argument: Argument,
  value: string,
): string | undefined {
  if (argument === 'path') return pathFault(command, value)
  if (argument === 'service' || (argument === 'packagename' && !command.endsWith('Regexp'))) {
    return NAMES.test(value) ? undefined : 'must be a name, or names with commas'
  }
  if (argument !== 'expect' && argument !== 'value') return undefined
  if (command.startsWith('CheckFileStats')) {
    return STAT.test(value) ? undefined : 'must be owner, group and mode: root root 644'
  }
  if (command === 'CheckServiceStatus' && value !== 'running') return 'must be running'
  if (command === 'CheckShadowDate') {
    const wanted = argument === 'expect' ? 'before' : 'now'
    return value === wanted ? undefined : `must be ${wanted}`
  }
  return undefined
}

function pathFault(command: CheckCommand, value: string): string | undefined {
  const paths = command === 'CheckMatchingLinesInFiles' ? value.split('|') : [value]
  const isGood = (path: string) =>
    path.startsWith('/') &&
    path.length <= MAX_PATH_CHARACTERS &&
    !path.split('/').includes('..') &&
    !/\p{Cc}/u.test(path)
  return paths.every(isGood) ? undefined : 'must be an absolute path without ".."'
}
