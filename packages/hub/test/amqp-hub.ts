import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { type DeviceRef, formatConnectionString, formatSas, sasResource } from '@twinward/protocol'
import rhea, {
  type Connection,
  type ConnectionOptions,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
} from 'rhea'
import { AmqpGateway, type AmqpGatewayOptions } from '../src/gateways/amqp/server.ts'
import { CLIENT_CERTIFICATES, tlsCertificate } from '../src/gateways/tls-certificate.ts'
import { makeCertificate, type TestCertificate } from './certificate.ts'
import { makeHub, type TestHub, type TestHubOptions } from './hub.ts'

/** A hub whose AMQP gateway listens with TLS on a port of its own. */
export interface AmqpTestHub extends TestHub, AsyncDisposable {
  readonly gateway: AmqpGateway
  readonly port: number
  readonly ca: string
  /** `HostName=localhost;DeviceId=…`; creates the identity when there is none. */
  connectionString(ref: DeviceRef): Promise<string>
  /** Of a policy, `iothubowner` unless another is named. */
  serviceConnectionString(policyName?: string): string
}

let certificate: Promise<TestCertificate> | undefined

export async function startAmqpHub(
  options: TestHubOptions & AmqpGatewayOptions & { readonly port?: number } = {},
): Promise<AmqpTestHub> {
  const hub = makeHub(options)
  const gateway = new AmqpGateway(hub, options)
  certificate ??= makeCertificate()
  const { cert, key, ca } = await certificate
  const server = createServer({ cert, key, ...CLIENT_CERTIFICATES }, (socket) => {
    gateway.accept(socket, {
      address: socket.remoteAddress ?? '',
      certificate: () => tlsCertificate(socket),
      localPort: socket.localPort,
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...hub,
    gateway,
    port,
    ca,
    async connectionString(ref) {
      const sharedAccessKey = await hub.keyOf(ref)
      return formatConnectionString({ hostName: 'localhost', ...ref, sharedAccessKey })
    },
    serviceConnectionString(policyName = 'iothubowner') {
      const policy = hub.policies.find(({ name }) => name === policyName)
      return `HostName=localhost;SharedAccessKeyName=${policyName};SharedAccessKey=${policy?.primaryKey}`
    },
    async [Symbol.asyncDispose]() {
      await gateway.close()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A token of a shared access policy. */
export function policyToken(hub: TestHub, name = 'iothubowner', resource = 'localhost'): string {
  const policy = hub.policies.find((candidate) => candidate.name === name)
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(policy?.primaryKey ?? '', 'base64'))
      .update(text)
      .digest('base64')
  return formatSas(resource, Math.floor(hub.clock.now() / 1000) + 3600, sign, name)
}

/** A token of an identity's own key, good for `seconds` on the hub's clock. */
export async function deviceToken(hub: TestHub, ref: DeviceRef, seconds = 3600): Promise<string> {
  const key = await hub.keyOf(ref)
  return formatSas(
    sasResource('localhost', ref),
    Math.floor(hub.clock.now() / 1000) + seconds,
    (text) => createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64'),
  )
}

export type { Connection, Receiver, Sender, Session }
/** A client that is not Microsoft's, for what their SDKs never do. */
export interface RawClient extends AsyncDisposable {
  readonly connection: Connection
  session(): Session
}

/** Resolves once the hub has opened the connection. */
export async function connectRaw(
  hub: AmqpTestHub,
  options: Partial<ConnectionOptions> = {},
): Promise<RawClient> {
  const connection = rhea.create_container().connect({
    ...{ transport: 'tls', host: 'localhost', port: hub.port, ca: hub.ca, reconnect: false },
    ...options,
  } as ConnectionOptions)
  connection.on('error', () => {})
  connection.on('disconnected', () => {})
  connection.on('session_error', () => {})
  connection.on('session_close', () => {})
  await opened(connection, 'connection_open', ['connection_error', 'disconnected'])
  return {
    connection,
    session() {
      const session = connection.create_session()
      session.begin()
      return session
    },
    async [Symbol.asyncDispose]() {
      if (connection.is_closed()) return
      const closed = new Promise((resolve) => {
        connection.once('connection_close', resolve)
        connection.once('disconnected', resolve)
      })
      connection.close()
      await closed
    },
  }
}

/** Attaches a link that sends. @throws {Error} with the condition as its name */
export function attachSender(
  session: Session,
  address: string,
  options: object = {},
): Promise<Sender> {
  const sender = session.open_sender({ target: { address }, ...options })
  return attached(sender, 'sender')
}

/** Attaches a link that receives; credit is given by the test unless `credit_window` is. */
export function attachReceiver(
  session: Session,
  address: string,
  options: object = {},
): Promise<Receiver> {
  const manual = { credit_window: 0, autoaccept: false }
  const receiver = session.open_receiver({ source: { address }, ...manual, ...options })
  return attached(receiver, 'receiver')
}

/** The condition with which the hub detaches a link. */
export function detached(link: Sender | Receiver): Promise<string> {
  return new Promise((resolve) => {
    const name = link.is_sender() ? 'sender' : 'receiver'
    link.once(`${name}_close` as 'sender_close', () => resolve(conditionOf(link.error)))
    link.once(`${name}_error` as 'sender_error', () => {})
  })
}

/** Sends and resolves with `accepted`, or with the condition of a rejection. */
export function send(sender: Sender, message: object | Buffer, format?: number): Promise<string> {
  return new Promise((resolve) => {
    sender.setMaxListeners(0)
    const delivery = sender.send(message as never, undefined, format as number)
    const settled = ({ delivery: one }: { delivery?: unknown }) => {
      if (one !== delivery) return
      sender.removeListener('settled', settled)
      const { remote_state: state } = delivery as { remote_state?: { error?: unknown } }
      resolve(state?.error ? conditionOf(state.error) : 'accepted')
    }
    sender.on('settled', settled)
  })
}

/** The next `count` messages of a receiver, which gets that much credit. */
export function receive(receiver: Receiver, count = 1): Promise<readonly EventContext[]> {
  return new Promise((resolve) => {
    const contexts: EventContext[] = []
    const take = (context: EventContext) => {
      contexts.push(context)
      if (contexts.length < count) return
      receiver.removeListener('message', take)
      resolve(contexts)
    }
    receiver.on('message', take)
    receiver.add_credit(count)
  })
}

/** Puts a token over links of its own. @returns the status code and what else came with it */
export async function putToken(
  session: Session,
  name: string,
  token: string,
  messageId: unknown = 'request-1',
): Promise<{ readonly status: number; readonly correlationId: unknown }> {
  const receiver = await attachReceiver(session, '$cbs')
  const sender = await attachSender(session, '$cbs')
  const answer = receive(receiver)
  sender.send({
    message_id: messageId as string,
    to: '$cbs',
    reply_to: 'cbs',
    application_properties: { operation: 'put-token', type: SAS_TYPE, name },
    body: token,
  })
  const [context] = await answer
  const { application_properties: properties, correlation_id: correlationId } =
    context?.message ?? {}
  receiver.close()
  sender.close()
  return { status: properties?.['status-code'], correlationId }
}

const SAS_TYPE = 'servicebus.windows.net:sastoken'

function attached<L extends Sender | Receiver>(link: L, name: 'sender' | 'receiver'): Promise<L> {
  return new Promise((resolve, reject) => {
    const refused = () => {
      const error = new Error(`refused: ${conditionOf(link.error)}`)
      error.name = conditionOf(link.error)
      reject(error)
    }
    link.once(`${name}_error` as 'sender_error', refused)
    link.once(`${name}_open` as 'sender_open', () => {
      // A refusal is an attach without the hub's end, then a detach.
      const terminus = name === 'sender' ? link.target : link.source
      if (terminus?.address !== undefined) resolve(link)
    })
  })
}

function opened(
  emitter: Connection,
  event: 'connection_open',
  failures: readonly string[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    emitter.once(event, () => resolve())
    for (const failure of failures) {
      emitter.once(failure as 'disconnected', (context: EventContext) => {
        reject(context.error ?? new Error(failure))
      })
    }
  })
}

function conditionOf(error: unknown): string {
  return (error as { condition?: string } | undefined)?.condition ?? 'no condition'
}

export { rhea }
