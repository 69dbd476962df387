import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { hasOption, isBelow, operandsOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { baseName } from '../sets/base-name.ts'

const type: AlertType = {
  number: 35,
  alertType: 'IoT_CredentialAccessTools',
  displayName: 'Behaviour similar to common credential access tools',
  severity: 'Medium',
  intent: 'CredentialAccess',
  description:
    'A tool or a command reads passwords: from the memory of programs, from the file of password ' +
    'hashes, or by searching whole directories for the word.',
  remediationSteps: [
    ASK_WHO_RAN_IT,
    'If nobody did, assume that the passwords in reach of this account are known to others.',
    'Change them, on every system where they are the same, and withdraw keys and tokens.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1003', 'T1552.001'],
}

/** Tools that dump credentials, and commands that read or search them. */
export const credentialAccessTools: Rule = segmentRule(
  type,
  accesses,
  inLine(
    [],
    'a tool dumps passwords, a password file or the memory of a program is read, or directories are searched for passwords',
  ),
)

function accesses(segment: Segment): Clue | string | undefined {
  const { program, path, args, redirections } = segment
  const tool =
    toolIn(path) ?? (RUNNING.has(program) ? toolIn(operandsOf(args)[0] ?? '') : undefined)
  if (tool !== undefined) return { seen: `${tool} reads credentials`, key: tool }
  if ((program === 'gdb' && hasOption(args, 'p', '--pid')) || program === 'gcore') {
    return `${program} reads the memory of a running program`
  }
  if (searches(segment)) return 'directories are searched for passwords'
  const files = [...operandsOf(args), ...redirections.filter(reads).map(({ target }) => target)]
  return readsSecret(program, files)
}

const TOOLS: ReadonlySet<string> = new Set([
  ...['mimipenguin', 'mimikatz', 'lazagne', 'linikatz', 'swap_digger', 'unshadow', 'secretsdump'],
  ...['3snake', 'keimpx', 'impacket-secretsdump', 'pypykatz'],
])
const RUNNING: ReadonlySet<string> = new Set(['sh', 'bash', 'python', 'python2', 'python3', 'perl'])

function toolIn(path: string): string | undefined {
  const name = baseName(path)
  const dot = name.indexOf('.')
  const bare = dot > 0 ? name.slice(0, dot) : name
  return TOOLS.has(bare) ? bare : undefined
}

function reads({ operator }: { readonly operator: string }): boolean {
  return operator === '<'
}

const SEARCHING: ReadonlySet<string> = new Set([
  'grep',
  'egrep',
  'fgrep',
  'rg',
  'ag',
  'zgrep',
  'ack',
])
const SECRET_WORDS = ['password', 'passwd', 'secret', 'api_key', 'apikey', 'private key'] as const
const SEARCHED = ['/etc', '/home', '/root', '/var'] as const

/** `grep -ri password /etc`; not a look into one file of settings. */
function searches({ program, args }: Segment): boolean {
  if (!SEARCHING.has(program)) return false
  const isRecursive = program === 'rg' || program === 'ag' || hasOption(args, 'rR', '--recursive')
  if (!isRecursive) return false
  const operands = operandsOf(args)
  const isSearched = operands.slice(1).some((path) => SEARCHED.some((each) => isBelow(path, each)))
  const words = args.join(' ').toLowerCase()
  return isSearched && SECRET_WORDS.some((word) => words.includes(word))
}

/** The tools of accounts and copies of the system read it as their task. */
const ACCOUNT_TOOLS: ReadonlySet<string> = new Set([
  ...['passwd', 'chpasswd', 'useradd', 'usermod', 'userdel', 'adduser', 'deluser', 'chage', 'pwck'],
  ...[
    'pwconv',
    'pwunconv',
    'grpck',
    'grpconv',
    'vipw',
    'login',
    'su',
    'sudo',
    'sshd',
    'shadowconfig',
  ],
  ...[
    'chown',
    'chmod',
    'chgrp',
    'ls',
    'stat',
    'test',
    '[',
    '[[',
    'unix_chkpwd',
    'getent',
    'chkpwd',
  ],
  ...['dpkg-statoverride', 'restorecon', 'chcon', 'setfacl', 'getfacl', 'chattr', 'lsattr', 'echo'],
  ...[
    'cmp',
    'touch',
    'sha256sum',
    'md5sum',
    'auditctl',
    'grpunconv',
    'cppw',
    'dpkg-divert',
    'find',
  ],
])
const SECRET_FILES: ReadonlySet<string> = new Set([
  ...['/etc/shadow', '/etc/gshadow', '/etc/shadow-', '/etc/gshadow-', '/etc/master.passwd'],
])

function readsSecret(program: string, files: readonly string[]): Clue | undefined {
  const secret = files.find((file) => SECRET_FILES.has(file))
  if (secret !== undefined && !ACCOUNT_TOOLS.has(program)) {
    return { seen: `${program || 'a shell'} reads ${secret}` }
  }
  const memory = files.find(isProcessMemory)
  return memory === undefined ? undefined : { seen: 'the memory of a running program is read' }
}

/** `/proc/1234/mem` */
function isProcessMemory(file: string): boolean {
  return file.includes('/proc/') && /^(if=)?\/proc\/[0-9$*{}a-z]{1,20}\/mem$/i.test(file)
}
