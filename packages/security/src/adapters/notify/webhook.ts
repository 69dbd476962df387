import { createHmac } from 'node:crypto'
import { request as httpRequest, type IncomingMessage, Agent as PlainAgent } from 'node:http'
import { request as httpsRequest, Agent as TlsAgent } from 'node:https'
import type { WebhookSettings } from '../../notifications/channel.ts'
import type { Delivery } from '../../notifications/delivery.ts'
import { ATTEMPT_TIMEOUT_MS } from '../../notifications/limits.ts'
import type { SendFailure, Transport } from '../../notifications/transport.ts'
import { reasonOf } from './reason.ts'

/** Requests at a time. */
const REQUESTS_AT_ONCE = 4
/** Nothing of an answer's body is used; what is longer costs the connection. */
const MAX_ANSWER_BYTES = 64 * 1024
/** Answers that say that this very body is wrong. */
const PERMANENT_STATUSES = [400, 413, 415, 422]

/** POSTs each notification as a JSON document, signed when there is a secret. Follows no redirects. */
export class WebhookTransport implements Transport {
  readonly batch = REQUESTS_AT_ONCE
  readonly pauseMs = 0
  readonly #settings: WebhookSettings
  readonly #userAgent: string
  readonly #agent: PlainAgent | TlsAgent
  readonly #closing = new AbortController()

  constructor(settings: WebhookSettings, version: string) {
    this.#settings = settings
    this.#userAgent = `Twinward/${version}`
    const options = { keepAlive: true, maxSockets: REQUESTS_AT_ONCE }
    const { ca } = settings
    this.#agent = this.#isPlain
      ? new PlainAgent(options)
      : new TlsAgent({
          ...{ ...options, minVersion: 'TLSv1.2', rejectUnauthorized: true },
          ...(ca !== undefined && { ca }),
        })
  }

  async send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    return Promise.all(deliveries.map((delivery) => this.#post(delivery)))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#agent.destroy()
  }

  get #isPlain(): boolean {
    return new URL(this.#settings.url).protocol === 'http:'
  }

  async #post(delivery: Delivery): Promise<SendFailure | undefined> {
    const timeout = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)
    try {
      const signal = AbortSignal.any([timeout, this.#closing.signal])
      return refusalOf(await this.#exchange(delivery, signal))
    } catch (error) {
      if (this.#closing.signal.aborted) return { reason: 'the channel is closed' }
      if (timeout.aborted) return { reason: `no answer within ${ATTEMPT_TIMEOUT_MS / 1_000} s` }
      return { reason: reasonOf(error) }
    }
  }

  /** @returns the status of the answer, once it has ended */
  #exchange(delivery: Delivery, signal: AbortSignal): Promise<number> {
    const body = Buffer.from(JSON.stringify(delivery.body))
    const request = this.#isPlain ? httpRequest : httpsRequest
    return new Promise((resolve, reject) => {
      const call = request(
        this.#settings.url,
        { method: 'POST', agent: this.#agent, headers: this.#headers(delivery, body), signal },
        (answer) => drain(answer).then(() => resolve(answer.statusCode ?? 0), reject),
      )
      call.on('error', reject)
      call.end(body)
    })
  }

  #headers(delivery: Delivery, body: Buffer): Record<string, string | number> {
    const { secret, authorization } = this.#settings
    return {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': body.byteLength,
      'User-Agent': this.#userAgent,
      'X-Twinward-Event': delivery.event,
      'X-Twinward-Delivery': delivery.id,
      'X-Twinward-Timestamp': delivery.body.timeUtc,
      ...(secret !== undefined && { 'X-Twinward-Signature': signatureOf(secret, body) }),
      ...(authorization !== undefined && { Authorization: authorization }),
    }
  }
}

function signatureOf(secret: string, body: Buffer): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

/** Reads the answer to its end, so that the connection can be used again. */
async function drain(answer: IncomingMessage): Promise<void> {
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    // Leaving the loop destroys the connection.
    if (bytes > MAX_ANSWER_BYTES) return
  }
}

function refusalOf(status: number): SendFailure | undefined {
  if (status >= 200 && status < 300) return undefined
  if (status >= 300 && status < 400) {
    return { reason: `HTTP ${status}: redirects are not followed; give the address it leads to` }
  }
  return { reason: `HTTP ${status}`, isPermanent: PERMANENT_STATUSES.includes(status) }
}
