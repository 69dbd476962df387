import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { operandsOf, valuesOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 22,
  alertType: 'IoT_SuspiciousUseradd',
  displayName: 'Suspicious useradd',
  severity: 'Medium',
  intent: 'Persistence',
  description:
    'An account is created or changed so that it can act as root, or with its password on the ' +
    'command line. Intruders keep such accounts as a way back.',
  remediationSteps: [
    'Find out who the account is for, and whether it needs these rights.',
    ASK_WHO_RAN_IT,
    'If nobody did, lock the account, end its sessions and remove its keys and cron entries.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1136.001', 'T1098'],
}

const privilegedAccount: Rule = segmentRule(type, (segment) => {
  const { program, args } = segment
  if (!CHANGING.has(program)) return undefined
  if (program !== 'gpasswd' && valuesOf(args, 'u', '--uid').includes('0')) {
    return 'an account with the rights of root is made'
  }
  const group = groupsOf(segment).find((each) => PRIVILEGED.has(each))
  if (group !== undefined) return `an account joins ${group}`
  if (program !== 'useradd') return undefined
  const [password = ''] = valuesOf(args, 'p', '--password')
  return password === '' || LOCKED.has(password)
    ? undefined
    : 'an account gets a password in the open'
})

const newAccount: Rule = segmentRule(type, ({ program, args }) => {
  if (!CREATING.has(program) || args.some((arg) => ASKING.has(arg))) return undefined
  return 'an account is made where none is expected'
})

/**
 * Accounts made root, members of an administrators' group, or given a password in the open; every
 * new account where the security group expects none.
 */
export const suspiciousUseradd: Rule = {
  ...privilegedAccount,
  conditions: inLine(
    [['an account is made or changed', isChanging]],
    'it gets the rights of root, joins a group of administrators, has its password in the open, or no new account is expected',
  ),
  evaluate(analysed, memory, group) {
    const match = privilegedAccount.evaluate(analysed, memory, group)
    if (match || group.userChangesExpected) return match
    return newAccount.evaluate(analysed, memory, group)
  },
}

function isChanging({ program }: Segment): boolean {
  return CHANGING.has(program) || CREATING.has(program)
}

const CREATING: ReadonlySet<string> = new Set(['useradd', 'adduser', 'newusers'])
const ASKING: ReadonlySet<string> = new Set(['--help', '-h', '--version', '-D', '--defaults'])

const CHANGING: ReadonlySet<string> = new Set([
  'useradd',
  'adduser',
  'usermod',
  'gpasswd',
  'addgroup',
])
const PRIVILEGED: ReadonlySet<string> = new Set([
  ...['sudo', 'wheel', 'root', 'docker', 'admin', 'adm', 'lxd', 'shadow', 'disk', 'libvirt'],
])
/** Passwords that no one can type. */
const LOCKED: ReadonlySet<string> = new Set(['!', '*', '!!', '!*', 'x'])

/** `-G sudo,adm`, `-aG sudo`, `-g root`, `adduser bob sudo`, `gpasswd -a bob docker` */
function groupsOf({ program, args }: Segment): readonly string[] {
  if (program === 'gpasswd') {
    return valuesOf(args, 'a', '--add').length > 0 ? args.slice(-1) : []
  }
  if (program === 'addgroup' || program === 'adduser') {
    const options = [...valuesOf(args, 'G', '--groups'), ...valuesOf(args, '', '--ingroup')]
    const operands = operandsOf(args.filter((_, at) => !args[at - 1]?.startsWith('--')))
    return [...options.flatMap(split), ...(operands.length === 2 ? operands.slice(1) : [])]
  }
  return [...valuesOf(args, 'G', '--groups'), ...valuesOf(args, 'g', '--gid')].flatMap(split)
}

function split(list: string): readonly string[] {
  return list.split(',')
}
