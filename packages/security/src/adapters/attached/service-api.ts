import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { isIP } from 'node:net'
import { HubError, type JsonValue } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import { type HubAddress, serviceToken, TOKEN_LIFE_MS } from './hub-address.ts'
import { readRefusal } from './refusal.ts'

const API_VERSION = '2021-04-12'
/** A page of twins is the largest answer: 100 of at most 72 KiB. */
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
/** Requests at a time; a hub throttles by the minute. */
const MAX_SOCKETS = 4
/** How often a call is tried that the hub throttled or that could not reach it. */
const MAX_ATTEMPTS = 5
/** Pause before the second attempt; each further one doubles it. IoT Hub asks for 10 s in all. */
const FIRST_PAUSE_MS = 500

export interface ServiceCall {
  readonly body?: JsonValue
  /** `"etag"` in quotes, or `*`. */
  readonly ifMatch?: string
  readonly continuation?: string
  readonly maxItems?: number
}

export interface ServiceAnswer {
  readonly body: JsonValue
  /** `x-ms-continuation`; '' on the last page. */
  readonly continuation: string
}

/** The public service API of a hub, as any service would call it. */
export class ServiceApi {
  readonly #address: HubAddress
  readonly #clock: Clock
  readonly #agent: Agent
  readonly #closing = new AbortController()
  #token = { text: '', expiresMs: 0 }

  constructor(address: HubAddress, clock: Clock) {
    this.#address = address
    this.#clock = clock
    const { hostName, ca } = address
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      ...(isIP(hostName) === 0 && { servername: hostName }),
      ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
    })
  }

  /**
   * Calls; a throttled call and one that did not reach the hub are tried again after a pause. A write
   * that was sent and whose answer was lost is not repeated unless it may be.
   *
   * @throws {HubError} what the hub refuses with; `ServiceUnavailable` when it cannot be reached
   */
  async call(method: string, path: string, call: ServiceCall = {}): Promise<ServiceAnswer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(method, path, call)
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !mayRepeat(error, method)) throw error
        await this.#clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), this.#closing.signal)
      }
    }
  }

  close(): void {
    this.#closing.abort(new HubError('ServiceUnavailable', 'The service is stopping.'))
    this.#agent.destroy()
  }

  async #once(method: string, path: string, call: ServiceCall): Promise<ServiceAnswer> {
    const text = call.body === undefined ? undefined : JSON.stringify(call.body)
    const signal = AbortSignal.any([AbortSignal.timeout(REQUEST_TIMEOUT_MS), this.#closing.signal])
    const { status, headers, answer } = await this.#exchange(method, path, call, { text, signal })
    if (status < 200 || status > 299) {
      throw readRefusal(status, String(headers['iothub-errorcode'] ?? ''), answer)
    }
    const continuation = String(headers['x-ms-continuation'] ?? '')
    try {
      return { body: answer === '' ? null : JSON.parse(answer), continuation }
    } catch {
      throw new HubError('ServiceUnavailable', 'The hub does not answer in JSON.')
    }
  }

  async #exchange(
    method: string,
    path: string,
    call: ServiceCall,
    { text, signal }: { readonly text: string | undefined; readonly signal: AbortSignal },
  ): Promise<{ status: number; headers: IncomingMessage['headers']; answer: string }> {
    const { hostName: host, httpsPort: port } = this.#address
    const separator = path.includes('?') ? '&' : '?'
    const target = path.startsWith('/api/') ? path : `${path}${separator}api-version=${API_VERSION}`
    try {
      const sent = request({
        agent: this.#agent,
        ...{ host, port, method, signal, path: target },
        headers: this.#headers(call, text),
      })
      sent.end(text)
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      const answer = await readBody(response)
      return { status: response.statusCode ?? 0, headers: response.headers, answer }
    } catch (error) {
      if (error instanceof HubError) throw error
      throw unreachable(this.#address, error)
    }
  }

  #headers({ ifMatch, continuation, maxItems }: ServiceCall, text: string | undefined) {
    return {
      accept: 'application/json',
      authorization: this.#authorization(),
      ...(text !== undefined && {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
      }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(continuation !== undefined && { 'x-ms-continuation': continuation }),
      ...(maxItems !== undefined && { 'x-ms-max-item-count': maxItems }),
    }
  }

  /** A token is used for half of its life, so that clocks may differ. */
  #authorization(): string {
    const nowMs = this.#clock.now()
    if (nowMs >= this.#token.expiresMs) {
      const text = serviceToken(this.#address, this.#clock)
      this.#token = { text, expiresMs: nowMs + TOKEN_LIFE_MS / 2 }
    }
    return this.#token.text
  }
}

/** Refused before anything was done; or reads, which may be done twice. */
function mayRepeat(error: unknown, method: string): boolean {
  if (!(error instanceof HubError)) return false
  if (error.code === 'ThrottlingException') return true
  return error.code === 'ServiceUnavailable' && method === 'GET'
}

function unreachable({ hostName, httpsPort }: HubAddress, cause: unknown): HubError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new HubError(
    'ServiceUnavailable',
    `The hub ${hostName}:${httpsPort} cannot be reached: ${reason}`,
    { cause },
  )
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new HubError('ServiceUnavailable', 'The answer of the hub is too large.')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
