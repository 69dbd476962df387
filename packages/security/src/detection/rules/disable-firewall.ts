import type { FirewallRecord, FirewallRule } from '../../ingestion/record.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, cutValues, entities, matchCommand, summarise } from '../command-rule.ts'
import { inLine, ofRecord } from '../explain/conditions.ts'
import type { AlertType, Match, Rule, RuleMemory } from '../rule.ts'
import { FIREWALL_UNITS, stopsService } from '../sets/services.ts'

const type: AlertType = {
  number: 2,
  alertType: 'IoT_DisableFirewall',
  displayName: 'Disable firewall',
  severity: 'High',
  intent: 'DefenseEvasion',
  description:
    'The host firewall of the device is being switched off or emptied, or a snapshot of its ' +
    'rules shows that it no longer refuses anything. What listens on the device may now be reachable.',
  remediationSteps: [
    'Find out whether this is planned work: a change of the firewall, an update, a ' +
      'colleague at the device.',
    'If not, restore the rules now (or cut the device off at the switch or gateway) before ' +
      'you look further.',
    'Check which ports the device listens on, and the inbound connections since the change.',
    'Find the account and the login behind the command; change its credentials if nobody ' +
      'admits to it.',
    'Hand over to your security team when the change cannot be explained.',
  ],
  techniques: ['T1562.004'],
}

/** Commands that open the firewall, and snapshots that show that it is open. */
export const disableFirewall: Rule = {
  type,
  kinds: ['proc', 'fw'],
  conditions: [
    ...inLine(
      [['a program that rules a firewall is called, or stops its service', rulesFirewall]],
      'it drops rules, accepts by default or switches the firewall off',
    ),
    ...ofRecord<FirewallRecord>(
      ['fw'],
      [
        ['another snapshot of the firewall came before', (_, memory) => !!remembered(memory)],
        ['that one is not newer', ({ header }, memory) => isLater(header.timeMs, memory)],
        ['the one before refused something', (_, memory) => refusedBefore(memory)],
      ],
      'this one lets everything in, or has no rule any more that refuses',
      (record, memory) => compared(stanceOf(record), remembered(memory)),
    ),
  ],
  evaluate(analysed, memory) {
    const { record } = analysed
    if (record.kind === 'fw') return compareSnapshots(record, memory)
    return matchCommand(analysed, ({ segments }) => {
      for (const segment of segments) {
        const seen = opensFirewall(segment)
        if (seen !== undefined) return { seen } satisfies Clue
      }
      return undefined
    })
  },
}

function rulesFirewall(segment: Segment): boolean {
  const { program } = segment
  return IPTABLES.has(program) || TOOLS.has(program) || stopsService(segment, FIREWALL_UNITS)
}

function opensFirewall(segment: Segment): string | undefined {
  const { program, args } = segment
  if (stopsService(segment, FIREWALL_UNITS)) return 'the firewall service is stopped'
  if (IPTABLES.has(program)) return iptables(program, args)
  if (!TOOLS.has(program)) return undefined
  const words = args.flatMap((arg) => arg.toLowerCase().split(' ')).filter(isOperand)
  const [first = '', second = ''] = words
  if (program === 'nft' && NFT_EMPTYING.has(`${first} ${second}`)) return `nft: ${first} ${second}`
  if (program === 'ufw') return ufw(words)
  if (program === 'fw3' || program === 'fw4') {
    return first === 'stop' || first === 'flush' ? `${program} drops all rules` : undefined
  }
  if (program === 'netsh') return netsh(words)
  if (program === 'set-netfirewallprofile' && setsEnabledFalse(args)) {
    return 'a firewall profile is switched off'
  }
  return undefined
}

const NFT_EMPTYING: ReadonlySet<string> = new Set(['flush ruleset', 'flush table', 'delete table'])

function isOperand(word: string): boolean {
  return word !== '' && word[0] !== '-'
}

const IPTABLES: ReadonlySet<string> = new Set([
  ...['iptables', 'iptables-legacy', 'iptables-nft'],
  ...['ip6tables', 'ip6tables-legacy', 'ip6tables-nft'],
])
const TOOLS: ReadonlySet<string> = new Set([
  ...['nft', 'ufw', 'fw3', 'fw4', 'netsh', 'set-netfirewallprofile'],
])

const BUILT_IN_CHAINS: ReadonlySet<string> = new Set(['INPUT', 'OUTPUT', 'FORWARD'])

/** Chains of services that empty and rebuild their own all day; they guard nothing else. */
const SERVICE_CHAINS = [
  'f2b-',
  'fail2ban-',
  'DOCKER',
  'KUBE-',
  'CNI-',
  'cali-',
  'FLANNEL-',
] as const

function iptables(program: string, args: readonly string[]): string | undefined {
  for (const [at, arg] of args.entries()) {
    const next = args[at + 1] ?? ''
    if (arg === '--flush' || arg === '--delete-chain' || isFlushCluster(arg)) {
      if (!SERVICE_CHAINS.some((chain) => next.startsWith(chain))) return `${program} drops rules`
    }
    const isPolicy = (arg === '-P' || arg === '--policy') && BUILT_IN_CHAINS.has(next)
    if (isPolicy && args[at + 2] === 'ACCEPT') return `${program} accepts ${next} by default`
  }
  return undefined
}

/** `-F`, `-X`, also behind flags (`-vF`) and with the chain attached (`-FINPUT`). */
function isFlushCluster(arg: string): boolean {
  if (arg[0] !== '-' || arg[1] === '-') return false
  let at = 1
  while (at < arg.length && 'wvn46'.includes(arg[at] ?? ' ')) at++
  return arg[at] === 'F' || arg[at] === 'X'
}

function ufw([verb = '', policy = '', direction = 'incoming']: readonly string[]) {
  if (verb === 'disable' || verb === 'reset') return `ufw ${verb}`
  const isOpen = verb === 'default' && policy === 'allow' && direction !== 'outgoing'
  return isOpen ? 'ufw allows by default' : undefined
}

function netsh(words: readonly string[]): string | undefined {
  const isOff = words[0] === 'advfirewall' && words.includes('state') && words.at(-1) === 'off'
  const isDisabled = words[0] === 'firewall' && words.includes('opmode')
  if (isOff || (isDisabled && words.some((word) => word.endsWith('disable')))) {
    return 'the firewall of Windows is switched off'
  }
  return undefined
}

function setsEnabledFalse(args: readonly string[]): boolean {
  const words = args.flatMap((arg) => arg.toLowerCase().split(':'))
  const value = words[words.indexOf('-enabled') + 1]
  return words.includes('-enabled') && (value === 'false' || value === '$false' || value === '0')
}

const MEMORY = 'IoT_DisableFirewall'

/** What is remembered of the last snapshot. */
interface Stance {
  /** Default of the input chain; empty when the snapshot does not say. */
  readonly inputPolicy: 'allow' | 'deny' | ''
  /** Enabled rules that refuse something, defaults left out. */
  readonly denyRules: number
  readonly timeMs: number
}

/**
 * A device's first snapshot never matches; one older than the last that was seen is passed over.
 */
function compareSnapshots(record: FirewallRecord, memory: RuleMemory): Match | undefined {
  const now = stanceOf(record)
  const before = remembered(memory)
  if (before && before.timeMs > now.timeMs) return undefined
  memory.set(MEMORY, { ...now })
  if (!before) return undefined
  const isOpened = before.inputPolicy === 'deny' && now.inputPolicy === 'allow'
  const isEmptied = before.denyRules > 0 && now.denyRules === 0 && now.inputPolicy !== 'deny'
  if (!isOpened && !isEmptied) return undefined
  const { deviceId } = record.header.ref
  return {
    key: 'state',
    summary: summarise('the firewall no longer refuses', `${inWords(before)}, now ${inWords(now)}`),
    entities: entities(record, []),
    extendedProperties: cutValues({
      'Input Policy': now.inputPolicy,
      'Previous Input Policy': before.inputPolicy,
      'Deny Rules': String(now.denyRules),
      'Previous Deny Rules': String(before.denyRules),
      DeviceId: deviceId,
    }),
  }
}

function stanceOf({ rules, header }: FirewallRecord): Stance {
  const inputPolicies = rules.filter((rule) => rule.isPolicy && isInput(rule))
  const isRefusing = ({ action, enabled, isPolicy }: FirewallRule) =>
    action === 'deny' && enabled && !isPolicy
  // No rule at all is no firewall: everything is allowed.
  const isAllowing = rules.length === 0 || inputPolicies.some(({ action }) => action === 'allow')
  const isDenying = inputPolicies.some(({ action }) => action === 'deny')
  return {
    inputPolicy: isAllowing ? 'allow' : isDenying ? 'deny' : '',
    denyRules: rules.filter(isRefusing).length,
    timeMs: header.timeMs,
  }
}

function isInput({ chain, direction }: FirewallRule): boolean {
  return chain.toUpperCase() === 'INPUT' || (chain === '' && direction === 'in')
}

function remembered(memory: RuleMemory): Stance | undefined {
  const value = memory.get(MEMORY)
  if (!value) return undefined
  const { inputPolicy, denyRules, timeMs } = value
  if (typeof denyRules !== 'number' || typeof timeMs !== 'number') return undefined
  const policy = inputPolicy === 'allow' || inputPolicy === 'deny' ? inputPolicy : ''
  return { inputPolicy: policy, denyRules, timeMs }
}

function isLater(timeMs: number, memory: RuleMemory): boolean {
  return (remembered(memory)?.timeMs ?? 0) <= timeMs
}

function refusedBefore(memory: RuleMemory): boolean {
  const before = remembered(memory)
  return before !== undefined && (before.inputPolicy === 'deny' || before.denyRules > 0)
}

function compared(now: Stance, before: Stance | undefined): string {
  return `${before ? inWords(before) : 'nothing'} before, now ${inWords(now)}`
}

function inWords({ inputPolicy, denyRules }: Stance): string {
  return `input ${inputPolicy || 'unknown'} with ${denyRules} deny rules`
}
