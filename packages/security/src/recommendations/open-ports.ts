import { printable } from '../detection/printable.ts'
import {
  canonicalAddress,
  isLinkLocalV6Address,
  isLoopbackAddress,
} from '../detection/sets/addresses.ts'
import type { ListeningPort, PortsRecord } from '../ingestion/record.ts'
import { type IsAllowedListener, isPort, parseAllowedListeners } from './allowed-listeners.ts'
import type { Assessment, RecommendationType } from './recommendation.ts'
import type { RecommendationRule } from './rule.ts'

/** Endpoints listed in `Endpoints`; `TotalEndpoints` counts all. */
export const MAX_ENDPOINTS = 100

/** An address is shorter; what a device sends instead of one is cut here. */
const MAX_ADDRESS_CHARACTERS = 64

/**
 * Remote administration without encryption, file transfer, discovery: worms look for these first.
 */
const RISKY_PORTS: ReadonlySet<string> = new Set([
  ...['21', '23', '69', '512', '513', '514', '1900', '2323', '2375', '5555', '7547'],
])

const type: RecommendationType = {
  recommendationType: 'IoT_OpenPorts',
  displayName: 'Open ports on device',
  severity: 'Medium',
  description:
    'Programs on the device listen on addresses that others can reach. Every one of them is a ' +
    'way in when it has a weakness or a default password.',
  remediationSteps: [
    'Go through the endpoints and find the program behind each one (`ss -lntup` on the device).',
    'Stop and disable what the device does not need; Telnet, FTP, TFTP and an open Docker ' +
      'or debug port first.',
    'Bind what only the device itself needs to 127.0.0.1, and let the firewall refuse the ' +
      'rest of the networks.',
    'Put the listeners that are wanted on the list of allowed listeners of the security group.',
  ],
}

/** Listening endpoints that others can reach and the security group does not allow. */
export const openPorts: RecommendationRule = {
  type,
  kinds: ['ports'],
  evaluate(record, { allowedListeners }) {
    if (record.kind !== 'ports') return undefined
    const isAllowed = allowedBy(allowedListeners)
    const isOpen = ({ protocol, address, port }: ListeningPort) =>
      isPort(port) && isReachable(address) && !isAllowed(protocol, address, port)
    return assessPorts(record, isOpen)
  },
}

/** Read once per list, not once per snapshot. */
const read = new WeakMap<readonly string[], IsAllowedListener>()

function allowedBy(listeners: readonly string[]): IsAllowedListener {
  const known = read.get(listeners) ?? parseAllowedListeners(listeners)
  read.set(listeners, known)
  return known
}

function isReachable(address: string): boolean {
  return !isLoopbackAddress(address) && !isLinkLocalV6Address(address)
}

function assessPorts({ ports }: PortsRecord, isOpen: (port: ListeningPort) => boolean): Assessment {
  const open = ports.filter(isOpen)
  if (open.length === 0) return { isGood: true }
  const risky = endpointsOf(open.filter(({ port }) => RISKY_PORTS.has(port)))
  const all = endpointsOf(open)
  // The risky ones are always listed, whatever the others leave room for.
  const listed = [...new Set([...risky, ...all])].slice(0, MAX_ENDPOINTS).sort()
  return {
    isGood: false,
    ...(risky.length > 0 && { severity: 'High' as const }),
    additionalData: {
      Endpoints: JSON.stringify(listed),
      TotalEndpoints: String(all.length),
    },
  }
}

/** Sorted, each once. TCP and UDP of one address and port are one endpoint. */
function endpointsOf(ports: readonly ListeningPort[]): readonly string[] {
  return [...new Set(ports.map(endpointOf))].sort()
}

/** `0.0.0.0:25324`, `[::]:22`, `*:80` */
function endpointOf({ address, port }: ListeningPort): string {
  const host = printable(canonicalAddress(address), MAX_ADDRESS_CHARACTERS) || '*'
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
