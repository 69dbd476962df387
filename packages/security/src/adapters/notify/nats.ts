import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import type { NatsSettings } from '../../notifications/channel.ts'
import type { Delivery } from '../../notifications/delivery.ts'
import { ATTEMPT_TIMEOUT_MS, MAX_TOGETHER } from '../../notifications/limits.ts'
import { natsSubject } from '../../notifications/nats-subject.ts'
import type { SendFailure, Transport } from '../../notifications/transport.ts'
import { reasonOf } from './reason.ts'
import { unlessClosed } from './unless-closed.ts'

/**
 * Publishes each notification on the subject that its place in the template makes. Sent is what the
 * server has read; with `jetStream`, what a stream has stored.
 */
export class NatsTransport implements Transport {
  readonly batch = MAX_TOGETHER
  readonly pauseMs = 0
  readonly #settings: NatsSettings
  readonly #closing = new AbortController()
  #connection: NatsConnection | undefined

  constructor(settings: NatsSettings) {
    this.#settings = settings
  }

  async send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    try {
      const connection = await this.#connected()
      if (this.#settings.jetStream) {
        return await Promise.all(deliveries.map((delivery) => this.#store(connection, delivery)))
      }
      for (const delivery of deliveries) this.#publish(connection, delivery)
      await withDeadline(connection.flush())
      return deliveries.map(() => undefined)
    } catch (error) {
      await this.#disconnect()
      return deliveries.map(() => ({ reason: reasonOf(error) }))
    }
  }

  close(): Promise<void> {
    this.#closing.abort()
    return this.#disconnect()
  }

  async #connected(): Promise<NatsConnection> {
    if (this.#connection && !this.#connection.isClosed()) return this.#connection
    const { signal } = this.#closing
    if (signal.aborted) throw new Error('the channel is closed')
    const { servers, username, password, token, ca } = this.#settings
    const isTls = ca !== undefined || servers.some((server) => server.startsWith('tls://'))
    const connecting = connect({
      servers: [...servers],
      name: 'twinward',
      timeout: ATTEMPT_TIMEOUT_MS,
      // Trying again is the business of the outbox, which knows what waits.
      reconnect: false,
      ...(username !== undefined && { user: username, pass: password ?? '' }),
      ...(token !== undefined && { token }),
      ...(isTls && { tls: ca === undefined ? {} : { ca } }),
    })
    // One that is made after the end has nobody left who would close it.
    const closeLate = (late: NatsConnection) => (signal.aborted ? late.close() : undefined)
    connecting.then(closeLate).catch(() => {})
    this.#connection = await unlessClosed(signal, connecting)
    return this.#connection
  }

  #publish(connection: NatsConnection, delivery: Delivery): void {
    const subject = natsSubject(this.#settings.subject, delivery)
    connection.publish(subject, JSON.stringify(delivery.body), { headers: headersOf(delivery) })
  }

  /** A publish to a stream is a request; the stream answers once it has the message. */
  async #store(connection: NatsConnection, delivery: Delivery): Promise<SendFailure | undefined> {
    const subject = natsSubject(this.#settings.subject, delivery)
    try {
      const answer = await connection.request(subject, JSON.stringify(delivery.body), {
        timeout: ATTEMPT_TIMEOUT_MS,
        headers: headersOf(delivery),
      })
      const { stream, error } = answer.json<{ stream?: string; error?: { description?: string } }>()
      if (stream !== undefined) return undefined
      return {
        reason: `JetStream refused: ${String(error?.description ?? 'no stream').slice(0, 200)}`,
      }
    } catch (error) {
      const reason = reasonOf(error)
      const isNobody = /no responders/i.test(reason)
      return { reason: isNobody ? `no stream takes the subject ${subject}` : reason }
    }
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.close().catch(() => {})
  }
}

/** A stream drops what has the id of a message that it holds. */
function headersOf({ id, event }: Delivery) {
  const all = headers()
  all.set('Nats-Msg-Id', id)
  all.set('Twinward-Event', event)
  return all
}

async function withDeadline(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the server does not answer')), ATTEMPT_TIMEOUT_MS)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
