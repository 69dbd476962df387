import { isIP } from 'node:net'
import { HubError } from '@twinward/protocol'
import rhea, {
  type Connection,
  type EventContext,
  type Message,
  type Receiver,
  type Sender,
} from 'rhea'
import type { Clock } from '../../clock.ts'
import { connectionError, type LinkError, linkError } from './connection-error.ts'
import { firstEvent } from './first-event.ts'
import { type HubAddress, serviceToken } from './hub-address.ts'

const CONNECT_TIMEOUT_MS = 30_000
/** How long the other end may take to say goodbye. */
const CLOSE_TIMEOUT_MS = 5_000
/** The hub closes a connection that is silent for longer; both ends send empty frames before. */
const IDLE_TIMEOUT_MS = 60_000
/** The AMQP code of the filter that selects where a reader starts. */
const SELECTOR_FILTER = 0x468c00000004

/** rhea has several names for one end of a connection; whatever comes first decides. */
const CONNECTION_ENDS = ['connection_error', 'connection_close', 'disconnected', 'error']
const REFUSALS = [...CONNECTION_ENDS, 'receiver_error', 'sender_error']

/** Where the events of a hub are read. */
export interface EventEndpoint {
  readonly host: string
  readonly port: number
  readonly entity: string
}

/** A connection to the event endpoint of a hub. */
export class EventClient {
  readonly #connection: Connection
  readonly #entity: string

  private constructor(connection: Connection, entity: string) {
    this.#connection = connection
    this.#entity = entity
  }

  /**
   * Asks the hub where its events are, and connects there.
   *
   * @throws {HubError} `IotHubUnauthorizedAccess`; `ServiceUnavailable`
   */
  static async connect(address: HubAddress, clock: Clock, signal: AbortSignal) {
    const endpoint = await findEndpoint(address, clock, signal)
    const connection = await open({
      address,
      host: endpoint.host,
      port: endpoint.port,
      username: address.policyName,
      password: address.policyKey,
      signal,
    })
    return new EventClient(connection, endpoint.entity)
  }

  /** Called once, when the connection is gone, whoever ended it. */
  onEnd(listener: (reason: string) => void): void {
    let hasEnded = false
    const end = (context: EventContext) => {
      if (hasEnded) return
      hasEnded = true
      listener(context.error?.message ?? 'the connection was closed')
    }
    this.#connection.once('connection_close', end)
    this.#connection.once('disconnected', end)
  }

  /** The partitions' ids. @throws {HubError} */
  async partitions(signal: AbortSignal): Promise<readonly string[]> {
    const address = `${this.#entity}/$management`
    const replyTo = `twinward-${rhea.generate_uuid()}`
    const receiver = this.#connection.open_receiver({
      source: address,
      target: replyTo,
      credit_window: 1,
    })
    const sender = this.#connection.open_sender(address)
    try {
      await Promise.all([opened(receiver, signal), sendable(sender, signal)])
      const answered = firstEvent<EventContext>(receiver, ['message'], signal)
      sender.send({
        message_id: replyTo,
        reply_to: replyTo,
        application_properties: {
          operation: 'READ',
          name: this.#entity,
          type: 'com.microsoft:eventhub',
        },
        body: rhea.message.data_section(Buffer.from('[]')),
      })
      const { value } = await answered
      return readPartitions(value.message)
    } finally {
      sender.close()
      receiver.close()
    }
  }

  /**
   * Reads one partition for a consumer group. The caller grants credit (`add_credit`) and accepts each
   * delivery when it has it.
   *
   * @param after  an offset, `-1` for the oldest there is, `@latest` for what comes from now on
   * @throws {HubError} `GenericNotFound` for an unknown consumer group
   */
  async receive(
    { group, partition, after }: { group: string; partition: string; after: string },
    onMessage: (context: EventContext) => void,
    signal: AbortSignal,
  ): Promise<Receiver> {
    const selector = `amqp.annotation.x-opt-offset > '${after}'`
    const receiver = this.#connection.open_receiver({
      source: {
        address: `${this.#entity}/ConsumerGroups/${group}/Partitions/${partition}`,
        filter: {
          'apache.org:selector-filter:string': rhea.types.wrap_described(
            rhea.types.wrap_string(selector),
            rhea.types.wrap_ulong(SELECTOR_FILTER),
          ),
        },
      },
      autoaccept: false,
      credit_window: 0,
    })
    receiver.on('message', onMessage)
    await opened(receiver, signal)
    return receiver
  }

  close(): void {
    hangUp(this.#connection)
  }
}

/**
 * A hub redirects readers of `messages/events` to its event endpoint (04 §10): IoT Hub to an Event Hub,
 * others maybe to themselves.
 */
async function findEndpoint(
  address: HubAddress,
  clock: Clock,
  signal: AbortSignal,
): Promise<EventEndpoint> {
  const { hostName, amqpPort, policyName } = address
  const connection = await open({
    address,
    host: hostName,
    port: amqpPort,
    username: `${policyName}@sas.root.${hostName.split('.')[0]}`,
    password: serviceToken(address, clock),
    signal,
  })
  try {
    const receiver = connection.open_receiver({
      source: 'messages/events/$management',
      credit_window: 0,
    })
    await answerOrEnd(connection, receiver, signal)
    const error = receiver.error as LinkError | undefined
    if (error?.condition !== 'amqp:link:redirect') throw linkError(error)
    return readRedirect(error.info ?? {})
  } finally {
    hangUp(connection)
  }
}

/** A link does not hear of its connection's end. */
async function answerOrEnd(
  connection: Connection,
  receiver: Receiver,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const limited = AbortSignal.any([signal, over.signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)])
  const answered = firstEvent(receiver, ['receiver_error', 'receiver_close'], limited)
  const ended = firstEvent<EventContext>(connection, CONNECTION_ENDS, limited)
  try {
    await Promise.race([
      answered,
      ended.then(({ value }) => {
        throw connectionError(value, 'of the hub')
      }),
    ])
  } catch (error) {
    if (error instanceof HubError || signal.aborted) throw error
    const text = 'The hub does not say in time where its events are.'
    throw new HubError('ServiceUnavailable', text, { cause: error })
  } finally {
    // The one that did not come must not be reported as nobody's.
    answered.catch(() => {})
    ended.catch(() => {})
    over.abort(new Error('it is known'))
  }
}

function readRedirect(info: { readonly [key: string]: unknown }): EventEndpoint {
  const [, host, port, entity] =
    /^amqps:\/\/([^/:]+)(?::(\d+))?\/(.+?)\/\$management\/?$/.exec(String(info.address)) ?? []
  if (host === undefined || entity === undefined) {
    throw new HubError('ServiceUnavailable', 'The hub redirects event readers to no address.')
  }
  return { host, port: Number(port ?? info.port ?? 5671), entity }
}

interface OpenOptions {
  readonly address: HubAddress
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly signal: AbortSignal
}

async function open(options: OpenOptions): Promise<Connection> {
  const { host, port, username, password, signal } = options
  const container = rhea.create_container()
  const connection = container.connect({
    ...{ host, port, username, password },
    transport: 'tls',
    hostname: host,
    // An address is no server name; without this rhea would send it as one.
    servername: isIP(host) === 0 ? host : '',
    ...(options.address.ca !== undefined && { ca: [options.address.ca] }),
    rejectUnauthorized: true,
    reconnect: false,
    idle_time_out: IDLE_TIMEOUT_MS,
  })
  // Without a listener rhea would throw or print what a later end says; `onEnd` hears of it.
  for (const name of REFUSALS) connection.on(name, () => {})
  const limited = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)])
  try {
    const first = await firstEvent<EventContext>(
      connection,
      ['connection_open', ...CONNECTION_ENDS],
      limited,
    )
    if (first.name !== 'connection_open') throw connectionError(first.value, `${host}:${port}`)
    return connection
  } catch (error) {
    cutOff(connection)
    if (error instanceof HubError || signal.aborted) throw error
    throw new HubError('ServiceUnavailable', `${host}:${port} did not answer over AMQP in time.`, {
      cause: error,
    })
  }
}

/** Says goodbye, and does not wait for ever until the other end has said it too. */
function hangUp(connection: Connection): void {
  connection.close()
  AbortSignal.timeout(CLOSE_TIMEOUT_MS).addEventListener('abort', () => cutOff(connection))
}

/** rhea leaves a socket alone that is not ready, or whose other end does not answer. */
function cutOff(connection: Connection): void {
  connection.close()
  // With an error, or rhea would go on with its timers.
  connection.get_tls_socket()?.destroy(new Error('the connection was given up'))
}

/** A refused link is opened first, with nothing at its other end, and closed right after (2.6.3). */
async function opened(link: Receiver | Sender, signal: AbortSignal): Promise<void> {
  const role = link.is_receiver() ? 'receiver' : 'sender'
  const refusals = [`${role}_error`, `${role}_close`]
  const first = await firstEvent(link, [`${role}_open`, ...refusals], signal)
  if (first.name !== `${role}_open`) throw linkError(link.error)
  const end = link.is_receiver() ? (link as Receiver).source : (link as Sender).target
  if (end) return
  await firstEvent(link, refusals, signal)
  throw linkError(link.error)
}

async function sendable(sender: Sender, signal: AbortSignal): Promise<void> {
  await opened(sender, signal)
  if (!sender.sendable()) await firstEvent(sender, ['sendable'], signal)
}

function readPartitions(message: Message | undefined): readonly string[] {
  const ids = (message?.body as { readonly partition_ids?: unknown } | undefined)?.partition_ids
  if (!Array.isArray(ids) || ids.length === 0) {
    const { 'status-description': text } = message?.application_properties ?? {}
    throw new HubError('ServiceUnavailable', `The event endpoint names no partitions: ${text}`)
  }
  return ids.map(String)
}
