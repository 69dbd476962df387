import type { JsonObject } from '@twinward/protocol'
import { portOf, protocolOf, textOf } from './fields.ts'
import type { FirewallRule } from './record.ts'

/** The rules of a firewall snapshot, in the order in which they were sent. */
export function firewallRules(payload: readonly JsonObject[]): readonly FirewallRule[] {
  const lastOfChain = new Map<string, number>()
  for (const [index, element] of payload.entries()) {
    lastOfChain.set(textOf(element.ChainName), index)
  }
  return payload.map((element, index) => {
    const chain = textOf(element.ChainName)
    const isLast = chain !== '' && lastOfChain.get(chain) === index
    return firewallRule(element, index, isLast && !hasSelector(element))
  })
}

function firewallRule(element: JsonObject, index: number, isPolicy: boolean): FirewallRule {
  return {
    chain: textOf(element.ChainName),
    direction: element.Direction === 'In' ? 'in' : element.Direction === 'Out' ? 'out' : '',
    priority: typeof element.Priority === 'number' ? element.Priority : index,
    action: element.Action === 'Allow' ? 'allow' : element.Action === 'Deny' ? 'deny' : 'other',
    // A chain's policy is always in force; the C# agent leaves its flag at false.
    enabled: isPolicy || element.Enabled !== false,
    sourceAddress: textOf(element.SourceAddress),
    sourcePort: portOf(element.SourcePort),
    destinationAddress: textOf(element.DestinationAddress),
    destinationPort: portOf(element.DestinationPort),
    protocol: protocolOf(element.Protocol),
    isPolicy,
  }
}

/** Whether a rule says which packets it is for; the policy of a chain is for all of them. */
function hasSelector(element: JsonObject): boolean {
  return [
    element.SourceAddress,
    element.SourcePort,
    element.DestinationAddress,
    element.DestinationPort,
  ].some((value) => value !== undefined && value !== '')
}
