import { createHmac, randomInt } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, silentLog } from '@twinward/hub'
import { formatConnectionString, formatSas } from '@twinward/protocol'
import { readConfig } from '../src/config/read-config.ts'
import { readPolicies } from '../src/data-dir.ts'
import { type RunningServer, startServer } from '../src/server.ts'

/** A whole server on an address of its own, with a data directory that goes with it. */
export interface TestServer extends RunningServer, AsyncDisposable {
  readonly host: string
  readonly caFile: string
  readonly dataDir: string
  /** Calls the API as a policy, by default the owner. */
  readonly call: CallApi
  /** The connection string of a device or module, as the Node SDK takes it over MQTT. */
  connectionString(deviceId: string, moduleId?: string): Promise<string>
}

/** @param path  of the service API without `api-version`, or of the security API */
export type CallApi = (method: string, path: string, options?: CallOptions) => Promise<Answer>

export interface CallOptions {
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** `null`: no Authorization at all. */
  readonly policy?: string | null
}

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any
}

const API_VERSION = 'api-version=2021-04-12'
const TOKEN_SECONDS = 3600

/** @param flags  as of `twinward up`; ports are free ones unless given */
export async function startTestServer(
  flags: Record<string, unknown> = {},
  log: Log = silentLog,
): Promise<TestServer> {
  // An address of its own per server lets several use the same port, as SDKs demand for 443.
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  const settings = {
    dataDir,
    listen: host,
    hostnames: [host],
    mqttPort: 0,
    amqpPort: 0,
    httpsPort: 0,
    ...flags,
  }
  const server = await startServer(readConfig(settings, {}), log, (error) => {
    throw error
  })
  const { caFile, httpsPort, mqttPort } = server.ready
  const call = apiCaller({ host, port: httpsPort, caFile, dataDir })
  return {
    ...server,
    host,
    caFile,
    dataDir,
    call,
    async connectionString(deviceId, moduleId) {
      const path = moduleId ? `/devices/${deviceId}/modules/${moduleId}` : `/devices/${deviceId}`
      const { body } = await call('GET', path)
      return formatConnectionString({
        hostName: `${host}:${mqttPort}`,
        deviceId,
        ...(moduleId && { moduleId }),
        sharedAccessKey: body.authentication.symmetricKey.primaryKey,
      })
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export interface Target {
  readonly host: string
  readonly port: number
  readonly caFile: string
  readonly dataDir: string
}

/** Calls a server's API with tokens made from the policies in its data directory. */
export function apiCaller(target: Target): CallApi {
  return (method, path, options = {}) => callApi(target, method, path, options)
}

function callApi(
  { host, port, caFile, dataDir }: Target,
  method: string,
  path: string,
  { body, headers = {}, policy = 'iothubowner' }: CallOptions,
): Promise<Answer> {
  const separator = path.includes('?') ? '&' : '?'
  const isApi = !/^\/(devices|twins|statistics|jobs|configurations)/.test(path)
  const text =
    body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host,
        port,
        method,
        path: isApi ? path : `${path}${separator}${API_VERSION}`,
        ca: readFileSync(caFile),
        headers: {
          ...(policy !== null && { authorization: serviceToken(host, dataDir, policy) }),
          ...(text !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('end', () => {
          const content = Buffer.concat(chunks).toString()
          const isJson = response.headers['content-type']?.includes('application/json')
          const parsed = isJson && content !== '' ? JSON.parse(content) : content
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed })
        })
      },
    )
    call.on('error', reject)
    call.end(text)
  })
}

/** A token of a shared access policy, as a service SDK makes it. */
export function serviceToken(host: string, dataDir: string, name: string): string {
  const policy = readPolicies(dataDir).find((candidate) => candidate.name === name)
  if (!policy) throw new Error(`no policy ${name}`)
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(policy.primaryKey, 'base64')).update(text).digest('base64')
  return formatSas(host, Math.floor(Date.now() / 1000) + TOKEN_SECONDS, sign, name)
}

/** A device's or module's token, made with the primary key of its identity as the API shows it. */
export function identityToken(
  resource: string,
  identity: { authentication: { symmetricKey: { primaryKey: string } } },
  lifetimeSeconds = TOKEN_SECONDS,
): string {
  const key = Buffer.from(identity.authentication.symmetricKey.primaryKey, 'base64')
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64')
  return formatSas(resource, Math.floor(Date.now() / 1000) + lifetimeSeconds, sign)
}

/** Waits until `look` returns something other than `undefined` or `false`, at most ten seconds. */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`gave up waiting for ${look}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
