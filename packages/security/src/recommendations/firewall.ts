import { isIPv4, isIPv6 } from 'node:net'
import { printable } from '../detection/printable.ts'
import { canonicalAddress, isLoopbackAddress } from '../detection/sets/addresses.ts'
import type { FirewallRecord, FirewallRule } from '../ingestion/record.ts'
import type { Assessment, RecommendationType } from './recommendation.ts'
import type { RecommendationRule } from './rule.ts'

/** Rules listed in `Rules`; `TotalRules` counts all. */
export const MAX_LISTED_RULES = 100
/** A source or destination is wide when its prefix is shorter than this. */
const WIDE_PREFIX_V4 = 16
const WIDE_PREFIX_V6 = 48
/** A range of ports is wide when it holds more than so many. */
const WIDE_PORTS = 1_000
const ALL_PORTS = 65_536
/** No network that is shorter is all loopback. */
const LOOPBACK_PREFIX = 8
/** What a device sends in place of an address or port is cut here. */
const MAX_FIELD_CHARACTERS = 64

/** Denials of one direction that are looked at, those that are asked first. */
const MAX_DENIALS = 256

const CHAINS = ['INPUT', 'OUTPUT', 'FORWARD']
const STEPS_LIST = 'List what is in force: `iptables -S`, `ip6tables -S` or `nft list ruleset`.'

const policyType: RecommendationType = {
  recommendationType: 'IoT_PermissiveFirewallPolicy',
  displayName: 'Permissive firewall policy in one of the chains',
  severity: 'Medium',
  description:
    'What no rule decides, a chain of the firewall lets through. A service that is started by ' +
    'mistake, or by malware, can be reached at once.',
  remediationSteps: [
    STEPS_LIST,
    'Allow what the device needs: its way to the hub, replies (`ct state established`), loopback.',
    'Then let the policy of each chain that is named here drop the rest.',
  ],
}

const inputType: RecommendationType = {
  recommendationType: 'IoT_PermissiveInputFirewallRules',
  displayName: 'Permissive firewall rule in the input chain',
  severity: 'Medium',
  description:
    'A rule of the firewall lets a wide range of addresses reach a wide range of ports of the ' +
    'device.',
  remediationSteps: [
    STEPS_LIST,
    'Replace each rule that is named here by rules for the ports in use and the networks that ' +
      'need them.',
  ],
}

const outputType: RecommendationType = {
  recommendationType: 'IoT_PermissiveOutputFirewallRules',
  displayName: 'Permissive firewall rule in the output chain',
  severity: 'Medium',
  description:
    'A rule of the firewall lets the device connect to every address and port. Malware on it ' +
    'could reach whoever steers it, and attack others.',
  remediationSteps: [
    STEPS_LIST,
    'Replace each rule that is named here by rules for the places that the device has to reach: ' +
      'the hub, time, names, updates.',
  ],
}

/** What firewalls let through (security 05 §4.2). */
export const firewallRules: readonly RecommendationRule[] = [
  firewallRule(policyType, assessPolicies),
  firewallRule(inputType, (record) => assessRules(record, 'in', isWideInput)),
  firewallRule(outputType, (record) => assessRules(record, 'out', isWideOutput)),
]

function firewallRule(
  type: RecommendationType,
  judge: (record: FirewallRecord) => Assessment,
): RecommendationRule {
  return {
    type,
    kinds: ['fw'],
    evaluate: (record) => (record.kind === 'fw' ? judge(record) : undefined),
  }
}

/** Without any rule, every chain lets everything through. */
function assessPolicies({ rules, header }: FirewallRecord): Assessment {
  if (header.isEmpty || rules.length === 0) return found([], { Chains: JSON.stringify(CHAINS) })
  const open = rules.filter(({ isPolicy, action }) => isPolicy && action === 'allow')
  if (open.length === 0) return { isGood: true }
  const chains = [...new Set(open.map(({ chain }) => printable(chain, MAX_FIELD_CHARACTERS)))]
  const listed = chains.sort().slice(0, MAX_LISTED_RULES)
  return found(open, { Chains: JSON.stringify(listed) })
}

function assessRules(
  { rules }: FirewallRecord,
  direction: 'in' | 'out',
  isWide: (rule: FirewallRule) => boolean,
): Assessment {
  const chain = rules.filter((rule) => directionOf(rule) === direction && rule.enabled)
  const denials = chain
    .filter(({ action, isPolicy }) => action === 'deny' && !isPolicy)
    .sort((a, b) => a.priority - b.priority)
    .slice(0, MAX_DENIALS)
  const wide = chain.filter(
    (rule) =>
      rule.action === 'allow' &&
      !rule.isPolicy &&
      isWide(rule) &&
      !denials.some((denial) => denial.priority < rule.priority && covers(denial, rule)),
  )
  return wide.length === 0 ? { isGood: true } : found(wide, {})
}

function directionOf({ direction, chain }: FirewallRule): FirewallRule['direction'] {
  if (direction !== '') return direction
  return chain === 'INPUT' ? 'in' : chain === 'OUTPUT' ? 'out' : ''
}

/** Replies to what the device began, and what it says to itself, let nobody in. */
function isWideInput(rule: FirewallRule): boolean {
  return isWideAddress(rule.sourceAddress) && isWidePorts(rule) && !isLocal(rule)
}

function isWideOutput(rule: FirewallRule): boolean {
  const isAnyPlace = prefixOf(rule.destinationAddress) === 0
  return isAnyPlace && portCount(rule.destinationPort) === ALL_PORTS && !isPortless(rule)
}

function isWidePorts(rule: FirewallRule): boolean {
  return portCount(rule.destinationPort) > WIDE_PORTS && !isPortless(rule)
}

/** ICMP and its like have no ports, so "every port" means nothing for them. */
function isPortless({ protocol }: FirewallRule): boolean {
  return /^(icmp|igmp|esp|ah|gre|vrrp|ospf)/.test(protocol)
}

/** `127.0.0.0/8`, `::1`; not `127.0.0.1/0`, which is every address. */
function isLocal({ destinationAddress: text }: FirewallRule): boolean {
  const [address = ''] = text.split(/[/-]/)
  return isLoopbackAddress(address) && (prefixOf(text) ?? 0) >= LOOPBACK_PREFIX
}

function isWideAddress(text: string): boolean {
  const bits = prefixOf(text)
  if (bits === undefined) return false
  return bits < (text.includes(':') ? WIDE_PREFIX_V6 : WIDE_PREFIX_V4)
}

/** The length of an address's prefix; `undefined` for what is no network, such as a name. */
function prefixOf(text: string): number | undefined {
  if (isAny(text)) return 0
  if (text.includes('-')) return rangePrefix(text)
  const [address = '', mask] = text.split('/')
  const whole = isIPv4(address) ? 32 : isIPv6(address) ? 128 : undefined
  if (mask === undefined || whole === undefined) return whole
  if (isIPv4(mask)) return maskBits(mask)
  const bits = Number(mask)
  return mask !== '' && Number.isInteger(bits) && bits >= 0 && bits <= whole ? bits : undefined
}

/** Of a range of IPv4 addresses `a-b`: the prefix of a network of its size. */
function rangePrefix(text: string): number | undefined {
  const [first = '', last = ''] = text.split('-').map((part) => part.trim())
  if (!isIPv4(first) || !isIPv4(last)) return undefined
  const size = addressValue(last) - addressValue(first) + 1
  return size > 0 ? 32 - Math.floor(Math.log2(size)) : undefined
}

function addressValue(address: string): number {
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0)
}

function isAny(text: string): boolean {
  return ['', '*', 'any', 'anywhere', '0.0.0.0', '::'].includes(text.toLowerCase())
}

function maskBits(mask: string): number {
  const bits = mask.split('.').map((part) => Number(part).toString(2).padStart(8, '0'))
  const zero = bits.join('').indexOf('0')
  return zero < 0 ? 32 : zero
}

/** How many ports `22`, `53248-53250`, `22,53` or `*` stand for; 0 for what is none. */
function portCount(text: string): number {
  if (isAny(text)) return ALL_PORTS
  return text.split(',').reduce((count, part) => {
    const [first = Number.NaN, last = first] = part.split(/[-:]/).map(Number)
    const size = last - first + 1
    return Number.isInteger(size) && size > 0 ? Math.min(ALL_PORTS, count + size) : count
  }, 0)
}

/** Whether a denial is for everything that the other rule is for, as far as texts tell. */
function covers(denial: FirewallRule, rule: FirewallRule): boolean {
  return (
    denial.chain === rule.chain &&
    coversText(denial.protocol.replace(/^all$/, ''), rule.protocol.replace(/^all$/, '')) &&
    coversAddress(denial.sourceAddress, rule.sourceAddress) &&
    coversAddress(denial.destinationAddress, rule.destinationAddress) &&
    coversPorts(denial.sourcePort, rule.sourcePort) &&
    coversPorts(denial.destinationPort, rule.destinationPort)
  )
}

function coversText(wide: string, narrow: string): boolean {
  return isAny(wide) || wide === narrow
}

function coversAddress(wide: string, narrow: string): boolean {
  const bits = prefixOf(wide)
  if (bits === 0) return true
  return canonicalAddress(wide) === canonicalAddress(narrow)
}

function coversPorts(wide: string, narrow: string): boolean {
  return portCount(wide) === ALL_PORTS || wide === narrow
}

function found(
  rules: readonly FirewallRule[],
  more: { readonly [key: string]: string },
): Assessment {
  const listed = rules.slice(0, MAX_LISTED_RULES).map((rule) => ({
    SourceAddress: shown(rule.sourceAddress),
    SourcePort: shown(rule.sourcePort),
    DestinationAddress: shown(rule.destinationAddress),
    DestinationPort: shown(rule.destinationPort),
  }))
  const data = { Rules: JSON.stringify(listed), TotalRules: String(rules.length) }
  return { isGood: false, additionalData: { ...data, ...more } }
}

function shown(text: string): string {
  return printable(text, MAX_FIELD_CHARACTERS)
}
