// A back end reads events with Microsoft's Event Hubs SDK, over AMQP or WebSocket. What devices do
// meanwhile, and what becomes of the server, it asks of the process that started it.

import assert from 'node:assert/strict'
import {
  type CloseReason,
  EventHubConsumerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type MessagingError,
  type PartitionContext,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs'
import { WebSocket } from 'ws'

const DEADLINE_MS = 30_000
const [transport = '', connection = '', badConnection = ''] = process.argv.slice(2)
const isWebSocket = transport === 'WebSocket'
const retryOptions = { maxRetries: 2, retryDelayInMs: 100, timeoutInMs: 5000 }
const options = { retryOptions, ...(isWebSocket && { webSocketOptions: { webSocket: WebSocket } }) }

const open = (group = '$Default') => new EventHubConsumerClient(group, connection, options)

/** Has the process that started this one do something. */
function ask<T>(what: string, ...args: readonly unknown[]): Promise<T> {
  return new Promise((resolve) => {
    process.once('message', (answer) => resolve(answer as T))
    process.send?.({ what, args })
  })
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  while (!isSo()) {
    if (Date.now() > deadlineMs) throw new Error(`${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

interface Reading {
  readonly events: ReceivedEventData[]
  readonly contexts: PartitionContext[]
  readonly errors: (Error | MessagingError)[]
  readonly closed: CloseReason[]
  close(): Promise<void>
}

function read(
  client: EventHubConsumerClient,
  partition: string | undefined,
  startPosition: EventPosition,
  more: SubscribeOptions = {},
): Reading {
  const reading = {
    events: [] as ReceivedEventData[],
    contexts: [] as PartitionContext[],
    errors: [] as (Error | MessagingError)[],
    closed: [] as CloseReason[],
  }
  const handlers = {
    processEvents: async (events: ReceivedEventData[], context: PartitionContext) => {
      reading.events.push(...events)
      if (events.length > 0) reading.contexts.push(context)
    },
    processError: async (error: Error | MessagingError) => {
      reading.errors.push(error)
    },
    processClose: async (reason: CloseReason) => {
      reading.closed.push(reason)
    },
  }
  const settings = { startPosition, maxWaitTimeInSeconds: 1, ...more }
  const subscription =
    partition === undefined
      ? client.subscribe(handlers, settings)
      : client.subscribe(partition, handlers, settings)
  return { ...reading, close: () => subscription.close() }
}

const bodies = (reading: Reading) => reading.events.map(({ body }) => body.n)
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index)
const send = (deviceId: string, from: number, to: number) => ask('send', deviceId, from, to)

/** What the hub says of itself. */
async function describe(client: EventHubConsumerClient, partition: string): Promise<void> {
  const hub = await client.getEventHubProperties()
  assert.deepEqual(hub.partitionIds, ['0', '1', '2', '3'])
  assert.equal(hub.name, 'messages/events')
  assert.ok(hub.createdOn.getTime() > 1e12)
  const before = await client.getPartitionProperties(partition)
  assert.ok(before.partitionId === partition && before.eventHubName === 'messages/events')
  await send('pump-1', 0, 10)
  const after = await client.getPartitionProperties(partition)
  assert.equal(after.isEmpty, false)
  assert.equal(after.lastEnqueuedSequenceNumber - before.lastEnqueuedSequenceNumber, 10)
  assert.equal(after.lastEnqueuedOffset, String(after.lastEnqueuedSequenceNumber))
  assert.ok(after.beginningSequenceNumber <= after.lastEnqueuedSequenceNumber - 9)
  assert.ok(Math.abs(after.lastEnqueuedOnUtc.getTime() - Date.now()) < 60_000)
  await assert.rejects(client.getPartitionProperties('9'), /partition is invalid/)
}

/** Each start position, on a partition that holds 0 to 9. */
async function startAnywhere(client: EventHubConsumerClient, partition: string): Promise<void> {
  const all = read(client, partition, earliestEventPosition, {
    trackLastEnqueuedEventProperties: true,
  })
  await until(() => all.events.length >= 10, 'all events from the start')
  const ten = all.events.slice(-10)
  assert.deepEqual(
    ten.map(({ body }) => body.n),
    numbers(0, 10),
  )
  const [first] = ten
  const third = ten[3]
  assert.ok(first && third)
  checkEvent(first)
  const metric = all.contexts.at(-1)?.lastEnqueuedEventProperties
  assert.equal(metric?.sequenceNumber, ten.at(-1)?.sequenceNumber)
  assert.equal(metric?.offset, ten.at(-1)?.offset)
  await all.close()

  const { sequenceNumber, offset, enqueuedTimeUtc } = third
  const starts: readonly (readonly [EventPosition, readonly number[]])[] = [
    [{ sequenceNumber }, numbers(4, 10)],
    [{ sequenceNumber, isInclusive: true }, numbers(3, 10)],
    [{ offset }, numbers(4, 10)],
    [{ offset, isInclusive: true }, numbers(3, 10)],
    [{ enqueuedOn: new Date(enqueuedTimeUtc.getTime() - 1) }, numbers(3, 10)],
    [{ enqueuedOn: enqueuedTimeUtc }, numbers(4, 10)],
  ]
  for (const [position, expected] of starts) {
    const reading = read(client, partition, position)
    await until(() => reading.events.length >= expected.length, JSON.stringify(position))
    assert.deepEqual(bodies(reading), expected, JSON.stringify(position))
    await reading.close()
  }
  await startAtTheEnd(client, partition)
  const beyond = read(client, partition, { sequenceNumber: 1_000_000 })
  await until(() => beyond.errors.length > 0, 'the refusal of a number that was never given out')
  assert.match(beyond.errors[0]?.message ?? '', /1000000/)
  await beyond.close()
}

async function startAtTheEnd(client: EventHubConsumerClient, partition: string): Promise<void> {
  const readers = await ask<number>('readers')
  const latest = read(client, partition, latestEventPosition)
  await waitForReaders(readers + 1)
  await send('pump-1', 10, 13)
  await until(() => latest.events.length >= 3, 'events after the end')
  assert.deepEqual(bodies(latest), numbers(10, 13))
  await latest.close()
}

async function waitForReaders(count: number): Promise<void> {
  const deadlineMs = Date.now() + DEADLINE_MS
  while ((await ask<number>('readers')) !== count) {
    if (Date.now() > deadlineMs) throw new Error(`there were never ${count} readers`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function checkEvent(event: ReceivedEventData): void {
  const { systemProperties = {}, properties, contentType, messageId, partitionKey } = event
  assert.deepEqual(properties, { colour: 'red' })
  assert.deepEqual([contentType, messageId, partitionKey], ['application/json', 'm-0', 'pump-1'])
  assert.equal(systemProperties['iothub-connection-device-id'], 'pump-1')
  assert.equal(systemProperties['iothub-message-source'], 'Telemetry')
  assert.equal(typeof systemProperties['iothub-enqueuedtime'], 'number')
  assert.ok(systemProperties['iothub-connection-auth-generation-id'])
  const method = JSON.parse(systemProperties['iothub-connection-auth-method'])
  assert.equal(method.type, 'sas')
  assert.equal(event.offset, String(event.sequenceNumber))
}

/** Owner levels: a higher one takes the place, a lower one and one without are refused. */
async function takeOver(partition: string): Promise<void> {
  await using first = closing(open())
  await using second = closing(open())
  const low = read(first.client, partition, latestEventPosition, { ownerLevel: 1 })
  await waitForReaders(1)
  const none = read(second.client, partition, latestEventPosition)
  await until(() => none.errors.length > 0, 'the refusal of a reader without an owner level')
  assert.equal(codeOf(none.errors[0]), 'ReceiverDisconnectedError')
  await none.close()
  const high = read(second.client, partition, latestEventPosition, { ownerLevel: 2 })
  await until(() => low.errors.length > 0, 'the end of the reader with the lower owner level')
  assert.equal(codeOf(low.errors[0]), 'ReceiverDisconnectedError')
  await send('pump-1', 13, 14)
  await until(() => high.events.length > 0, 'an event at the new owner')
  assert.deepEqual(bodies(high), [13])
  await Promise.all([low.close(), high.close()])
}

function codeOf(error: Error | MessagingError | undefined): string | undefined {
  return error && 'code' in error ? error.code : undefined
}

function closing(client: EventHubConsumerClient) {
  return { client, [Symbol.asyncDispose]: () => client.close() }
}

/** A back end that stops now and then, over a restart of the server, handles every event once or more. */
async function survive(): Promise<void> {
  const devices = ['pump-1', 'pump-2', 'pump-3', 'pump-4', 'pump-5']
  const handled = new Map<string, number[]>()
  /** By partition. */
  const checkpoints: Record<string, EventPosition> = {}
  const work = async (client: EventHubConsumerClient, sent: number) => {
    const subscription = client.subscribe(
      {
        processEvents: async (events, { partitionId }) => {
          for (const { body, partitionKey, offset } of events) {
            const device = String(partitionKey)
            handled.set(device, [...(handled.get(device) ?? []), body.n])
            checkpoints[partitionId] = { offset }
          }
        },
        processError: async () => {},
      },
      { startPosition: { ...startsOf('0', '1', '2', '3'), ...checkpoints }, maxBatchSize: 7 },
    )
    const hasAll = () =>
      devices.every((device) => (handled.get(device)?.at(-1) ?? 0) >= 1000 + sent - 1)
    await until(hasAll, 'every event')
    await subscription.close()
  }
  for (const device of devices) await send(device, 1000, 1030)
  await using before = closing(open())
  await work(before.client, 30)
  for (const device of devices) await send(device, 1030, 1040)
  await ask('restart')
  for (const device of devices) await send(device, 1040, 1060)
  await using after = closing(open())
  await work(after.client, 60)
  for (const device of devices) {
    const own = (handled.get(device) ?? []).filter((n) => n >= 1000)
    assert.deepEqual(own, numbers(1000, 1060), `${device} in order, nothing lost, nothing doubled`)
  }
}

function startsOf(...partitions: readonly string[]): Record<string, EventPosition> {
  return Object.fromEntries(partitions.map((id) => [id, earliestEventPosition]))
}

/** A reader that stays through a restart goes on where it was. */
async function reconnect(partition: string): Promise<void> {
  await using held = closing(open())
  const reading = read(held.client, partition, latestEventPosition)
  await waitForReaders(1)
  await send('pump-1', 2000, 2005)
  await until(() => reading.events.length >= 5, 'events before the restart')
  await ask('restart')
  await send('pump-1', 2005, 2010)
  await until(() => reading.events.length >= 10, 'events after the restart')
  assert.deepEqual([...new Set(bodies(reading))], numbers(2000, 2010))
  await reading.close()
}

async function refuseStrangers(): Promise<void> {
  await using bad = closing(new EventHubConsumerClient('$Default', badConnection, options))
  const refusal = await bad.client.getPartitionIds().catch((error) => error)
  assert.equal(codeOf(refusal.errors.at(-1)), 'UnauthorizedError')
  await using elsewhere = closing(open('nobodys-group'))
  const reading = read(elsewhere.client, '0', earliestEventPosition)
  await until(() => reading.errors.length > 0, 'the refusal of a group that is none')
  assert.match(reading.errors[0]?.message ?? '', /nobodys-group/)
  await reading.close()
}

/** `pump-1` sends to this partition. */
const partition = await ask<string>('partition')
{
  await using main = closing(open())
  await describe(main.client, partition)
  await startAnywhere(main.client, partition)
}
await takeOver(partition)
await refuseStrangers()
await survive()
await reconnect(partition)
await ask('done')
process.exit(0)
