import { createHmac, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type RequestOptions, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { hubRoutes, ownRoutes, silentLog } from '@twinward/hub'
import { type DeviceRef, formatConnectionString, formatSas } from '@twinward/protocol'
import { AmqpGateway } from '../../hub/src/gateways/amqp/server.ts'
import { MqttGateway } from '../../hub/src/gateways/mqtt/server.ts'
import { makeHub, type TestHub, type TestHubOptions } from '../../hub/test/hub.ts'
import { createHttpsServer } from '../src/http/https-server.ts'
import { WebSocketEndpoint } from '../src/http/websocket.ts'
import { issueCa, issueServer } from '../src/tls/issue.ts'
import type { Answer } from './server.ts'

/** SDKs know no other port for HTTPS and WebSockets. */
export const mayBind443 = process.getuid?.() === 0
export const WITHOUT_443 =
  !mayBind443 && 'this user may not listen on port 443, the only one this SDK knows'

/** The services on memory behind the HTTPS port: the API, and MQTT through WebSockets. */
export interface HttpsHub extends TestHub, AsyncDisposable {
  readonly gateway: MqttGateway
  readonly endpoint: WebSocketEndpoint
  readonly host: string
  readonly httpsPort: number
  readonly amqpPort: number
  /** `wss://…/$iothub/websocket` */
  readonly url: string
  /** PEM. */
  readonly ca: string
  /** As device SDKs take it; creates the identity when there is none. */
  connectionString(ref: DeviceRef): Promise<string>
  /** As service SDKs take it. */
  readonly ownerConnectionString: string
  call(method: string, path: string, options?: HubCall): Promise<Answer>
}

export interface HubCall {
  /** What is neither text nor bytes is sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** In place of the token of this policy, by default the owner's; `null`: none at all. */
  readonly token?: string | null
  readonly policy?: string
}

export async function startHttpsHub(options: TestHubOptions = {}): Promise<HttpsHub> {
  // An address of its own lets several tests use the same port.
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
  const hub = makeHub({ ...options, hostNames: ['localhost', host] })
  const gateway = new MqttGateway(hub)
  const issuer = await issueCa(Date.now(), 'test')
  const certificate = await issueServer(issuer, [host], Date.now())
  const app = await createHttpsServer(certificate, '0', silentLog)
  await app.register(hubRoutes, { hub })
  await app.register(ownRoutes, { hub })
  await app.ready()
  const amqp = new AmqpGateway(hub)
  const gateways = new Map([
    ['mqtt', gateway.accept.bind(gateway)],
    ['amqpwsb10', amqp.accept.bind(amqp)],
  ])
  const endpoint = new WebSocketEndpoint(app.server as never, gateways, hub)
  app.server.listen(mayBind443 ? 443 : 0, host)
  await once(app.server, 'listening')
  const { port } = app.server.address() as AddressInfo
  const amqpServer = createServer(
    { cert: certificate.certificate, key: certificate.key },
    (socket) =>
      amqp.accept(socket, {
        address: socket.remoteAddress ?? '',
        certificate: () => undefined,
        localPort: socket.localPort,
      }),
  )
  amqpServer.listen(0, host)
  await once(amqpServer, 'listening')
  const { port: amqpPort } = amqpServer.address() as AddressInfo
  const target = { host, port, ca: issuer.certificate }
  const tokenOf = (policy: string) => policyToken(hub, host, policy)
  return {
    ...hub,
    ...{ gateway, endpoint, host, ca: issuer.certificate, httpsPort: port, amqpPort },
    url: `wss://${host}:${port}/$iothub/websocket`,
    ownerConnectionString: formatConnectionString({
      hostName: host,
      sharedAccessKeyName: 'iothubowner',
      sharedAccessKey: keyOfPolicy(hub, 'iothubowner'),
    }),
    async connectionString(ref) {
      return formatConnectionString({
        hostName: host,
        ...ref,
        sharedAccessKey: await hub.keyOf(ref),
      })
    },
    call: (method, path, { policy = 'iothubowner', token = tokenOf(policy), ...call } = {}) =>
      exchange({ ...target, method, path }, { ...call, token }),
    async [Symbol.asyncDispose]() {
      await Promise.all([gateway.close(), amqp.close()])
      endpoint.close()
      amqpServer.close()
      await app.close()
    },
  }
}

function keyOfPolicy({ policies }: TestHub, name: string): string {
  const policy = policies.find((candidate) => candidate.name === name)
  if (!policy) throw new Error(`no policy ${name}`)
  return policy.primaryKey
}

function policyToken(hub: TestHub, host: string, name: string): string {
  const key = Buffer.from(keyOfPolicy(hub, name), 'base64')
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64')
  return formatSas(host, Math.floor(hub.clock.now() / 1000) + 3600, sign, name)
}

function exchange(target: RequestOptions, { body, headers, token }: HubCall): Promise<Answer> {
  const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
  const path = target.path ?? ''
  const separator = path.includes('?') ? '&' : '?'
  return new Promise((resolve, reject) => {
    const call = request({
      ...target,
      path: path.includes('api-version=') ? path : `${path}${separator}api-version=2021-04-12`,
      headers: {
        ...(typeof token === 'string' && { authorization: token }),
        ...(!isRaw && { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    call.on('error', reject)
    call.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('error', reject)
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const isJson = response.headers['content-type']?.includes('application/json')
        const content = isJson && text !== '' ? JSON.parse(text) : text
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: content })
      })
    })
    call.end(isRaw ? body : JSON.stringify(body))
  })
}
