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

/** Query parameters; those without a value are left out. */
export type Query = { readonly [name: string]: string | number | undefined }

interface ApiRequest {
  readonly query?: Query
  readonly body?: unknown
  readonly ifMatch?: string
  readonly timeoutMs?: number
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
  put<T = JsonValue>(path: string, body: unknown, ifMatch?: string): Promise<T>
  patch<T = JsonValue>(path: string, body: unknown, ifMatch?: string): Promise<T>
  /** `timeoutMs`: how long the server may take, for calls that wait for a device. */
  post<T = JsonValue>(path: string, body: unknown, timeoutMs?: number): Promise<T>
  delete(path: string, ifMatch: string): Promise<void>
}

/** Speaks HTTPS, signed with the policy's key of the target. */
export class ApiClient implements Api {
  readonly #target: Target
  readonly #agent: Agent
  readonly #token: string

  constructor(target: Target) {
    this.#target = target
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4, ...tlsOptions(target) })
    const { name, primaryKey } = target.policy
    this.#token = signToken(sasResource(target.hostName), primaryKey, name)
  }

  get<T = JsonValue>(path: string, query: Query = {}): Promise<T> {
    return this.#call<T>('GET', path, { query })
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

  async delete(path: string, ifMatch: string): Promise<void> {
    await this.#call('DELETE', path, { ifMatch })
  }

  /**
   * @throws {ApiError} when the server refuses
   * @throws {CommandError} when it cannot be talked to, or its answer is not JSON or too large
   */
  async #call<T>(method: string, path: string, call: ApiRequest): Promise<T> {
    const { query, body, ifMatch, timeoutMs = REQUEST_TIMEOUT_MS } = call
    const text = body === undefined ? undefined : JSON.stringify(body)
    const line = { method, path: withQuery(path, query), headers: this.#headers(text, ifMatch) }
    const { status, code, answer } = await this.#exchange(line, text, timeoutMs)
    if (status < 200 || status > 299) throw readApiError(status, code, answer)
    try {
      return (answer === '' ? null : JSON.parse(answer)) as T
    } catch {
      const { host, httpsPort } = this.#target
      throw new CommandError(
        `${host}:${httpsPort} does not answer in JSON: is it a Twinward server?`,
      )
    }
  }

  #headers(text: string | undefined, ifMatch: string | undefined): Line['headers'] {
    return {
      accept: 'application/json',
      authorization: this.#token,
      ...(text !== undefined && {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(text),
      }),
      ...(ifMatch !== undefined && { 'if-match': ifMatch === '*' ? '*' : `"${ifMatch}"` }),
    }
  }

  async #exchange(
    line: Line,
    text: string | undefined,
    timeoutMs: number,
  ): Promise<{ status: number; code: string; answer: string }> {
    const { host, httpsPort: port } = this.#target
    // One deadline for connecting, waiting and reading.
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const sent = request({ agent: this.#agent, host, port, ...line, signal }).end(text)
      const [response] = (await once(sent, 'response')) as [IncomingMessage]
      const answer = await readBody(response)
      const code = String(response.headers['iothub-errorcode'] ?? '')
      return { status: response.statusCode ?? 0, code, answer }
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
