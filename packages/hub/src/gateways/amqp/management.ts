import { HubError, hubErrors, toHubError } from '@twinward/protocol'
import { belowEntity } from '../../registry/event-addresses.ts'
import { parseLinkAddress } from './addresses.ts'
import type { Connection } from './connection.ts'
import { offsetOf } from './event-message.ts'
import type { Incoming, IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import { OutgoingLink } from './outgoing-link.ts'
import { Fault } from './wire/fault.ts'
import { decodeMessage, encodeMessage, type Message } from './wire/message.ts'
import {
  AmqpMap,
  type AmqpValue,
  idOf,
  int,
  integerOf,
  long,
  symbol,
  timestamp,
} from './wire/values.ts'

const EVENT_HUB = 'com.microsoft:eventhub'
const PARTITION = 'com.microsoft:partition'

/**
 * What an event hub says of itself (10 §6.2):
 *
 *     → operation READ, type com.microsoft:partition, name messages/events, partition 0
 *     ← correlation-id of the request, status-code 200 (int), a map
 */
export function serveManagement(connection: Connection, link: Link): void {
  if (link instanceof OutgoingLink) link.accept({})
  else link.accept({ received: (delivery) => void answer(connection, link, delivery) })
}

interface Answer {
  readonly status: number
  readonly description: string
  readonly condition?: string
  readonly value: AmqpValue
}

async function answer(
  connection: Connection,
  link: IncomingLink,
  delivery: Incoming,
): Promise<void> {
  let request: Message | undefined
  let found: Answer
  try {
    request = decodeMessage(delivery.bytes)
    found = { status: 200, description: 'OK', value: await read(connection, request) }
  } catch (thrown) {
    found = refusalOf(connection, thrown)
  }
  delivery.settle({ kind: 'accepted' })
  const { status, description, condition, value } = found
  receiverFor(link, request)?.sendLater(
    encodeMessage({
      properties: { correlationId: idOf(request?.properties.messageId) },
      application: new AmqpMap([
        ['status-code', int(status)],
        ['status-description', description],
        ...(condition === undefined ? [] : [['error-condition', symbol(condition)] as const]),
      ]),
      value,
    }),
  )
}

/** The receiver of the session to which the client wants the answer, or its only one. */
function receiverFor(link: IncomingLink, request: Message | undefined): OutgoingLink | undefined {
  const replyTo = request?.properties.replyTo
  const receivers = [...link.session.links].filter(
    (other): other is OutgoingLink => other instanceof OutgoingLink && other.isOpen && isFor(other),
  )
  const named = receivers.find(({ attach }) => attach.peerAddress === replyTo)
  return named ?? receivers.at(-1)
}

function isFor({ attach }: OutgoingLink): boolean {
  const address = parseLinkAddress(attach.address)
  return address?.kind === 'events' && address.node?.kind === 'management'
}

async function read({ parts }: Connection, { application }: Message): Promise<AmqpMap> {
  const { events, hostNames } = parts.hub
  const operation = application.get('operation')
  const name = application.get('name')
  const type = application.get('type')
  if (operation !== 'READ') throw invalid('operation must be READ.')
  if (typeof name !== 'string' || belowEntity(segmentsOf(name), hostNames)?.length !== 0) {
    throw new HubError('GenericNotFound', 'There is no event hub of that name.')
  }
  if (type === EVENT_HUB) {
    return textMap({
      name,
      type,
      created_at: timestamp(events.startedMs),
      partition_count: int(events.partitionIds.length),
      partition_ids: events.partitionIds,
    })
  }
  if (type !== PARTITION) throw invalid(`type must be ${EVENT_HUB} or ${PARTITION}.`)
  const partition = partitionOf(application.get('partition'))
  const state = await events.partitionState(partition)
  return textMap({
    name,
    type,
    partition,
    begin_sequence_number: long(state.firstSequence),
    last_enqueued_sequence_number: long(state.lastSequence),
    last_enqueued_offset: offsetOf(state.lastSequence),
    last_enqueued_time_utc: timestamp(state.lastEnqueuedMs),
    is_partition_empty: state.isEmpty,
  })
}

function segmentsOf(name: string): readonly string[] {
  return name.split('/').filter((segment) => segment !== '')
}

function partitionOf(value: AmqpValue): string {
  return typeof value === 'string' ? value : String(integerOf(value) ?? '')
}

function textMap(members: { readonly [name: string]: AmqpValue }): AmqpMap {
  return new AmqpMap(Object.entries(members))
}

function refusalOf({ parts }: Connection, thrown: unknown): Answer {
  if (thrown instanceof Fault) {
    return { status: 400, description: thrown.message, condition: thrown.condition, value: null }
  }
  const { code, message } = toHubError(thrown)
  if (code === 'ServerError') {
    parts.hub.log.error({ err: thrown }, 'a request of an event reader failed')
  }
  const { status, amqp } = hubErrors[code]
  return { status, description: message, condition: amqp, value: null }
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
