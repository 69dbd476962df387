import { isIP } from 'node:net'
import { printable } from '../detection/printable.ts'
import { type AddressRange, networkOf, parseNetwork, smallestCover } from './ip-networks.ts'
import type { Assessment, RecommendationType } from './recommendation.ts'

/** One rule of an IP filter, asked in order; the first that holds the address decides. */
export interface IpFilterRule {
  readonly name: string
  readonly action: 'accept' | 'reject'
  /** An address, or a network as `10.0.0.0/8`. */
  readonly mask: string
}

/** An accepting rule is wide when its prefix is shorter than this. */
const WIDE_PREFIX_V4 = 16
const WIDE_PREFIX_V6 = 48
/** Rules that are proposed from what was observed. */
export const MAX_PROPOSED_RULES = 32
/** Rules that a finding lists. */
const MAX_LISTED = 100
const MAX_NAME_CHARACTERS = 128

export const denyAllType: RecommendationType = {
  recommendationType: 'IoT_IPFilter_DenyAll',
  displayName: 'Default IP filter policy should be deny',
  severity: 'Medium',
  description:
    'The hub accepts connections from every address that no rule of its IP filter names.',
  remediationSteps: [
    'Accept the networks of your devices and back-ends, each by a rule.',
    'End the list with a rule that rejects 0.0.0.0/0, and one that rejects ::/0: ' +
      'twinward ip-filter set --accept 10.1.0.0/24 --reject-others.',
  ],
}

export const permissiveRuleType: RecommendationType = {
  recommendationType: 'IoT_IPFilter_PermissiveRule',
  displayName: 'IP filter rule with a large range',
  severity: 'Medium',
  description: 'A rule of the IP filter accepts a large range of addresses.',
  remediationSteps: ['Replace each rule that is named here by rules for the networks in use.'],
}

export const recommendedRulesType: RecommendationType = {
  recommendationType: 'IoT_RecommendedIpRulesByBaseLine',
  displayName: 'Recommended IP filter rules',
  severity: 'Medium',
  description: 'The addresses that were seen would fit into a few rules of the IP filter.',
  remediationSteps: [
    'Look through the networks that are named here, and add those of your back-ends.',
    'Put them into the IP filter: twinward ip-filter set, with --accept for each, and --reject-others.',
  ],
}

/** Good when both families of addresses end with a rule that rejects all. Pure. */
export function assessDenyAll(rules: readonly IpFilterRule[]): Assessment {
  const missing = [4, 6].filter(
    (family) =>
      !rules.some(({ action, mask }) => {
        const network = parseNetwork(mask)
        return action === 'reject' && network?.family === family && network.bits === 0
      }),
  )
  if (missing.length === 0) return { isGood: true }
  const families = missing.map((family) => `IPv${family}`)
  return { isGood: false, additionalData: { Families: JSON.stringify(families) } }
}

/** Rules that accept more than a site has. Pure. */
export function assessRanges(rules: readonly IpFilterRule[]): Assessment {
  const wide = rules.filter(({ action, mask }) => {
    const network = parseNetwork(mask)
    if (action !== 'accept' || !network) return false
    return network.bits < (network.family === 4 ? WIDE_PREFIX_V4 : WIDE_PREFIX_V6)
  })
  if (wide.length === 0) return { isGood: true }
  const listed = wide.slice(0, MAX_LISTED).map(({ name, mask }) => ({
    Name: printable(name, MAX_NAME_CHARACTERS),
    Mask: printable(mask, MAX_NAME_CHARACTERS),
  }))
  const additionalData = { Rules: JSON.stringify(listed), TotalRules: String(wide.length) }
  return { isGood: false, additionalData }
}

/**
 * The fewest addresses in at most `MAX_PROPOSED_RULES` networks that hold all that were observed, as
 * rules ready to be used; good when the rules in force reject everything else already. Pure.
 *
 * @param observed  addresses; texts that are none are passed over
 */
export function assessObserved(
  rules: readonly IpFilterRule[],
  observed: readonly string[],
): Assessment {
  const networks = proposeNetworks(observed)
  if (networks.length === 0 || assessDenyAll(rules).isGood) return { isGood: true }
  return { isGood: false, additionalData: { Networks: JSON.stringify(networks) } }
}

/** `10.1.0.0/30`, `2001:db8::7/128`; IPv4 first. */
export function proposeNetworks(observed: readonly string[]): readonly string[] {
  const ranges = observed.flatMap((address) => {
    const network = isIP(address) === 0 ? undefined : parseNetwork(address)
    return network ? [network] : []
  })
  const of = (family: 4 | 6) => ranges.filter((range: AddressRange) => range.family === family)
  const [v4, v6] = [of(4), of(6)]
  // Each family gets half when both are there.
  const limit = v4.length > 0 && v6.length > 0 ? MAX_PROPOSED_RULES / 2 : MAX_PROPOSED_RULES
  return [...smallestCover(v4, limit), ...smallestCover(v6, limit)].map(networkOf)
}
