/** Sigma rules as people write them, of every form, made from a number: for time and load. */

const TOOLS = [
  '/bash',
  '/sh',
  '/python3',
  '/perl',
  '/curl',
  '/wget',
  '/nc',
  '/find',
  '/tar',
  '/ssh',
]
const PLACES = [
  '/tmp/',
  '/dev/shm/',
  '/var/tmp/',
  '/etc/',
  '/root/',
  '/var/www/',
  '/opt/',
  '/home/',
]
const WORDS = [
  'crypt',
  'miner',
  'shell',
  'proxy',
  'tunnel',
  'dump',
  'stage',
  'beacon',
  'loader',
  'root',
]

/** The detection of a process rule; `n` makes its words its own. */
const PROCESS_FORMS: readonly ((n: number) => string)[] = [
  (n) => `  selection:
    Image|endswith: [${tool(n)}, ${tool(n + 3)}]
    CommandLine|contains: [' -${word(n)}-${n}', '${place(n)}${word(n + 1)}']
  condition: selection`,
  (n) => `  selection:
    CommandLine|contains|all: ['--${word(n)}', '${place(n)}', '${n}.sh']
  filter:
    Image|startswith: /usr/lib/${word(n)}
  condition: selection and not filter`,
  (n) => `  selection:
    CommandLine|re: '\\b${word(n)}[-_]?${n}\\s+(-[a-z]\\s+)*(https?|ftp)://\\d{1,3}(\\.\\d{1,3}){3}'
  condition: selection`,
  (n) => `  a: {CommandLine|startswith: '${word(n)}${n} '}
  b: {CommandLine|endswith: '${place(n)}${word(n)}${n}'}
  c: {Image: '*${place(n)}*/${word(n)}-?${n}'}
  condition: 1 of them`,
  (n) => `  tool: {Image|endswith: '${tool(n)}'}
  code: {CommandLine|base64offset|contains: ['${word(n)}${n}', 'import ${word(n + 2)}']}
  condition: all of them`,
  (n) => `  selection:
    - {Image|endswith: '${tool(n)}', User: [www-data, 'svc${n}']}
    - {CommandLine|contains: '${word(n)}_${n}=', ParentProcessId|lte: ${n}}
    - {CommandLine|windash|contains: ' -${word(n)}${n} '}
  filter_known: {CommandLine|contains: ['--help', '--version']}
  condition: selection and not 1 of filter_*`,
]

const OTHER_FORMS: readonly ((n: number) => string)[] = [
  (n) => `logsource: {category: network_connection, product: linux}
detection:
  selection: {DestinationIp|cidr: [198.51.${n % 256}.0/24, 203.0.113.${n % 256}], Initiated: true}
  ports: {DestinationPort: [${1000 + n}, ${20_000 + n}]}
  condition: selection and not ports`,
  (n) => `logsource: {category: file_event, product: linux}
detection:
  selection: {TargetFilename|startswith: '${place(n)}', TargetFilename|endswith: '.${word(n)}${n}'}
  condition: selection`,
  (n) => `logsource: {product: linux, service: auditd}
detection:
  selection: {type: EXECVE, a0: '${word(n)}${n}', a1|contains: '${place(n)}'}
  condition: selection`,
]

/** A YAML stream of so many rules: two of three on processes, a sixth of those with an expression. */
export function generatedSigma(count: number): string {
  return Array.from({ length: count }, (_, n) => generatedRule(n)).join('---\n')
}

function generatedRule(n: number): string {
  const form = n % 3 === 2 ? OTHER_FORMS[Math.floor(n / 3) % OTHER_FORMS.length] : undefined
  const process = PROCESS_FORMS[(n - Math.floor(n / 3)) % PROCESS_FORMS.length]
  const own = form
    ? form(n)
    : `logsource: {category: process_creation, product: linux}\ndetection:\n${process?.(n)}`
  return `title: Made rule ${n}\nid: made-${n}\ntags: [attack.execution, attack.t1059]\n${own}\nlevel: medium\n`
}

function tool(n: number): string {
  return TOOLS[n % TOOLS.length] ?? ''
}

function place(n: number): string {
  return PLACES[n % PLACES.length] ?? ''
}

function word(n: number): string {
  return WORDS[n % WORDS.length] ?? ''
}
