import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { isIP } from 'node:net'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import { type DeviceRef, type JsonValue, sasResource } from '@twinward/protocol'
import { readApiError } from './api-error.ts'
import { CommandError } from './command.ts'
import { connectionError } from './connection-error.ts'
import { signToken } from './sign.ts'
import type { Target } from './target.ts'

const API_VERSION = '2021-04-12'
/** No answer of the API is larger: 1,000 devices or items with room to spare. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 30_000
const UPLOAD_TIMEOUT_MS = 120_000
const JSON_TYPE = 'application/json; charset=utf-8'
const LINES_TYPE = 'application/x-ndjson; charset=utf-8'

/** Query parameters; those without a value are left out. */
export type Query = { readonly [name: string]: string | number | undefined }

interface ApiRequest {
  readonly query?: Query
  readonly body?: unknown
  readonly ifMatch?: string
  /** A body that is sent as it is, in place of `body`. */
  readonly lines?: string
  /** Where an earlier page of a query ended, and how many results the next may have. */
  readonly continuation?: string
  readonly maxItems?: number
  readonly timeoutMs?: number
}

/** One page of a query's results; `continuation` is '' on the last. */
export interface QueryPage {
  readonly itemType: string
  readonly rows: readonly JsonValue[]
  readonly continuation: string
}

/** An answer with the mark that its server gave it. */
export interface Tagged<T> {
  readonly value: T | null
  readonly etag: string
}

interface Line {
  readonly method: string
  readonly path: string
  readonly headers: { readonly [name: string]: string | number }
}

/**
 * The service API and the security API of one server. Paths are encoded by the caller; what is
 * answered is taken as `T` without a check: both ends keep the same contract.
 *
 * Every call throws `ApiError` when the server refuses, and `CommandError` when it cannot be talked to.
 */
export interface Api {
  get<T = JsonValue>(path: string, query?: Query): Promise<T>
  /** `value` is null for an empty answer; `etag` is without its quotes, '' for none. */
  getWithEtag<T = JsonValue>(path: string): Promise<Tagged<T>>
  put<T = JsonValue>(path: string, body: unknown, ifMatch?: string): Promise<T>
  patch<T = JsonValue>(path: string, body: unknown, ifMatch?: string): Promise<T>
  /** `timeoutMs`: how long the server may take, for calls that wait for a device. */
  post<T = JsonValue>(path: string, body: unknown, timeoutMs?: number): Promise<T>
  delete<T = void>(path: string, ifMatch?: string): Promise<T>
  /** `continuation`: of the page before, '' for the first. */
  query(text: string, maxItems: number, continuation: string): Promise<QueryPage>
  /** The body of the answer as it comes; it ends with a throw when the server breaks off. */
  download(path: string, query?: Query): Promise<AsyncIterable<Uint8Array>>
  /** Sends lines of JSON. */
  upload<T = JsonValue>(path: string, query: Query, lines: string): Promise<T>
}

/** Speaks HTTPS, signed with the policy's key of the target, if it has one. */
export class ApiClient implements Api {
  readonly #target: Target
  readonly #agent: Agent
  readonly #token: string | undefined

  constructor(target: Target) {
    this.#target = target
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ...tlsOptions(target) })
    const { hostName, policy } = target
    this.#token = policy && signToken(sasResource(hostName), policy.primaryKey, policy.name)
  }

  get<T = JsonValue>(path: string, query: Query = {}): Promise<T> {
    return this.#call<T>('GET', path, { query })
  }

  async getWithEtag<T = JsonValue>(path: string): Promise<Tagged<T>> {
    const { body, headers } = await this.#ask('GET', path, {})
    return { value: body as T | null, etag: (headers.etag ?? '').replaceAll('"', '') }
  }

  put<T = JsonValue>(path: string, body: unknown, ifMatch?: string): Promise<T> {
    return this.#call<T>('PUT', path, { body, ...(ifMatch !== undefined && { ifMatch }) })
  }

  patch<T = JsonValue>(path: string, body: unknown, ifMatch?: string): Promise<T> {
    return this.#call<T>('PATCH', path, { body, ...(ifMatch !== undefined && { ifMatch }) })
  }

  post<T = JsonValue>(path: string, body: unknown, timeoutMs = REQUEST_TIMEOUT_MS): Promise<T> {
    return this.#call<T>('POST', path, { body, timeoutMs })
  }

  delete<T = void>(path: string, ifMatch?: string): Promise<T> {
    return this.#call<T>('DELETE', path, ifMatch === undefined ? {} : { ifMatch })
  }

  async query(query: string, maxItems: number, continuation: string): Promise<QueryPage> {
    const call = { body: { query }, maxItems, ...(continuation !== '' && { continuation }) }
    const { body, headers } = await this.#ask('POST', '/devices/query', call)
    return {
      itemType: String(headers['x-ms-item-type'] ?? ''),
      rows: body as readonly JsonValue[],
      continuation: String(headers['x-ms-continuation'] ?? ''),
    }
  }

  upload<T = JsonValue>(path: string, query: Query, lines: string): Promise<T> {
    return this.#call<T>('POST', path, { query, lines, timeoutMs: UPLOAD_TIMEOUT_MS })
  }

  async download(path: string, query: Query = {}): Promise<AsyncIterable<Uint8Array>> {
    const { host, httpsPort: port } = this.#target
    const line = { method: 'GET', path: withQuery(path, query), headers: this.#headers({}) }
    try {
      const sent = request({ agent: this.#agent, host, port, ...line, timeout: REQUEST_TIMEOUT_MS })
      // Of silence, however long the whole takes.
      sent.on('timeout', () => sent.destroy(new Error('The server stopped answering.')))
      const [response] = (await once(sent.end(), 'response')) as [IncomingMessage]
      const status = response.statusCode ?? 0
      if (status === 200) return response
      const code = String(response.headers['iothub-errorcode'] ?? '')
      throw readApiError(status, code, await readBody(response))
    } catch (error) {
      if (error instanceof CommandError) throw error
      throw connectionError(error, this.#target)
    }
  }

  async #call<T>(method: string, path: string, call: ApiRequest): Promise<T> {
    const { body } = await this.#ask(method, path, call)
    return body as T
  }

  /**
   * @throws {ApiError} when the server refuses
   * @throws {CommandError} when it cannot be talked to, or its answer is not JSON or too large
   */
  async #ask(
    method: string,
    path: string,
    call: ApiRequest,
  ): Promise<{ body: unknown; headers: IncomingMessage['headers'] }> {
    const { query, body, timeoutMs = REQUEST_TIMEOUT_MS } = call
    const text = call.lines ?? (body === undefined ? undefined : JSON.stringify(body))
    const line = { method, path: withQuery(path, query), headers: this.#headers(call, text) }
    const { status, headers, answer } = await this.#exchange(line, text, timeoutMs)
    const code = String(headers['iothub-errorcode'] ?? '')
    if (status < 200 || status > 299) throw readApiError(status, code, answer)
    try {
      return { body: answer === '' ? null : JSON.parse(answer), headers }
    } catch {
      const { host, httpsPort } = this.#target
      throw new CommandError(
        `${host}:${httpsPort} does not answer in JSON: is it a Twinward server?`,
      )
    }
  }

  #headers({ ifMatch, lines, continuation, maxItems }: ApiRequest, text?: string): Line['headers'] {
    return {
      accept: 'application/json',
      ...(this.#token !== undefined && { authorization: this.#token }),
      ...(text !== undefined && {
        'content-type': lines === undefined ? JSON_TYPE : LINES_TYPE,
        'content-length': Buffer.byteLength(text),
      }),
      ...(maxItems !== undefined && { 'x-ms-max-item-count': maxItems }),
      ...(continuation !== undefined && { 'x-ms-continuation': continuation }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch === '*' ? '*' : `"${ifMatch}"` }),
    }
  }

  async #exchange(
    line: Line,
    text: string | undefined,
    timeoutMs: number,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; answer: string }> {
    const { host, httpsPort: port } = this.#target
    // One deadline for connecting, waiting and reading.
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const sent = request({ agent: this.#agent, host, port, ...line, signal }).end(text)
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      const answer = await readBody(response)
      return { status: response.statusCode ?? 0, headers: response.headers, answer }
    } catch (error) {
      if (error instanceof CommandError) throw error
      if (!signal.aborted) throw connectionError(error, this.#target)
      throw new CommandError(`${host}:${port} did not answer within ${timeoutMs / 1000} s.`)
    }
  }
}

/** TLS to a target: the name in its certificate counts, not the address that is dialled. */
export function tlsOptions({ tlsName, ca }: Target): ConnectionOptions {
  return {
    ...(isIP(tlsName) === 0 && { servername: tlsName }),
    ...(ca && { ca: [...ca], allowPartialTrustChain: true }),
    checkServerIdentity: (_dialled, certificate) => checkServerIdentity(tlsName, certificate),
  }
}

/** `/devices/{d}[/modules/{m}]` below `root`, percent-encoded. */
export function pathOf({ deviceId, moduleId }: DeviceRef, root = '/devices'): string {
  const device = `${root}/${encodeURIComponent(deviceId)}`
  return moduleId === undefined ? device : `${device}/modules/${encodeURIComponent(moduleId)}`
}

/** The service API insists on a version, the security API has none. */
function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams()
  if (!path.startsWith('/api/')) parameters.set('api-version', API_VERSION)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return text === '' ? path : `${path}?${text}`
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new CommandError('The answer of the server is too large; ask for less with --limit.')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
