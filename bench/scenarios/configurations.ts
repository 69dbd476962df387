import { makeCertificate } from '../certificate.ts'
import { Child, canPin, LOAD_CORE, nodeProgram, SERVER_CORE } from '../child.ts'
import type { DesiredWavePlan, DeviceLogin, WaveOrder, WaveReport } from '../load/plan.ts'
import type { Options } from '../options.ts'
import type { Peer, PeerContext } from '../peers/peer.ts'
import { FLEET_DEVICES, fleetDeviceId, fleetKey, MODULE_ID } from '../peers/query-fleet.ts'
import { fillFleet } from '../peers/query-twinward.ts'
import { signSas } from '../peers/sas.ts'
import { ServiceCalls } from '../peers/service-calls.ts'
import { startTwinwardOn } from '../peers/twinward.ts'
import { cpuMs, quiet, residentBytes } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, renderTable } from '../table.ts'

const CONNECTED = 10_000
/** Devices whose bytes are counted, and how much their device twins hold. */
const COUNTED = 200
const LARGE_TWIN_BYTES = 20 * 1024
const API_VERSION = '2021-04-12'
const CONNECT_DEADLINE_MS = 300_000
const TOLD_DEADLINE_MS = 150_000
const QUIET_DEADLINE_MS = 300_000
const POLL_MS = 100
const MIB = 1024 * 1024
/** Nobody else writes twins: what is measured is the hub. */
const HUB_ALONE = { TWINWARD_SECURITY_SERVICE: 'none' }
const KEY = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration'

/** What it costs to bring one setting to a whole fleet. */
export async function benchConfigurations(options: Options, folder: string): Promise<void> {
  const core = canPin ? SERVER_CORE : undefined
  const context = {
    ...{ folder, certificate: makeCertificate(folder) },
    ...(core !== undefined && { core }),
  }
  await connectedFleet(context, options)
  await offlineFleet(context)
}

async function connectedFleet(context: PeerContext, { rounds }: Options): Promise<void> {
  progress(`filling Twinward with ${CONNECTED} devices`)
  const fill = (dataDir: string) => fillFleet(dataDir, CONNECTED)
  const peer = await startTwinwardOn(context, fill, HUB_ALONE)
  const calls = ServiceCalls.of(peer)
  let modules: Listeners | undefined
  try {
    await quiet(peer.pids, QUIET_DEADLINE_MS)
    progress(`connecting ${CONNECTED} modules`)
    modules = await Listeners.connect(peer, logins(peer, CONNECTED, true))
    const waves: Wave[] = []
    for (let round = 0; round < rounds; round++) {
      waves.push(await measureWave(peer, modules, () => configure(calls, round)))
    }
    print(`## One setting for ${formatCount(CONNECTED)} connected security modules`)
    const head = ['until', 'ms', 'a second', 'server CPU', 'bytes each']
    print(renderTable(head, waveRows(waves)))
    await modules.close()
    modules = undefined
    await countBytes(peer, calls)
  } finally {
    calls.close()
    await modules?.close()
    await peer.stop()
  }
}

interface Wave {
  readonly halfMs: number
  readonly mostMs: number
  readonly allMs: number
  readonly serverCpu: number
  readonly bytesEach: number
}

async function measureWave(
  peer: Peer,
  listeners: Listeners,
  begin: () => Promise<void>,
): Promise<Wave> {
  const told = listeners.order({ kind: 'wave' })
  await listeners.listening()
  const beganMs = performance.timeOrigin + performance.now()
  const cpuBeforeMs = cpuMs(peer.pids)
  await begin()
  const { halfAtMs, mostAtMs, allAtMs, bytesEach } = await told
  const allMs = allAtMs - beganMs
  const serverCpu = (cpuMs(peer.pids) - cpuBeforeMs) / allMs
  progress(`99 % after ${Math.round(mostAtMs - beganMs)} ms`)
  await quiet(peer.pids, QUIET_DEADLINE_MS)
  return { halfMs: halfAtMs - beganMs, mostMs: mostAtMs - beganMs, allMs, serverCpu, bytesEach }
}

function waveRows(waves: readonly Wave[]): string[][] {
  const middle = (pick: (wave: Wave) => number) => median(waves.map(pick))
  const cpu = formatPercent(middle(({ serverCpu }) => serverCpu))
  const bytes = formatCount(middle(({ bytesEach }) => bytesEach))
  const row = (name: string, share: number, pick: (wave: Wave) => number) => [
    ...[name, formatMs(middle(pick)), formatCount((CONNECTED * share * 1000) / middle(pick))],
    ...[cpu, bytes],
  ]
  return [
    row('half hold it', 0.5, ({ halfMs }) => halfMs),
    row('99 % hold it', 0.99, ({ mostMs }) => mostMs),
    row('all hold it', 1, ({ allMs }) => allMs),
  ]
}

/** A further configuration for all modules: one setting of a security agent. */
async function configure(calls: ServiceCalls, round: number): Promise<void> {
  const path = `properties.desired.${KEY}.snapshotFrequency.value`
  await putConfiguration(calls, {
    ...{ id: `round-${round}`, priority: round },
    content: { moduleContent: { [path]: `PT${round + 1}H` } },
    targetCondition: `FROM devices.modules WHERE moduleId = '${MODULE_ID}'`,
  })
}

interface ConfigurationBody {
  readonly id: string
  readonly priority: number
  readonly content: object
  readonly targetCondition: string
}

async function putConfiguration(calls: ServiceCalls, body: ConfigurationBody): Promise<void> {
  await calls.call({ method: 'PUT', path: `/configurations/${body.id}`, body })
}

/** The same change through the security module twin and through a large device twin. */
async function countBytes(peer: Peer, calls: ServiceCalls): Promise<void> {
  const filler = 'x'.repeat(LARGE_TWIN_BYTES / 5 - 100)
  const large = { a: filler, b: filler, c: filler, d: filler, e: filler, snapshotFrequency: 'PT1H' }
  const settings = securitySettings()
  for (let index = 0; index < COUNTED; index++) {
    const path = `/twins/${fleetDeviceId(index)}`
    const toDevice = { tags: { counted: true }, properties: { desired: large } }
    await calls.call({ method: 'PATCH', path, body: toDevice })
    const toModule = { tags: { counted: true }, properties: { desired: { [KEY]: settings } } }
    await calls.call({ method: 'PATCH', path: `${path}/modules/${MODULE_ID}`, body: toModule })
  }
  const rows: string[][] = []
  for (const isModule of [true, false]) {
    const listeners = await Listeners.connect(peer, logins(peer, COUNTED, isModule))
    try {
      const change = () =>
        putConfiguration(calls, {
          id: isModule ? 'counted-modules' : 'counted-devices',
          priority: 1000,
          content: isModule
            ? {
                moduleContent: {
                  [`properties.desired.${KEY}.snapshotFrequency.value`]: 'PT30M',
                },
              }
            : { deviceContent: { 'properties.desired.snapshotFrequency': 'PT30M' } },
          targetCondition: isModule
            ? 'FROM devices.modules WHERE tags.counted = true'
            : 'tags.counted = true',
        })
      const told = await measureWave(peer, listeners, change)
      const read = listeners.order({ kind: 'get' })
      const name = isModule ? 'the security module twin' : 'a device twin of 20 KB'
      const { bytesEach } = await read
      rows.push([name, formatCount(told.bytesEach), formatCount(bytesEach)])
    } finally {
      await listeners.close()
    }
  }
  print('### One setting, bytes to each device')
  print(renderTable(['through', 'while connected', 'read after a reconnect'], rows))
}

/** What a legacy agent is configured with: the settings that operators change. */
function securitySettings(): object {
  const values = {
    highPriorityMessageFrequency: 'PT7M',
    lowPriorityMessageFrequency: 'PT5H',
    snapshotFrequency: 'PT13H',
    maxLocalCacheSizeInBytes: 2_560_000,
    maxMessageSizeInBytes: 204_800,
    eventPriorityProcessCreate: 'Low',
    eventPriorityLogin: 'High',
    eventPriorityConnectionCreate: 'Low',
    aggregationEnabledProcessCreate: true,
    aggregationIntervalProcessCreate: 'PT1H',
  }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]))
}

/** 100,000 modules of which none is connected. */
async function offlineFleet(context: PeerContext): Promise<void> {
  progress(`filling Twinward with ${FLEET_DEVICES} devices`)
  const peer = await startTwinwardOn(context, (dataDir) => fillFleet(dataDir), HUB_ALONE)
  const calls = ServiceCalls.of(peer)
  try {
    await quiet(peer.pids, QUIET_DEADLINE_MS)
    const rows: string[][] = []
    rows.push(
      await measureOffline(peer, 'the first configuration', () => configure(calls, 0), calls),
    )
    rows.push(
      await measureOffline(peer, 'a second, with priority', () => configure(calls, 1), calls),
    )
    print(`## One setting for ${formatCount(FLEET_DEVICES)} security modules, none connected`)
    const head = ['what', 'seconds', 'twins/s', 'server CPU', 'MiB before', 'most MiB', 'MiB after']
    print(renderTable(head, rows))
  } finally {
    calls.close()
    await peer.stop()
  }
}

async function measureOffline(
  peer: Peer,
  name: string,
  begin: () => Promise<void>,
  calls: ServiceCalls,
): Promise<string[]> {
  const id = name.startsWith('the first') ? 'round-0' : 'round-1'
  const beforeBytes = residentBytes(peer.pids)
  let mostBytes = beforeBytes
  const [beganMs, cpuBeforeMs] = [performance.now(), cpuMs(peer.pids)]
  await begin()
  while ((await appliedTo(calls, id)) < FLEET_DEVICES) {
    mostBytes = Math.max(mostBytes, residentBytes(peer.pids))
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  const tookMs = performance.now() - beganMs
  const serverCpu = (cpuMs(peer.pids) - cpuBeforeMs) / tookMs
  progress(`${name}: ${(tookMs / 1000).toFixed(1)} s`)
  await quiet(peer.pids, QUIET_DEADLINE_MS)
  const mib = (bytes: number) => formatCount(bytes / MIB)
  return [
    ...[name, (tookMs / 1000).toFixed(1), formatCount((FLEET_DEVICES * 1000) / tookMs)],
    ...[formatPercent(serverCpu), mib(beforeBytes), mib(mostBytes), mib(residentBytes(peer.pids))],
  ]
}

async function appliedTo(calls: ServiceCalls, id: string): Promise<number> {
  const query = `SELECT COUNT() AS n FROM devices.modules WHERE configurations.[[${id}]].status = 'Applied'`
  const { body } = await calls.call({ method: 'POST', path: '/devices/query', body: { query } })
  const [row] = JSON.parse(body) as readonly { readonly n?: number }[]
  return row?.n ?? 0
}

function logins({ target }: Peer, count: number, isModule: boolean): DeviceLogin[] {
  const { serverName } = target
  return Array.from({ length: count }, (_, index) => {
    const id = fleetDeviceId(index)
    const deviceId = isModule ? `${id}/${MODULE_ID}` : id
    const resource = `${serverName}/devices/${id}${isModule ? `/modules/${MODULE_ID}` : ''}`
    return {
      deviceId,
      userName: `${serverName}/${deviceId}/?api-version=${API_VERSION}`,
      password: signSas(resource, fleetKey(index)),
    }
  })
}

/** The load program: connected devices that wait for what they are told. */
class Listeners {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  static async connect({ target }: Peer, devices: readonly DeviceLogin[]): Promise<Listeners> {
    const launch = nodeProgram(new URL('../load/desired-wave.ts', import.meta.url))
    const core = canPin ? { core: LOAD_CORE } : {}
    const child = new Child({ name: 'devices that wait', ...launch, ...core })
    const sourceAddresses = ['127.0.1.1', '127.0.1.2', '127.0.1.3']
    const plan: DesiredWavePlan = { target, devices, sourceAddresses }
    child.send(plan)
    await child.next(CONNECT_DEADLINE_MS)
    return new Listeners(child)
  }

  /** `listening` must be awaited before what they wait for begins, `order`'s promise after it. */
  async order(order: WaveOrder): Promise<WaveReport> {
    this.#child.send(order)
    this.#begun = this.#child.next(TOLD_DEADLINE_MS)
    await this.#begun
    return this.#child.next<WaveReport>(TOLD_DEADLINE_MS)
  }

  #begun: Promise<unknown> = Promise.resolve()

  async listening(): Promise<void> {
    await this.#begun
  }

  close(): Promise<void> {
    return this.#child.stop()
  }
}
