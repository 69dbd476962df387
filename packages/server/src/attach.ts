import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  Authenticator,
  Authorities,
  HostNames,
  type Log,
  MemoryCertificates,
  MemoryRegistry,
  systemClock,
} from '@twinward/hub'
import { HubError, publishedSecuritySchemas, securityModuleIds } from '@twinward/protocol'
import {
  AttachedPlatform,
  baselineSchemas,
  configurationSchemas,
  customCheckDownload,
  Inbox,
  parseHubAddress,
  type SchemaDocument,
  type SecurityService,
  schemaRoutes,
  securityRoutes,
} from '@twinward/security'
import type { Config } from './config/read-config.ts'
import {
  announceReady,
  apiUrl,
  openDataDir,
  openPolicies,
  type ReadyInfo,
  withdrawReady,
} from './data-dir.ts'
import { consoleRoutes } from './http/console.ts'
import { healthRoutes } from './http/health.ts'
import { createHttpsServer } from './http/https-server.ts'
import { securityGuard } from './http/security-guard.ts'
import { listenHttps } from './listen-https.ts'
import { openSecurity } from './open-security.ts'
import { configurationKeys } from './review-security-settings.ts'
import type { RunningServer } from './server.ts'
import { StartError } from './start-error.ts'
import { storeFailure } from './store-failure.ts'
import { certificateNames, type ServerCertificate, serverCertificate } from './tls/certificates.ts'
import { version } from './version.ts'

/** Which hub the security service works for, and how. */
export interface AttachOptions {
  /** Of a shared access policy with RegistryRead, RegistryWrite and ServiceConnect. */
  readonly connectionString: string
  /** PEM certificates to trust in place of the well-known ones. */
  readonly ca?: string
  readonly amqpPort?: number
  readonly consumerGroup: string
}

/** What a step of the start needs to know. */
interface Start {
  readonly config: Config
  readonly log: Log
  readonly onFailure: (error: StartError) => void
  /** Called in reverse order. */
  readonly closers: (() => unknown)[]
}

/**
 * Starts the security service alone, with its API, for somebody's hub: another Twinward or Azure IoT Hub.
 *
 * @param onFailure  as of `startServer`
 * @throws {StartError} one sentence that says what to do
 */
export async function startAttached(
  config: Config,
  attach: AttachOptions,
  log: Log,
  onFailure: (error: StartError) => void,
): Promise<RunningServer> {
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return { ...(await start({ config, log, onFailure, closers }, attach)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(
  parts: Start,
  attach: AttachOptions,
): Promise<Pick<RunningServer, 'ready' | 'remarks'>> {
  const { config, log, onFailure, closers } = parts
  const { settings } = config
  const address = readAddress(attach)
  const dataDir = openDataDir(settings.dataDir)
  if (existsSync(join(dataDir, 'hub.db'))) {
    throw new StartError(
      `${dataDir} is the data directory of a hub, whose own security service is in it: ` +
        'choose another with --data-dir.',
    )
  }
  const certificate = await serverCertificate(dataDir, settings, Date.now())
  const platform = await openPlatform(parts, dataDir, { address, attach })
  // Closed after the service that works on it, and also where that cannot be opened.
  closers.push(() => platform.close())
  const security = await openSecurity({ dataDir, settings, platform, log, onFailure })
  closers.push(() => security.close())
  const names: readonly [string, ...string[]] = [...certificateNames(settings), settings.listen]
  const documents = [
    ...configurationSchemas(configurationKeys(settings)),
    ...baselineSchemas(),
    ...publishedSecuritySchemas(),
  ]
  const app = await openApi(security, { platform, certificate, dataDir, names, documents, log })
  closers.push(() => app.close())
  const remarks: string[] = []
  const httpsPort = await listenHttps(app, config, remarks)
  const ready: ReadyInfo = {
    event: 'ready',
    hostName: names[0],
    listen: settings.listen,
    mqttPort: 0,
    amqpPort: 0,
    httpsPort,
    caFile: certificate.caFile,
    dataDir,
    pid: process.pid,
    attachedTo: address.hostName,
  }
  announceReady(dataDir, ready)
  closers.push(() => withdrawReady(dataDir))
  platform.start()
  security.reporting.notifications.setBaseUrl(apiUrl(ready))
  await security.start()
  return { ready, remarks }
}

function readAddress({ connectionString, ca, amqpPort }: AttachOptions) {
  try {
    return parseHubAddress(connectionString, {
      ...(ca !== undefined && { ca }),
      ...(amqpPort !== undefined && { amqpPort }),
    })
  } catch (error) {
    if (error instanceof HubError) throw new StartError(error.message, { cause: error })
    throw error
  }
}

async function openPlatform(
  { config, log, onFailure }: Start,
  dataDir: string,
  {
    address,
    attach: { consumerGroup },
  }: { readonly address: ReturnType<typeof parseHubAddress>; readonly attach: AttachOptions },
): Promise<AttachedPlatform> {
  try {
    const inbox = await Inbox.open({
      file: join(dataDir, 'inbox.db'),
      onFailure: (error) => onFailure(storeFailure(dataDir, error)),
    })
    const options = {
      consumerGroup,
      securityModuleIds: securityModuleIds(config.settings.securityModuleId),
    }
    return new AttachedPlatform(address, inbox, options, { clock: systemClock, log })
  } catch (error) {
    throw storeFailure(dataDir, error)
  }
}

async function openApi(
  security: SecurityService,
  {
    platform,
    certificate,
    dataDir,
    names,
    documents,
    log,
  }: {
    readonly platform: AttachedPlatform
    readonly certificate: ServerCertificate
    readonly dataDir: string
    readonly names: readonly [string, ...string[]]
    readonly documents: readonly SchemaDocument[]
    readonly log: Log
  },
) {
  // Nobody but policies of its own opens the API: identities are the business of the hub.
  const authenticator = new Authenticator(
    {
      registry: new MemoryRegistry(),
      authorities: new Authorities(new MemoryCertificates()),
      clock: systemClock,
    },
    openPolicies(dataDir),
    new HostNames(names),
  )
  const app = await createHttpsServer(certificate, version, log)
  await app.register(securityRoutes, { security, guard: securityGuard({ authenticator }) })
  await app.register(customCheckDownload, { security })
  await app.register(schemaRoutes, { documents })
  healthRoutes(app, () => security.unhealthy() ?? platform.failure)
  consoleRoutes(app)
  await app.ready()
  return app
}
