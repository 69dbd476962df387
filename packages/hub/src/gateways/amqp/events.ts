import { HubError, SECURITY_CONSUMER_GROUP } from '@twinward/protocol'
import type { EventReader } from '../../messages/event-reader.ts'
import { belowEntity } from '../../registry/event-addresses.ts'
import type { Right } from '../../registry/policies.ts'
import type { EventAddress, EventNode } from './addresses.ts'
import { conditionFor } from './conditions.ts'
import type { Connection } from './connection.ts'
import { EventDelivery } from './event-delivery.ts'
import { readEventFilter } from './event-filter.ts'
import type { Link } from './link.ts'
import { serveManagement } from './management.ts'
import { OutgoingLink } from './outgoing-link.ts'
import type { AmqpError } from './wire/performatives.ts'
import { type AmqpValue, int, integerOf, symbolMap, Typed } from './wire/values.ts'

const EPOCH = 'com.microsoft:epoch'
const RECEIVER_NAME = 'com.microsoft:receiver-name'
const RUNTIME_METRIC = 'com.microsoft:enable-receiver-runtime-metric'
const MAX_NAME_CHARACTERS = 128
/** What reading events takes; to see who does what where, `RegistryRead` as well. */
const READER_RIGHTS: readonly Right[] = ['ServiceConnect']
const SECURITY_READER_RIGHTS: readonly Right[] = ['ServiceConnect', 'RegistryRead']

/**
 * A link below `messages/events`: Event Hubs' clients are served, IoT Hub's are sent on to the same
 * place under its other name, as they expect it (04 §10).
 */
export async function openEventsLink(
  connection: Connection,
  link: Link,
  address: EventAddress,
): Promise<void> {
  const { node, entity } = address
  const { hostNames } = connection.parts.hub
  const isKnown = entity === '' || belowEntity(entity.split('/'), hostNames) !== undefined
  const isReceiver = link instanceof OutgoingLink
  if (!node || !isKnown || (node.kind === 'partition' && !isReceiver)) throw notFound(link)
  const path = pathOf(node).map((segment) => segment.toLowerCase())
  const manner = await connection.clients.reader(link, path, ...rightsFor(node))
  if (manner === 'iot-hub' && entity.toLowerCase() === 'messages/events') {
    link.detach(redirect(connection, node))
  } else if (node.kind === 'management') serveManagement(connection, link)
  else if (isReceiver) await serveReader(connection, link, node)
}

/** Opens a reader; the link is confirmed only when it has its place. */
async function serveReader(
  connection: Connection,
  link: OutgoingLink,
  { group, partition }: Extract<EventNode, { kind: 'partition' }>,
): Promise<void> {
  const { events, log } = connection.parts.hub
  const { filter, properties, desiredCapabilities } = link.attach
  const { start, confirmed } = readEventFilter(filter)
  const epoch = epochOf(properties.get(EPOCH))
  const name = String(properties.get(RECEIVER_NAME) ?? link.attach.name)
  const delivery = new EventDelivery(connection, link, desiredCapabilities.includes(RUNTIME_METRIC))
  const reader: EventReader = await events.open(
    { group, partition, start, epoch, name: name.slice(0, MAX_NAME_CHARACTERS) },
    {
      wake: () => delivery.pump(),
      ended: (reason) => link.detach(conditionFor(reason, log)),
    },
  )
  // The peer may have gone while the reader was opened.
  if (!link.isAlive) return reader.close()
  delivery.start(reader)
  link.accept(
    { maySend: () => delivery.pump(), closed: () => reader.close() },
    { filter: confirmed, isPresettled: true },
  )
}

/** Security messages tell more of a device than its telemetry. */
function rightsFor(node: EventNode): readonly Right[] {
  const isSecurity =
    node.kind === 'partition' && node.group.toLowerCase() === SECURITY_CONSUMER_GROUP
  return isSecurity ? SECURITY_READER_RIGHTS : READER_RIGHTS
}

function pathOf(node: EventNode): readonly string[] {
  if (node.kind === 'management') return ['$management']
  return ['ConsumerGroups', node.group, 'Partitions', node.partition]
}

/** Clients of IoT Hub cut the address behind the port. */
function redirect({ hostName, localPort, parts }: Connection, node: EventNode): AmqpError {
  const { hubName } = parts.hub.hostNames
  const path = [hubName, ...pathOf(node)].join('/')
  return {
    condition: 'amqp:link:redirect',
    description: 'Events are read at the Event Hubs compatible endpoint.',
    info: symbolMap({
      hostname: hostName,
      'network-host': hostName,
      port: int(localPort),
      address: `amqps://${hostName}:${localPort}/${path}`,
    }),
  }
}

/** The owner level: any integer that is not negative; processors use times of 60 bits. */
function epochOf(value: AmqpValue): bigint | undefined {
  if (value === null) return undefined
  const isWide = value instanceof Typed && typeof value.value === 'bigint'
  const epoch = isWide ? (value.value as bigint) : BigInt(integerOf(value) ?? -1)
  if (epoch >= 0n) return epoch
  throw new HubError('ArgumentInvalid', `${EPOCH} must be an integer that is not negative.`)
}

function notFound({ attach }: Link): HubError {
  return new HubError('AmqpAddressNotFound', `There is no ${attach.address.slice(0, 200)}.`)
}
