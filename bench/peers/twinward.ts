import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from '../child.ts'
import type { DeviceLogin } from '../load/plan.ts'
import { buildSlowFlush } from '../slow-flush.ts'
import { deviceIds, type Peer, type PeerContext } from './peer.ts'
import { parseConnectionString, signSas } from './sas.ts'

/** False when `TWINWARD_BENCH_PROGRAM` names the program of another, to compare two versions. */
export const isThisCheckout = process.env.TWINWARD_BENCH_PROGRAM === undefined

export const twinwardProgram =
  process.env.TWINWARD_BENCH_PROGRAM ??
  fileURLToPath(new URL('../../packages/cli/bin/twinward.js', import.meta.url))
const START_DEADLINE_MS = 60_000
const HTTP_DEADLINE_MS = 30_000
/** Devices being created at once. */
const CREATE_WINDOW = 32
const API_VERSION = '2021-04-12'

/** First line of `twinward up --json`. */
export interface Ready {
  readonly event: 'ready'
  readonly hostName: string
  readonly listen: string
  readonly mqttPort: number
  readonly httpsPort: number
  readonly caFile: string
  readonly dataDir: string
  readonly pid: number
}

export async function startTwinward(context: PeerContext): Promise<Peer> {
  return launch(context, { name: 'twinward', title: 'Twinward (durable)', env: {} })
}

/** The same on a disk that takes 1 ms to flush. */
export async function startTwinwardSlowFlush(context: PeerContext): Promise<Peer> {
  const env = { LD_PRELOAD: buildSlowFlush() }
  return launch(context, { name: 'twinward-slow-flush', title: 'Twinward, flush takes 1 ms', env })
}

/** Arguments of `up` with any free ports. */
export function upArguments(dataDir: string): string[] {
  const ports = ['--mqtt-port', '0', '--amqp-port', '0', '--https-port', '0']
  return ['up', '--data-dir', dataDir, ...ports, '--json']
}

interface Variant {
  readonly name: string
  readonly title: string
  readonly env: Readonly<Record<string, string>>
}

async function launch({ folder, core }: PeerContext, variant: Variant): Promise<Peer> {
  const dataDir = mkdtempSync(join(folder, `${variant.name}-`))
  const child = new Child({
    name: variant.name,
    command: process.execPath,
    args: [twinwardProgram, ...upArguments(dataDir)],
    env: variant.env,
    ...(core !== undefined && { core }),
  })
  const ready = await child.next<Ready>(START_DEADLINE_MS)
  const printed = execFileSync(process.execPath, [
    twinwardProgram,
    'connection-string',
    '--data-dir',
    dataDir,
  ]).toString()
  const { hostName, policy, key } = parseConnectionString(printed)
  const authorization = signSas(hostName, key, policy)
  return {
    name: variant.name,
    title: variant.title,
    target: {
      dialect: 'iothub',
      host: ready.listen,
      port: ready.mqttPort,
      serverName: hostName.split(':')[0] ?? hostName,
      caFile: ready.caFile,
    },
    pinning: 'the process with all of its threads',
    pids: [ready.pid],
    http: { port: ready.httpsPort, authorization },
    createDevices: (count) => createDevices({ ready, hostName, authorization }, count),
    stop: () => child.stop(),
  }
}

interface Service {
  readonly ready: Ready
  readonly hostName: string
  readonly authorization: string
}

/** Creates devices with keys of our own, `CREATE_WINDOW` at once. */
async function createDevices(service: Service, count: number): Promise<DeviceLogin[]> {
  const devices = deviceIds(count).map((id) => ({ id, key: randomBytes(32).toString('base64') }))
  const agent = new Agent({
    keepAlive: true,
    maxSockets: CREATE_WINDOW,
    ca: readFileSync(service.ready.caFile),
  })
  try {
    const waiting = devices.values()
    const worker = async () => {
      for (const { id, key } of waiting) await createDevice(service, agent, { id, key })
    }
    await Promise.all(Array.from({ length: CREATE_WINDOW }, worker))
  } finally {
    agent.destroy()
  }
  const { hostName } = service
  return devices.map(({ id, key }) => ({
    deviceId: id,
    userName: `${hostName}/${id}/?api-version=${API_VERSION}`,
    password: signSas(`${hostName}/devices/${id}`, key),
  }))
}

function createDevice(
  { ready, hostName, authorization }: Service,
  agent: Agent,
  { id, key }: { readonly id: string; readonly key: string },
): Promise<void> {
  const symmetricKey = { primaryKey: key, secondaryKey: key }
  const device = { deviceId: id, authentication: { type: 'sas', symmetricKey } }
  const body = Buffer.from(JSON.stringify(device))
  return new Promise((resolve, reject) => {
    const call = request(
      {
        agent,
        host: ready.listen,
        port: ready.httpsPort,
        servername: hostName.split(':')[0] ?? hostName,
        method: 'PUT',
        path: `/devices/${id}?api-version=${API_VERSION}`,
        timeout: HTTP_DEADLINE_MS,
        headers: {
          host: hostName,
          authorization,
          'content-type': 'application/json; charset=utf-8',
          'content-length': body.length,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => {
          if (response.statusCode === 200) return resolve()
          const answer = Buffer.concat(parts).toString().slice(0, 500)
          reject(new Error(`Creating a device: status ${response.statusCode}: ${answer}`))
        })
      },
    )
    call.on('timeout', () => call.destroy(new Error('Creating a device took too long.')))
    call.on('error', reject)
    call.end(body)
  })
}
