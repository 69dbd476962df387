import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import type { Peer } from './peer.ts'

const DEADLINE_MS = 30_000
/** Calls under way at once. */
const WINDOW = 32
const API_VERSION = '2021-04-12'

export interface ServiceCall {
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'POST'
  /** Without the API version. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface ServiceAnswer {
  readonly body: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Where and as whom the calls go. */
export interface Service {
  readonly host: string
  readonly port: number
  readonly serverName: string
  readonly caFile: string
  readonly authorization: string
}

/** A service that prepares servers for a benchmark: many HTTPS calls on connections kept alive. */
export class ServiceCalls {
  readonly #service: Service
  readonly #agent: Agent

  constructor(service: Service) {
    this.#service = service
    const ca = readFileSync(service.caFile)
    this.#agent = new Agent({ keepAlive: true, maxSockets: WINDOW, ca })
  }

  static of({ name, target, http }: Peer): ServiceCalls {
    if (!http) throw new Error(`${name} has no service side.`)
    return new ServiceCalls({ ...target, ...http })
  }

  /** `WINDOW` at once. @throws {Error} when one is not answered 200 */
  async callAll(calls: Iterable<ServiceCall>): Promise<void> {
    const waiting = calls[Symbol.iterator]()
    const worker = async () => {
      for (let next = waiting.next(); !next.done; next = waiting.next()) await this.call(next.value)
    }
    await Promise.all(Array.from({ length: WINDOW }, worker))
  }

  /** @throws {Error} when it is not answered 200 */
  call({ method, path, body, headers }: ServiceCall): Promise<ServiceAnswer> {
    const { host, port, serverName, authorization } = this.#service
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    return new Promise((resolve, reject) => {
      const call = request(
        {
          agent: this.#agent,
          host,
          port,
          servername: serverName,
          method,
          path: `${path}${path.includes('?') ? '&' : '?'}api-version=${API_VERSION}`,
          timeout: DEADLINE_MS,
          headers: {
            host: serverName,
            authorization,
            ...(bytes && {
              'content-type': 'application/json; charset=utf-8',
              'content-length': bytes.length,
            }),
            ...headers,
          },
        },
        (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.on('end', () => {
            const text = Buffer.concat(parts).toString()
            const { statusCode } = response
            if (statusCode === 200) resolve({ body: text, headers: response.headers })
            else reject(new Error(`${method} ${path}: ${statusCode}: ${text.slice(0, 500)}`))
          })
        },
      )
      call.on('timeout', () => call.destroy(new Error(`${method} ${path} took too long.`)))
      call.on('error', reject)
      call.end(bytes)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
