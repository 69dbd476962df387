import { HubError, hubErrors, toHubError } from '@twinward/protocol'
import type { Connection } from './connection.ts'
import { type Incoming, IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import { Fault } from './wire/fault.ts'
import { bodyOf, decodeMessage, encodeMessage, type Message } from './wire/message.ts'
import { AmqpMap, idOf, int, symbol } from './wire/values.ts'

const SAS = 'servicebus.windows.net:sastoken'
/** Where the answers of a session go: its receiver on `$cbs`. */
const receivers = new WeakMap<object, OutgoingLink>()

/**
 * Claims-based security (04 §2): a client proves itself after the connection is open.
 *
 *     → operation put-token, type servicebus.windows.net:sastoken, name hub.example.net/devices/d, body: token
 *     ← correlation-id of the request, status-code 200 (int), status-description, error-condition
 */
export function serveCbs(connection: Connection, link: Link): void {
  connection.clients.usesCbs = true
  if (link instanceof IncomingLink) {
    link.accept({ received: (delivery) => void receiveRequest(connection, link, delivery) })
  } else {
    receivers.set(link.session, link)
    link.accept({})
  }
}

async function receiveRequest(
  connection: Connection,
  link: IncomingLink,
  delivery: Incoming,
): Promise<void> {
  let request: Message | undefined
  let status: Status = { code: 200, description: 'OK' }
  try {
    request = decodeMessage(delivery.bytes)
    await putToken(connection, request)
  } catch (thrown) {
    status = refusalOf(connection, thrown)
  }
  delivery.settle({ kind: 'accepted' })
  const receiver = receivers.get(link.session)
  if (!receiver) return
  receiver.sendLater(
    encodeMessage({
      properties: { correlationId: idOf(request?.properties.messageId) },
      application: new AmqpMap([
        ['status-code', int(status.code)],
        ['status-description', status.description],
        ...(status.condition ? ([['error-condition', symbol(status.condition)]] as const) : []),
      ]),
      value: null,
    }),
  )
}

async function putToken({ clients }: Connection, request: Message): Promise<void> {
  const { application, value } = request
  const operation = application.get('operation')
  const type = application.get('type')
  const name = application.get('name')
  if (operation !== 'put-token') throw invalid('operation must be put-token.')
  if (type !== SAS) throw invalid(`type must be ${SAS}.`)
  if (typeof name !== 'string') throw invalid('name must be the audience.')
  const token = typeof value === 'string' ? value : bodyOf(request).toString('utf8')
  await clients.putToken(name, token)
}

interface Status {
  readonly code: number
  readonly description: string
  /** Of a refusal, as it would be on a link (04 §8). */
  readonly condition?: string
}

function refusalOf({ parts }: Connection, thrown: unknown): Status {
  if (thrown instanceof Fault) {
    return { code: 400, description: thrown.message, condition: thrown.condition }
  }
  const { code, message } = toHubError(thrown)
  if (code === 'ServerError') parts.hub.log.error({ err: thrown }, 'a token could not be checked')
  const { status, amqp } = hubErrors[code]
  return { code: status, description: message, condition: amqp }
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
