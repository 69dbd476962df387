import type { Server as HttpsServer } from 'node:https'
import type { Server, Socket } from 'node:net'
import { createServer, type Server as TlsServer } from 'node:tls'
import {
  AmqpGateway,
  CLIENT_CERTIFICATES,
  type EventLog,
  type Hub,
  hubRoutes,
  type Log,
  MqttGateway,
  ownRoutes,
  recordActivity,
  tlsCertificate,
  weakTlsOf,
} from '@twinward/hub'
import { publishedSecuritySchemas } from '@twinward/protocol'
import {
  baselineSchemas,
  configurationSchemas,
  customCheckDownload,
  type SecurityService,
  schemaRoutes,
} from '@twinward/security'
import type { FastifyInstance } from 'fastify'
import { assembleHub } from './assemble-hub.ts'
import type { Config } from './config/read-config.ts'
import type { Settings } from './config/settings.ts'
import {
  announceReady,
  apiUrl,
  openDataDir,
  openIdScope,
  openPolicies,
  type ReadyInfo,
  withdrawReady,
} from './data-dir.ts'
import { EmbeddedPlatform } from './embedded-platform.ts'
import { auditedSecurityRoutes } from './http/audited-security.ts'
import { consoleRoutes } from './http/console.ts'
import { securityBacklogFault } from './http/event-metrics.ts'
import { createHttpsServer } from './http/https-server.ts'
import { operationRoutes } from './http/operations.ts'
import { securityElsewhereRoutes } from './http/security-elsewhere.ts'
import { securityGuard } from './http/security-guard.ts'
import { type AcceptStream, type StreamGateways, WebSocketEndpoint } from './http/websocket.ts'
import { listen } from './listen.ts'
import { listenHttps } from './listen-https.ts'
import { messageLimits } from './message-limits.ts'
import { openSecurity, securityCompanions } from './open-security.ts'
import { openHubStores } from './open-stores.ts'
import { configurationKeys, reviewSecuritySettings } from './review-security-settings.ts'
import { securityModuleOptions } from './security-module-options.ts'
import type { StartError } from './start-error.ts'
import { certificateNames, type ServerCertificate, serverCertificate } from './tls/certificates.ts'
import { version } from './version.ts'

/** A peer that does not finish its TLS handshake is dropped. */
const HANDSHAKE_TIMEOUT_MS = 30_000

/** A server that listens. */
export interface RunningServer {
  readonly ready: ReadyInfo
  /** What a person should know beyond `ready`, e.g. that another port was taken. */
  readonly remarks: readonly string[]
  /** Closes sessions, then stores; what was acknowledged is on disk. */
  close(): Promise<void>
}

/**
 * Starts hub, security service and console in this process, on the embedded stores.
 *
 * @param onFailure  called at most once, when a store can no longer promise durability; the caller
 *   tells the person and ends the process
 * @throws {StartError} one sentence that says what to do
 */
export async function startServer(
  config: Config,
  log: Log,
  onFailure: (error: StartError) => void,
): Promise<RunningServer> {
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return await start(config, log, { onFailure, closers, close })
  } catch (error) {
    await close()
    throw error
  }
}

interface Lifetime {
  readonly onFailure: (error: StartError) => void
  /** Called in reverse order. */
  readonly closers: (() => unknown)[]
  readonly close: () => Promise<void>
}

async function start(config: Config, log: Log, lifetime: Lifetime): Promise<RunningServer> {
  const { settings } = config
  const { closers, close, onFailure } = lifetime
  const dataDir = openDataDir(settings.dataDir)
  const policies = openPolicies(dataDir)
  const [certificate, stores] = await Promise.all([
    serverCertificate(dataDir, settings, Date.now()),
    openHubStores(dataDir, settings, onFailure),
  ])
  closers.push(() => stores.close())
  const hub = assembleHub({
    ...stores,
    policies,
    idScope: openIdScope(dataDir),
    hostNames: hostNames(settings),
    companions: securityCompanions(settings),
    securityModules: securityModuleOptions(settings, certificate),
    reviewDesired: reviewSecuritySettings(settings, log),
    cloudMessageTtlMs: settings.cloudMessageTtlMinutes * 60_000,
    ...messageLimits(settings),
    log,
  })
  await hub.routing.load()
  closers.push(recordActivity({ ...hub, registry: stores.registry }, log))
  await hub.registryJobs.recover()
  closers.push(() => hub.registryJobs.close())
  closers.push(hub.retention.start())
  closers.push(() => hub.connectionEvents.close())
  closers.push(await hub.cloudMessages.start())
  closers.push(hub.feedback.trimRegularly())
  closers.push(hub.activity.audit.start())
  await hub.ipFilter.load()
  closers.push(await hub.observedAddresses.start())
  await hub.rollouts.load()
  closers.push(await hub.configurations.start())
  hub.rollouts.start()
  closers.push(() => hub.rollouts.close())
  const security = await openEmbedded(hub, stores.eventLog, { dataDir, settings, log, onFailure })
  if (security) closers.push(() => security.close(), hub.activity.counters.start())

  const listeners = await openListeners({ config, hub, security, certificate, log }, closers)
  // Methods need devices, and what jobs write needs those who follow it: so they go on last.
  await hub.jobs.start()
  const ready: ReadyInfo = {
    event: 'ready',
    hostName: hub.hostNames.primary,
    listen: settings.listen,
    mqttPort: listeners.mqttPort,
    amqpPort: listeners.amqpPort,
    httpsPort: listeners.httpsPort,
    caFile: certificate.caFile,
    dataDir,
    pid: process.pid,
  }
  announceReady(dataDir, ready)
  closers.push(() => withdrawReady(dataDir))
  security?.reporting.notifications.setBaseUrl(apiUrl(ready))
  await security?.start()
  return { ready, remarks: listeners.remarks, close }
}

/** The security service of this process, unless it runs elsewhere. */
async function openEmbedded(
  hub: Hub,
  eventLog: EventLog,
  rest: Omit<Parameters<typeof openSecurity>[0], 'platform'>,
): Promise<SecurityService | undefined> {
  if (rest.settings.securityService === 'none') return undefined
  const platform = new EmbeddedPlatform(hub, eventLog, rest.settings)
  return openSecurity({ ...rest, platform })
}

interface Parts {
  readonly config: Config
  readonly hub: Hub
  readonly security: SecurityService | undefined
  readonly certificate: ServerCertificate
  readonly log: Log
}

async function openListeners(
  { config, hub, security, certificate, log }: Parts,
  closers: (() => unknown)[],
): Promise<{
  mqttPort: number
  amqpPort: number
  httpsPort: number
  remarks: readonly string[]
}> {
  const { settings } = config
  const remarks: string[] = []
  const { maxConnections } = settings
  const gateways = {
    mqtt: new MqttGateway(hub, { maxConnections }),
    amqp: new AmqpGateway(hub, { maxConnections }),
  }
  const app = await createHttpsServer(certificate, version, log)
  closers.push(() => app.close())
  await app.register(hubRoutes, { hub })
  await app.register(ownRoutes, { hub })
  const guard = securityGuard(hub)
  if (security) await app.register(auditedSecurityRoutes, { hub, security })
  if (security) await app.register(customCheckDownload, { security })
  else await app.register(securityElsewhereRoutes, { guard })
  const documents = [
    ...configurationSchemas(configurationKeys(settings)),
    ...baselineSchemas(),
    ...publishedSecuritySchemas(),
  ]
  await app.register(schemaRoutes, { documents })
  operationRoutes(app, hub, () => security?.unhealthy() ?? securityBacklogFault(hub))
  consoleRoutes(app)
  await app.ready()
  const mqttServer = createTlsServer(certificate, 'mqtt', gateways.mqtt)
  const amqpServer = createTlsServer(certificate, 'amqp', gateways.amqp)
  for (const server of [mqttServer, amqpServer, app.server]) refuseByAddress(server, hub)
  // Handshakes count too, before the gateways see their connections.
  for (const server of [mqttServer, amqpServer]) server.maxConnections = maxConnections
  const webSockets = openWebSockets(app, hub, gateways, settings)
  closers.push(async () => {
    // It begins no more calls; those that are under way end with the methods.
    const jobsClosed = hub.jobs.close()
    hub.methods.close()
    mqttServer.close()
    amqpServer.close()
    hub.sessions.closeAll('the hub is stopping')
    await Promise.all([gateways.mqtt.close(), gateways.amqp.close(), jobsClosed])
    webSockets.close()
  })
  const mqttPort = await listen(mqttServer, {
    protocol: 'MQTT',
    port: settings.mqttPort,
    host: settings.listen,
    flag: '--mqtt-port',
  })
  const amqpPort = await listen(amqpServer, {
    protocol: 'AMQP',
    port: settings.amqpPort,
    host: settings.listen,
    flag: '--amqp-port',
  })
  const httpsPort = await listenHttps(app, config, remarks)
  return { mqttPort, amqpPort, httpsPort, remarks }
}

function openWebSockets(
  app: FastifyInstance,
  hub: Hub,
  { mqtt, amqp }: { readonly mqtt: MqttGateway; readonly amqp: AmqpGateway },
  { maxConnections }: Settings,
): WebSocketEndpoint {
  // The gateways count them with their own; the limit of the HTTPS API stays for the rest.
  app.server.maxConnections += 2 * maxConnections
  const gateways: StreamGateways = new Map<string, AcceptStream>([
    ['mqtt', (stream, peer) => mqtt.accept(stream, peer)],
    ['amqpwsb10', (stream, peer) => amqp.accept(stream, peer)],
  ])
  return new WebSocketEndpoint(app.server as HttpsServer, gateways, hub)
}

/** Before the handshake, so that a stranger costs next to nothing. */
function refuseByAddress(server: Server, { ipFilter }: Hub): void {
  server.prependListener('connection', (socket: Socket) => {
    if (!ipFilter.allows(socket.remoteAddress)) socket.destroy()
  })
}

function createTlsServer(
  { certificate, key }: ServerCertificate,
  protocol: 'mqtt' | 'amqp',
  gateway: MqttGateway | AmqpGateway,
): TlsServer {
  const server = createServer(
    {
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      ...CLIENT_CERTIFICATES,
      sessionIdContext: protocol,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      noDelay: true,
    },
    (socket) =>
      gateway.accept(socket, {
        address: socket.remoteAddress ?? 'unknown address',
        certificate: () => tlsCertificate(socket),
        weakTls: () => weakTlsOf(socket),
        localPort: socket.localPort,
      }),
  )
  // A broken handshake is the peer's own trouble; without a listener Node would destroy it as well.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

/** Every name of the certificate, and the listen address as clients on this machine write it. */
function hostNames(settings: Settings): readonly [string, ...string[]] {
  return [...certificateNames(settings), settings.listen]
}
