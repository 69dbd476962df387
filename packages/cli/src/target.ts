import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { type ConnectionString, parseConnectionString } from '@twinward/protocol'
import { CommandError, UsageError } from './command.ts'
import { type PolicyKey, type ReadyInfo, readPolicy, readReady } from './data-dir.ts'

export const DEFAULT_DATA_DIR = './data'
export const DEFAULT_HTTPS_PORT = 443
export const DEFAULT_MQTT_PORT = 8883
export const DEFAULT_AMQP_PORT = 5671
const DEFAULT_POLICY = 'iothubowner'

/** What the command line says about the server to talk to. */
export interface TargetChoice {
  readonly dataDir?: string
  readonly url?: string
  /** A connection string of a shared access policy. */
  readonly login?: string
}

/** A server, how to reach it and as whom. */
export interface Target {
  /** For messages, e.g. `./data` or `https://hub.example.net`. */
  readonly name: string
  /** Set when it is the server of a data directory on this machine. */
  readonly dataDir?: string
  /** Where to connect to. */
  readonly host: string
  readonly httpsPort: number
  readonly mqttPort: number
  /** The name that the server's certificate must carry. */
  readonly tlsName: string
  /** The hub's name in tokens and connection strings, without a port. */
  readonly hostName: string
  /** PEM; without it the CAs of Node and `NODE_EXTRA_CA_CERTS`. */
  readonly ca?: readonly string[]
  /** Absent: nobody, for what needs no login. */
  readonly policy?: PolicyKey
}

/**
 * The server that flags or, without any, the environment name; otherwise that of `./data`.
 *
 * @throws {UsageError} for a URL or connection string that is none
 * @throws {CommandError} when no server runs on the data directory, or there is no login for a URL
 */
export function resolveTarget(
  choice: TargetChoice,
  environment: { readonly [name: string]: string | undefined },
): Target {
  if (choice.url !== undefined || choice.login !== undefined) {
    const login = choice.login ?? environment.TWINWARD_CONNECTION_STRING
    return remoteTarget({ ...choice, ...(login !== undefined && { login }) })
  }
  const { TWINWARD_URL: url, TWINWARD_CONNECTION_STRING: login } = environment
  if (choice.dataDir === undefined && (url || login)) {
    return remoteTarget({ ...(url && { url }), ...(login && { login }) })
  }
  return localTarget(dataDirOf(choice, environment))
}

export function dataDirOf(
  { dataDir }: TargetChoice,
  environment: { readonly [name: string]: string | undefined },
): string {
  return dataDir ?? (environment.TWINWARD_DATA_DIR || DEFAULT_DATA_DIR)
}

function localTarget(dataDir: string): Target {
  const ready = readReady(dataDir)
  if (!ready) throw new CommandError(noServer(dataDir))
  return {
    name: dataDir,
    dataDir,
    host: reachable(ready.listen),
    httpsPort: ready.httpsPort,
    mqttPort: ready.mqttPort,
    tlsName: ready.hostName,
    hostName: ready.hostName,
    ca: readCa(ready, dataDir),
    policy: readPolicy(dataDir, DEFAULT_POLICY),
  }
}

export function noServer(dataDir: string): string {
  const flag = dataDir === DEFAULT_DATA_DIR ? '' : ` --data-dir ${dataDir}`
  return (
    `No server runs on ${dataDir}. Start one: twinward up${flag}` +
    `${flag === '' ? ' (in a checkout: npm start)' : ''}, or name another with --url and --login.`
  )
}

/** "All addresses" is none that one can connect to. */
function reachable(listen: string): string {
  if (listen === '0.0.0.0') return '127.0.0.1'
  return listen === '::' ? '::1' : listen
}

/** The private CA; for an operator's own certificate that one, and the public CAs. */
function readCa({ caFile }: ReadyInfo, dataDir: string): readonly string[] {
  try {
    const pem = readFileSync(caFile, 'utf8')
    const isPrivate = caFile.endsWith(join('tls', 'ca.pem'))
    return isPrivate ? [pem] : [pem, ...rootCertificates]
  } catch (error) {
    throw new CommandError(
      `The CA file of the server on ${dataDir} cannot be read: ${(error as Error).message}`,
    )
  }
}

/**
 * A server to talk to without a login.
 *
 * @param ca  PEM, in place of the CAs of Node and `NODE_EXTRA_CA_CERTS`
 * @throws {UsageError} for a URL that is none
 */
export function anonymousTarget(url: string, ca?: string): Target {
  const address = parseUrl(url)
  const host = address.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    name: address.origin,
    host,
    httpsPort: address.port === '' ? DEFAULT_HTTPS_PORT : Number(address.port),
    mqttPort: DEFAULT_MQTT_PORT,
    tlsName: host,
    hostName: host,
    ...(ca !== undefined && { ca: [ca] }),
  }
}

function remoteTarget({ url, login, dataDir }: TargetChoice): Target {
  const own = dataDir === undefined ? undefined : readReady(dataDir)
  const credentials = login === undefined ? undefined : parseLogin(login)
  const address = parseUrl(url ?? `https://${credentials?.hostName}`)
  if (!credentials && dataDir === undefined) {
    throw new CommandError(
      `There is no login for ${address.origin}. Give --login or TWINWARD_CONNECTION_STRING; ` +
        '`twinward connection-string` prints it where the server runs.',
    )
  }
  const host = address.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    name: address.origin,
    host,
    httpsPort: address.port === '' ? DEFAULT_HTTPS_PORT : Number(address.port),
    mqttPort: DEFAULT_MQTT_PORT,
    tlsName: host,
    hostName: credentials?.hostName.replace(/:\d{1,5}$/, '') ?? own?.hostName ?? host,
    ...(dataDir !== undefined && own && { ca: readCa(own, dataDir), mqttPort: own.mqttPort }),
    policy: credentials?.policy ?? readPolicy(dataDir ?? DEFAULT_DATA_DIR, DEFAULT_POLICY),
  }
}

function parseLogin(text: string): { hostName: string; policy: PolicyKey } {
  let parts: ConnectionString
  try {
    parts = parseConnectionString(text)
  } catch (error) {
    throw new UsageError(`--login: ${(error as Error).message}`)
  }
  const { hostName, sharedAccessKeyName: name, sharedAccessKey: primaryKey } = parts
  if (name === undefined) {
    throw new UsageError(
      '--login needs the connection string of a policy (with SharedAccessKeyName), not of a device.',
    )
  }
  return { hostName, policy: { name, primaryKey } }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.hostname === '') {
    throw new UsageError(`'${text}' is not the address of a server, such as https://hub:8443.`)
  }
  return url
}
