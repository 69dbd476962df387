import type { PortsRecord } from '../../ingestion/record.ts'
import { valuesOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, firstClue, matchCommand } from '../command-rule.ts'
import { inLine, ofRecord } from '../explain/conditions.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Match, Rule } from '../rule.ts'
import { isLoopbackAddress } from '../sets/addresses.ts'
import { hostOf } from '../sets/downloads.ts'

const type: AlertType = {
  number: 23,
  alertType: 'IoT_ExposedDocker',
  displayName: 'Docker daemon exposed by TCP socket',
  severity: 'Medium',
  intent: 'InitialAccess',
  description:
    'The container service can be reached over the network without client certificates. Whoever ' +
    'reaches it is root on the device, and worms look for this port all the time.',
  remediationSteps: [
    'Check who needs the container service from another machine.',
    'If nobody does, remove the TCP address from its configuration and keep to the local socket.',
    'If somebody does, switch on TLS with client certificates (`--tlsverify`), or use SSH.',
    'Look for containers and images that nobody knows: the port may have been found already.',
    'Refuse the port in the firewall, and hand over to your security team when it was used.',
  ],
  techniques: ['T1133', 'T1610'],
}

/** The container service told to listen, or found listening, on an address that others reach. */
export const exposedDocker: Rule = {
  type,
  kinds: ['proc', 'ports'],
  conditions: [
    ...inLine(
      [
        ['the container service is started', ({ program, args }) => isDaemon(program, args)],
        ['it demands no client certificates', ({ args }) => !args.some(isVerified)],
      ],
      'it listens by TCP on an address that others reach',
    ),
    ...ofRecord<PortsRecord>(
      ['ports'],
      [['port 2375 listens', ({ ports }) => ports.some(({ port }) => port === '2375')]],
      'it listens by TCP on an address that others reach',
    ),
  ],
  evaluate(analysed) {
    const { record } = analysed
    if (record.kind === 'ports') return isListening(record)
    return matchCommand(analysed, (command) => firstClue(command, listens))
  },
}

function isDaemon(program: string, args: readonly string[]): boolean {
  if (args.includes('run')) return false
  return (
    program === 'dockerd' || (program === 'docker' && (args[0] === 'daemon' || args.includes('-d')))
  )
}

function listens({ program, args }: Segment): Clue | undefined {
  if (!isDaemon(program, args) || args.some(isVerified)) return undefined
  const address = valuesOf(args, 'H', '--host').map(withoutEquals).find(isOpen)
  return address === undefined
    ? undefined
    : { seen: `docker listens on ${address}`, key: hostOf(address) }
}

/** `-H=tcp://…` */
function withoutEquals(value: string): string {
  return value[0] === '=' ? value.slice(1) : value
}

function isVerified(arg: string): boolean {
  return arg === '--tlsverify' || arg === '--tlsverify=true'
}

function isOpen(address: string): boolean {
  if (!address.startsWith('tcp://')) return false
  const host = hostOf(address)
  return host !== 'localhost' && !isLoopbackAddress(host)
}

function isListening(record: PortsRecord): Match | undefined {
  const open = record.ports.find(
    ({ port, protocol, address }) =>
      port === '2375' && protocol === 'tcp' && !isLoopbackAddress(address),
  )
  if (!open) return undefined
  return matchRecord(record, {
    key: open.address,
    seen: 'the port of the container service is open to others',
    detail: `${open.address} port ${open.port}`,
    properties: { 'Local Address': open.address, 'Local Port': open.port },
  })
}
