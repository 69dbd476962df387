import rhea, { type Connection, type EventContext, type Receiver } from 'rhea'
import { tlsOptions } from './api-client.ts'
import { CommandError } from './command.ts'
import { connectionError } from './connection-error.ts'
import type { Target } from './target.ts'

/** Events of a partition that are on their way or wait to be printed. */
const CREDIT = 100
/** A sign of life is due from the server in this time. */
const IDLE_TIMEOUT_MS = 60_000
const SELECTOR = 'apache.org:selector-filter:string'
const SELECTOR_CODE = 0x468c00000004

/** An event as the hub's Event Hubs compatible endpoint gives it. */
export interface HubEvent {
  readonly partition: string
  /** `iothub-…`, `x-opt-…` and `dt-…`. */
  readonly annotations: { readonly [name: string]: unknown }
  readonly contentType: string | undefined
  readonly properties: { readonly [name: string]: unknown }
  readonly body: Buffer
}

export interface EventRequest {
  readonly amqpPort: number
  readonly consumerGroup: string
  readonly partitions: readonly string[]
  /** Such as `amqp.annotation.x-opt-offset > '-1'`. */
  readonly filter: string
}

/**
 * Receives events until the signal aborts. They are handled one by one; what is not handled yet waits
 * at the server.
 *
 * @throws {CommandError} when the server cannot be reached, refuses or goes away
 */
export async function receiveEvents(
  target: Target,
  request: EventRequest,
  handle: (event: HubEvent) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const connection = open(target, request.amqpPort)
  let handling = Promise.resolve()
  try {
    await new Promise<void>((resolve, reject) => {
      if (signal.aborted) return resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
      rejectOnFailure(connection, target, request.amqpPort, reject)
      for (const partition of request.partitions) {
        const receiver = openReceiver(connection, request, partition)
        receiver.on('receiver_error', () => reject(new CommandError(refusalOf(receiver))))
        receiver.on('message', (context: EventContext) => {
          handling = handling.then(async () => {
            if (signal.aborted) return
            await handle(eventOf(context, partition))
            receiver.add_credit(1)
          })
          handling.catch(reject)
        })
        receiver.add_credit(CREDIT)
      }
    })
  } finally {
    connection.close()
  }
}

function open({ host, hostName, policy, ...target }: Target, port: number): Connection {
  if (!policy) throw new CommandError('Reading events needs the login of a policy: give --login.')
  return rhea.create_container().connect({
    ...(tlsOptions({ host, hostName, ...target }) as object),
    ...{ transport: 'tls', host, port, hostname: hostName, reconnect: false },
    ...{ username: policy.name, password: policy.primaryKey, idle_time_out: IDLE_TIMEOUT_MS },
  } as Parameters<typeof rhea.connect>[0])
}

function openReceiver(
  connection: Connection,
  { consumerGroup, filter }: EventRequest,
  partition: string,
): Receiver {
  const group = encodeURIComponent(consumerGroup)
  return connection.open_receiver({
    source: {
      address: `messages/events/ConsumerGroups/${group}/Partitions/${partition}`,
      filter: { [SELECTOR]: rhea.types.wrap_described(filter, SELECTOR_CODE) },
    },
    credit_window: 0,
  })
}

function rejectOnFailure(
  connection: Connection,
  target: Target,
  port: number,
  reject: (error: CommandError) => void,
): void {
  const place = `${target.host}:${port}`
  connection.on('connection_error', () => {
    const { error } = connection as { readonly error?: { readonly description?: string } }
    reject(new CommandError(`${place} refuses: ${error?.description ?? 'the login is not right.'}`))
  })
  connection.on('disconnected', ({ error }: EventContext) => {
    if (error) reject(connectionError(error, target, port))
    else reject(new CommandError(`${place} has closed the connection.`))
  })
  // Without a listener it would be thrown; `disconnected` follows.
  connection.on('error', () => {})
}

function refusalOf(receiver: Receiver): string {
  const { condition, description } = (receiver.error ?? {}) as {
    readonly condition?: string
    readonly description?: string
  }
  return `${description ?? 'The server ends the reading.'} (${condition ?? 'no reason'})`
}

function eventOf({ message }: EventContext, partition: string): HubEvent {
  const content = (message?.body as { readonly content?: unknown } | undefined)?.content
  const type = message?.content_type
  return {
    partition,
    annotations: { ...message?.message_annotations },
    contentType: type === undefined ? undefined : String(type),
    properties: { ...message?.application_properties },
    body: Buffer.isBuffer(content) ? content : Buffer.alloc(0),
  }
}
