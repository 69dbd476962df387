import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child } from '../child.ts'
import { buildSlowFlush } from '../compile.ts'
import type { DeviceLogin, Target } from '../load/plan.ts'
import { deviceIds, type Peer, type PeerContext } from './peer.ts'
import { parseConnectionString, signSas } from './sas.ts'
import { type ServiceCall, ServiceCalls } from './service-calls.ts'

/** False when `TWINWARD_BENCH_PROGRAM` names the program of another, to compare two versions. */
export const isThisCheckout = process.env.TWINWARD_BENCH_PROGRAM === undefined

export const twinwardProgram =
  process.env.TWINWARD_BENCH_PROGRAM ??
  fileURLToPath(new URL('../../packages/cli/bin/twinward.js', import.meta.url))
const START_DEADLINE_MS = 60_000
const API_VERSION = '2021-04-12'

/** First line of `twinward up --json`. */
export interface Ready {
  readonly event: 'ready'
  readonly hostName: string
  readonly listen: string
  readonly mqttPort: number
  readonly amqpPort: number
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

/** As it comes, on a data directory that `fill` has put something into. */
export async function startTwinwardOn(
  context: PeerContext,
  fill: (dataDir: string) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<Peer> {
  return launch(context, { name: 'twinward', title: 'Twinward (durable)', env, fill })
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
  readonly fill?: (dataDir: string) => Promise<void>
}

async function launch({ folder, core }: PeerContext, variant: Variant): Promise<Peer> {
  const dataDir = mkdtempSync(join(folder, `${variant.name}-`))
  await variant.fill?.(dataDir)
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
  const target: Target = {
    dialect: 'iothub',
    host: ready.listen,
    port: ready.mqttPort,
    serverName: hostName.split(':')[0] ?? hostName,
    caFile: ready.caFile,
  }
  const http = { port: ready.httpsPort, authorization }
  const amqp = {
    port: ready.amqpPort,
    userName: `${policy}@sas.root.${hostName}`,
    password: authorization,
    // The Event Hubs compatible name of a hub is the first label of its own.
    entity: target.serverName.split('.')[0] ?? '',
  }
  return {
    name: variant.name,
    title: variant.title,
    target,
    pinning: 'the process with all of its threads',
    pids: [ready.pid],
    http,
    amqp,
    createDevices: (count) => {
      const calls = new ServiceCalls({ ...target, ...http })
      return createDevices({ calls, hostName }, count)
    },
    stop: () => child.stop(),
  }
}

interface Registration {
  readonly calls: ServiceCalls
  readonly hostName: string
}

/** Creates devices with keys of our own. */
async function createDevices(
  { calls, hostName }: Registration,
  count: number,
): Promise<DeviceLogin[]> {
  const devices = deviceIds(count).map((id) => ({ id, key: randomBytes(32).toString('base64') }))
  try {
    await calls.callAll(devices.map(({ id, key }) => createCall(id, key)))
  } finally {
    calls.close()
  }
  return devices.map(({ id, key }) => ({
    deviceId: id,
    userName: `${hostName}/${id}/?api-version=${API_VERSION}`,
    password: signSas(`${hostName}/devices/${id}`, key),
  }))
}

function createCall(id: string, key: string): ServiceCall {
  const symmetricKey = { primaryKey: key, secondaryKey: key }
  const body = { deviceId: id, authentication: { type: 'sas', symmetricKey } }
  return { method: 'PUT', path: `/devices/${id}`, body }
}
