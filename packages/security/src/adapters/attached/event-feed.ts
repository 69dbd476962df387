import { HubError } from '@twinward/protocol'
import type { EventContext, Receiver } from 'rhea'
import type { Clock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { EventClient } from './event-client.ts'
import type { HubAddress } from './hub-address.ts'
import { type HubEvent, readHubEvent } from './hub-event.ts'

/** Events of one partition that may be under way to us. */
const CREDIT = 256
/** Pause before a broken connection is made anew; each further failure doubles it. */
const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000
/** How often a feed without room looks whether there is some. */
const ROOM_PAUSE_MS = 500

/** Events of one partition, in order, up to and including `offset`. */
export interface EventBatch {
  readonly partition: string
  readonly offset: string
  readonly events: readonly HubEvent[]
}

export interface EventFeedOptions {
  readonly consumerGroup: string
  /** The offset after which a partition is read; `-1` for everything, `@latest` for what comes. */
  readonly startAfter: (partition: string) => string
  /** Resolves when the batch needs no reading again; one at a time per partition. */
  readonly take: (batch: EventBatch) => Promise<void>
  /** False: nothing more is asked for until it is true again. */
  readonly hasRoom?: () => boolean
}

interface Ports {
  readonly clock: Clock
  readonly log: Log
}

/** Reads all partitions of a hub's events for one consumer group, connection after connection. */
export class EventFeed {
  readonly #address: HubAddress
  readonly #options: EventFeedOptions
  readonly #ports: Ports
  readonly #closing = new AbortController()
  #work: Promise<void> | undefined
  #failure: string | undefined = 'no connection yet'

  constructor(address: HubAddress, options: EventFeedOptions, ports: Ports) {
    this.#address = address
    this.#options = options
    this.#ports = ports
  }

  /** Why nothing is read at the moment; `undefined` when all is well. */
  get failure(): string | undefined {
    return this.#failure
  }

  start(): void {
    this.#work ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort(new HubError('ServiceUnavailable', 'The service is stopping.'))
    await this.#work
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { clock, log } = this.#ports
    for (let failures = 0; !signal.aborted; failures++) {
      const beganMs = clock.now()
      const reason = await this.#readOnce(signal).catch((error: unknown) => error as Error)
      if (signal.aborted) return
      // A connection that held for a while does not count as a failure in a row.
      if (clock.now() - beganMs > MAX_PAUSE_MS) failures = 0
      this.#failure = reason.message
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS)
      const { consumerGroup } = this.#options
      log.warn(
        { err: reason, consumerGroup, pauseMs },
        'events of the hub are not read; trying again',
      )
      await clock.sleep(pauseMs, signal).catch(() => {})
    }
  }

  /** Ends with the connection, or with a partition that is not ours to read any more. */
  async #readOnce(signal: AbortSignal): Promise<never> {
    const over = new AbortController()
    const both = AbortSignal.any([signal, over.signal])
    const client = await EventClient.connect(this.#address, this.#ports.clock, signal)
    const ended = new Promise<never>((_, reject) => {
      client.onEnd((reason) => reject(new Error(reason)))
    })
    ended.catch(() => {})
    try {
      const partitions = await Promise.race([client.partitions(both), ended])
      const opening = partitions.map((id) => this.#openPartition(client, id, both))
      const readers = await Promise.race([Promise.all(opening), ended])
      this.#failure = undefined
      return await Promise.race([...readers.map((read) => read()), ended])
    } finally {
      over.abort(new Error('the connection is over'))
      client.close()
    }
  }

  /** @returns what reads it until the signal aborts, and then throws its reason */
  async #openPartition(
    client: EventClient,
    partition: string,
    signal: AbortSignal,
  ): Promise<() => Promise<never>> {
    const { consumerGroup: group, startAfter } = this.#options
    const queue = new Arrivals(signal)
    const from = { group, partition, after: startAfter(partition) }
    const receiver = await client.receive(from, (context) => queue.add(context), signal)
    receiver.once('receiver_error', () => queue.end(new Error(String(receiver.error))))
    return async () => {
      for (let asked = 0; ; ) {
        asked += await this.#ask(receiver, asked, signal)
        const batch = await queue.take()
        await this.#take(partition, batch)
        asked -= batch.length
      }
    }
  }

  /** Grants credit for what is not under way already. @returns how much */
  async #ask(receiver: Receiver, asked: number, signal: AbortSignal): Promise<number> {
    const { hasRoom = () => true } = this.#options
    while (!hasRoom()) await this.#ports.clock.sleep(ROOM_PAUSE_MS, signal)
    const more = CREDIT - asked
    if (more > 0) receiver.add_credit(more)
    return more
  }

  async #take(partition: string, contexts: readonly EventContext[]): Promise<void> {
    const events = contexts.flatMap(({ message }) => {
      const event = message && readHubEvent(message)
      return event ? [event] : []
    })
    const last = events.at(-1)
    if (last) await this.#options.take({ partition, offset: last.offset, events })
    for (const { delivery } of contexts) delivery?.accept()
  }
}

/** What arrived and is not taken yet: no more than the credit that was granted. */
class Arrivals {
  readonly #waiting: EventContext[] = []
  #failure: Error | undefined
  #wake = () => {}

  constructor(signal: AbortSignal) {
    signal.addEventListener('abort', () => this.end(signal.reason), { once: true })
  }

  add(context: EventContext): void {
    this.#waiting.push(context)
    this.#wake()
  }

  end(reason: Error): void {
    this.#failure ??= reason
    this.#wake()
  }

  /** All that waits, as soon as something does. @throws why nothing will come any more */
  async take(): Promise<readonly EventContext[]> {
    while (this.#waiting.length === 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure) throw this.#failure
    return this.#waiting.splice(0)
  }
}
