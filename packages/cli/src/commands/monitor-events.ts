import {
  apiOf,
  type Command,
  type Context,
  type Input,
  type Option,
  targetOf,
  UsageError,
} from '../command.ts'
import { readReady } from '../data-dir.ts'
import type { HubEvent } from '../event-receiver.ts'
import { formatTime, printable, shorten } from '../output.ts'
import { stopSignal } from '../stop-signal.ts'
import { DEFAULT_AMQP_PORT, type Target } from '../target.ts'

const DEFAULT_GROUP = '$Default'
const MAX_COUNT = 999_999_999
/** Of a body, as a person reads it. */
const MAX_BODY_CHARACTERS = 2000
const MAX_PORT = 65_535
const FROM = {
  earliest: "amqp.annotation.x-opt-offset > '-1'",
  latest: "amqp.annotation.x-opt-offset > '@latest'",
} as const

const OPTIONS: readonly Option[] = [
  { flags: '--device <id>', description: 'only of this device and its modules' },
  { flags: '--consumer-group <name>', description: 'read as', defaultText: DEFAULT_GROUP },
  {
    flags: '--from <start>',
    description: 'earliest, latest, or a time such as 2026-01-31T12:00:00Z',
    defaultText: 'latest',
  },
  { flags: '--partition <n>', description: 'only this one', defaultText: 'all' },
  {
    flags: '--count <n>',
    description: 'end once so many were printed',
    defaultText: 'until Ctrl-C',
    integer: { min: 1, max: MAX_COUNT },
  },
  {
    flags: '--amqp-port <n>',
    description: 'where the server listens for AMQP',
    defaultText: "the data directory's server's own; 5671 with --url",
    integer: { min: 1, max: MAX_PORT },
  },
]

export const monitorEvents: Command = {
  options: OPTIONS,
  talksTo: 'server',
  details:
    'It reads the Event Hubs compatible endpoint over AMQP. Reading takes nothing away: others get\n' +
    'the same events. Security messages are not among them. With --json each event is an object on a\n' +
    'line of its own.',
  examples: [
    ['monitor events', 'print events as they come, until Ctrl-C'],
    ['monitor events --device pump-1 --from earliest', 'all that is kept of one device'],
    ['monitor events --json --count 1', 'wait for one, as an object on one line'],
  ],

  async run(input, context) {
    const filter = readFrom(input.text('from') ?? 'latest')
    const deviceId = input.text('device')
    const target = targetOf(input, context)
    const request = {
      filter,
      amqpPort: amqpPortOf(input, target),
      consumerGroup: input.text('consumerGroup') ?? DEFAULT_GROUP,
      partitions: await partitionsOf(input, context),
    }
    const stop = stopSignal()
    const enough = new AbortController()
    let missing = input.integer('count') ?? Number.POSITIVE_INFINITY
    const handle = async (event: HubEvent) => {
      const isWanted = deviceId === undefined || textOf(event, CONNECTION.device) === deviceId
      if (!isWanted || missing <= 0) return
      await context.out.deliver(context.out.isJson ? JSON.stringify(asJson(event)) : asText(event))
      if (--missing <= 0) enough.abort()
    }
    if (!context.out.isJson) context.out.note('Waiting for events; Ctrl-C ends.')
    // rhea takes a while to load; only this command needs it.
    const { receiveEvents } = await import('../event-receiver.ts')
    await receiveEvents(target, request, handle, AbortSignal.any([stop, enough.signal]))
  },
}

const CONNECTION = {
  device: 'iothub-connection-device-id',
  module: 'iothub-connection-module-id',
} as const

/** Where reading starts, as the endpoint is told. */
function readFrom(text: string): string {
  if (text === 'earliest' || text === 'latest') return FROM[text]
  const timeMs = Date.parse(text)
  if (Number.isNaN(timeMs) || timeMs < 0) {
    throw new UsageError(`--from ${text}: expected earliest, latest or a time in ISO 8601.`)
  }
  return `amqp.annotation.x-opt-enqueued-time >= '${timeMs}'`
}

function amqpPortOf(input: Input, { dataDir }: Target): number {
  const own = dataDir === undefined ? undefined : readReady(dataDir)?.amqpPort
  return input.integer('amqpPort') ?? own ?? DEFAULT_AMQP_PORT
}

interface EventsInfo {
  readonly partitions: readonly { readonly partitionId: string }[]
}

async function partitionsOf(input: Input, context: Context): Promise<readonly string[]> {
  const { partitions } = await apiOf(input, context).get<EventsInfo>('/api/events')
  const ids = partitions.map(({ partitionId }) => partitionId)
  const wanted = input.text('partition')
  if (wanted === undefined) return ids
  if (ids.includes(wanted)) return [wanted]
  throw new UsageError(`--partition ${wanted}: the partitions are ${ids.join(', ')}.`)
}

function textOf({ annotations }: HubEvent, name: string): string | undefined {
  const value = annotations[name]
  return value === undefined || value === null ? undefined : String(value)
}

function enqueuedTime({ annotations }: HubEvent): string {
  const timeMs = Number(annotations['x-opt-enqueued-time'])
  return Number.isNaN(timeMs) ? '' : new Date(timeMs).toISOString()
}

function asText(event: HubEvent): string {
  const moduleId = textOf(event, CONNECTION.module)
  const identity = `${textOf(event, CONNECTION.device)}${moduleId === undefined ? '' : `/${moduleId}`}`
  const source = textOf(event, 'iothub-message-source')
  const text = utf8Of(event.body)
  const body =
    text === undefined ? `${event.body.length} bytes` : shorten(text, MAX_BODY_CHARACTERS)
  const properties = Object.entries(event.properties).map(([name, value]) => `${name}=${value}`)
  return [
    formatTime(enqueuedTime(event)),
    printable(identity),
    ...(source === undefined || source === 'Telemetry' ? [] : [printable(source)]),
    printable(body),
    ...properties.map(printable),
  ].join('  ')
}

function asJson(event: HubEvent): object {
  const moduleId = textOf(event, CONNECTION.module)
  return {
    deviceId: textOf(event, CONNECTION.device),
    ...(moduleId !== undefined && { moduleId }),
    partition: event.partition,
    sequenceNumber: Number(event.annotations['x-opt-sequence-number']),
    offset: textOf(event, 'x-opt-offset'),
    enqueuedTimeUtc: enqueuedTime(event),
    source: textOf(event, 'iothub-message-source'),
    ...(event.contentType !== undefined && { contentType: event.contentType }),
    properties: event.properties,
    ...bodyOf(event),
  }
}

/** JSON as it is where it says that it is some, a text as a text, and anything else as base64. */
function bodyOf({ body, contentType }: HubEvent): object {
  const text = utf8Of(body)
  if (text === undefined) return { bodyBase64: body.toString('base64') }
  if (contentType?.toLowerCase().startsWith('application/json')) {
    try {
      return { body: JSON.parse(text) }
    } catch {
      // A device may say so and be wrong.
    }
  }
  return { body: text }
}

function utf8Of(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
