import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { Child, canPin, nodeProgram, SERVER_CORE } from '../child.ts'
import type { DeviceLogin, IngestPlan } from '../load/plan.ts'
import { EVENTS_PER_MESSAGE, messageOf, sampleEvents } from '../load/security-message.ts'
import { LoadDriver } from '../load-driver.ts'
import type { Options } from '../options.ts'
import type { Peer } from '../peers/peer.ts'
import { signSas } from '../peers/sas.ts'
import { ServiceCalls } from '../peers/service-calls.ts'
import { startTwinward } from '../peers/twinward.ts'
import { cpuMs, quiet, residentBytes } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median, spread } from '../statistics.ts'
import { formatCount, formatMiB, formatMs, formatPercent, renderTable } from '../table.ts'
import { withPeers } from './peers.ts'

const MODULE = 'azureiotsecurity'
const SENDERS = 50
const IN_FLIGHT = 4
const PROBES = 100
const QUIET_DEADLINE_MS = 60_000
/** How long the last rows may take after the last PUBACK. */
const SETTLE_DEADLINE_MS = 300_000
const LOADED_PAUSE_MS = 200
/** Messages after which the long run waits until all of them can be queried. */
const SLICE_MESSAGES = 5_000
const LONG_RUN_MS = 3_600_000
const SAMPLE_MS = 5_000

/** Events into the columnar store, over MQTT and TLS, beside a bare DuckDB appender. */
export async function benchIngest(options: Options, folder: string): Promise<void> {
  // What one device may send is not what this is about.
  process.env.TWINWARD_DEVICE_DAILY_SECURITY_MIB = '1000000'
  process.env.TWINWARD_DEVICE_HOURLY_SECURITY_ROWS = '100000000'
  await withPeers({ twinward: startTwinward }, { options, folder }, async ([peer]) => {
    if (!peer) return
    const service = ServiceCalls.of(peer)
    const fleet = await moduleLogins(peer, service)
    const [probe, ...devices] = fleet
    if (!probe) return
    await quiet(peer.pids, QUIET_DEADLINE_MS)
    const plan: IngestPlan = { target: peer.target, devices, inFlight: IN_FLIGHT }
    const driver = await LoadDriver.connect(peer, 'ingest.ts', plan)
    const bench = { peer, service, driver, probe: await openProbe(peer, probe, service) }
    if (options.events === undefined) await compare(bench, options, folder)
    else await longRun(bench, options.events)
    await bench.probe.close()
    await driver.close()
    service.close()
  })
}

interface Bench {
  readonly peer: Peer
  readonly service: ServiceCalls
  readonly driver: LoadDriver
  readonly probe: Probe
}

/** Security modules with their own keys; the first one is the probe's. */
async function moduleLogins(peer: Peer, service: ServiceCalls): Promise<DeviceLogin[]> {
  const devices = await peer.createDevices(SENDERS + 1)
  const logins: DeviceLogin[] = []
  for (const { deviceId, userName } of devices) {
    const hostName = userName.split('/')[0] ?? ''
    const path = `/devices/${deviceId}/modules/${MODULE}`
    const { body } = await service.call({ method: 'GET', path })
    const { primaryKey } = JSON.parse(body).authentication.symmetricKey
    logins.push({
      deviceId: `${deviceId}/${MODULE}`,
      userName: `${hostName}/${deviceId}/${MODULE}/?api-version=2021-04-12`,
      password: signSas(`${hostName}${path}`, primaryKey),
    })
  }
  return logins
}

interface Probe {
  /**
   * Sends one event; resolves when a query has found it.
   *
   * @param pauseMs  between two queries, which cost the server something too
   * @returns ms from PUBACK until then
   */
  measure(pauseMs: number): Promise<number>
  close(): Promise<void>
}

async function openProbe(peer: Peer, login: DeviceLogin, service: ServiceCalls): Promise<Probe> {
  const { target } = peer
  const [deviceId = ''] = login.deviceId.split('/')
  const client = await mqtt.connectAsync({
    protocol: 'mqtts',
    host: target.host,
    port: target.port,
    servername: target.serverName,
    ca: readFileSync(target.caFile),
    clientId: login.deviceId,
    username: login.userName,
    password: login.password,
    reconnectPeriod: 0,
  })
  const mark = encodeURIComponent('urn:azureiot:Security:SecurityAgent:1')
  const topic = `devices/${login.deviceId.replace('/', '/modules/')}/messages/events/%24.ifid=${mark}`
  return {
    async measure(pauseMs) {
      const id = randomUUID()
      const [event] = sampleEvents()
      await client.publishAsync(topic, messageOf([{ ...event, Id: id }]), { qos: 1 })
      const acknowledged = performance.now()
      const until = acknowledged + SETTLE_DEADLINE_MS
      const path = `/api/security/events?device=${deviceId}&limit=1`
      for (;;) {
        const { body } = await service.call({ method: 'GET', path })
        const now = performance.now()
        if (body.includes(id)) return now - acknowledged
        if (now > until) throw new Error('The event did not become queryable.')
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    },
    close: () => client.endAsync(),
  }
}

interface Round {
  readonly events: number
  readonly perSecond: number
  readonly perCpuSecond: number
  readonly p99Ms: number
  readonly lagMs: number
}

async function compare(bench: Bench, options: Options, folder: string): Promise<void> {
  const idle: number[] = []
  for (let probe = 0; probe < PROBES; probe++) idle.push(await bench.probe.measure(0))
  idle.sort((a, b) => a - b)
  const bare = await openAppender(join(folder, 'bare'))
  const rounds: Round[] = []
  const filled: Appended[] = []
  const prepared: Appended[] = []
  for (let round = 1; round <= options.rounds; round++) {
    rounds.push(await ingestFor(bench, options.seconds * 1_000))
    filled.push(await appendFor(bare, options.seconds * 1_000, false))
    prepared.push(await appendFor(bare, options.seconds * 1_000, true))
    const last = rounds.at(-1)
    progress(`round ${round}: ${formatCount(last?.perCpuSecond ?? Number.NaN)} events/CPU s`)
  }
  await bare.stop()
  print('## Security events (20 a message, MQTT + TLS, until they can be queried)')
  const row = (title: string, perCpu: readonly number[], perSecond: readonly number[]) => [
    ...[title, formatCount(median(perCpu)), formatPercent(spread(perCpu))],
    formatCount(median(perSecond)),
  ]
  const rates = (appended: readonly Appended[]) =>
    [appended.map(perCpuSecond), appended.map(perWallSecond)] as const
  print(
    renderTable(
      ['what', 'events/s of one core', '±', 'events/s'],
      [
        row(
          'Twinward: TLS, durable twice, validated, evaluated',
          rounds.map((one) => one.perCpuSecond),
          rounds.map((one) => one.perSecond),
        ),
        row('bare DuckDB appender, its own API', ...rates(filled)),
        row('bare DuckDB appender, chunk filled before (the limit)', ...rates(prepared)),
      ],
    ),
  )
  const at = (share: number) => formatMs(idle[Math.floor(idle.length * share)] ?? Number.NaN)
  print(`PUBACK until queryable, nothing else going on: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms.`)
  const lag = formatMs(median(rounds.map(({ lagMs }) => lagMs)))
  const p99 = formatMs(median(rounds.map(({ p99Ms }) => p99Ms)))
  print(`At full load: PUBACK p99 ${p99} ms; the last row queryable ${lag} ms after its PUBACK.`)
}

/** Sends for a while, and counts the time until the last event can be queried. */
async function ingestFor({ peer, driver, probe }: Bench, measureMs: number): Promise<Round> {
  const cpuBefore = cpuMs(peer.pids)
  const began = performance.now()
  const { count = 0, p99Ms } = await driver.measure({ warmUpMs: 0, measureMs })
  const lagMs = await probe.measure(LOADED_PAUSE_MS)
  const wallMs = performance.now() - began
  const cpu = cpuMs(peer.pids) - cpuBefore
  const events = count * EVENTS_PER_MESSAGE
  return {
    events,
    perSecond: (events * 1_000) / wallMs,
    perCpuSecond: (events * 1_000) / cpu,
    p99Ms,
    lagMs,
  }
}

interface Appended {
  readonly rows: number
  readonly wallMs: number
  readonly cpuMs: number
}

async function openAppender(dir: string): Promise<Child> {
  mkdirSync(dir, { recursive: true })
  const child = new Child({
    name: 'bare DuckDB',
    ...nodeProgram(new URL('../peers/duckdb-appender.ts', import.meta.url)),
    ...(canPin && { core: SERVER_CORE }),
  })
  child.send({ file: join(dir, 'bare.duckdb') })
  await child.next(SETTLE_DEADLINE_MS)
  return child
}

async function appendFor(child: Child, measureMs: number, isPrepared: boolean): Promise<Appended> {
  child.send({ measureMs, isPrepared })
  return child.next<Appended>(measureMs + SETTLE_DEADLINE_MS)
}

function perCpuSecond({ rows, cpuMs }: Appended): number {
  return (rows * 1_000) / cpuMs
}

function perWallSecond({ rows, wallMs }: Appended): number {
  return (rows * 1_000) / wallMs
}

/** Memory over time and bytes on disk for very many events. */
async function longRun({ peer, driver, probe }: Bench, events: number): Promise<void> {
  const dataDir = dataDirOf(peer)
  const samples: { readonly seconds: number; readonly rss: number }[] = []
  const began = performance.now()
  const sample = () => {
    const seconds = (performance.now() - began) / 1_000
    samples.push({ seconds, rss: residentBytes(peer.pids) })
    const rss = formatMiB(samples.at(-1)?.rss ?? Number.NaN)
    progress(`${formatCount(seconds)} s: ${rss} resident, ${formatMiB(sizeOf(dataDir))} events`)
  }
  const timer = setInterval(sample, SAMPLE_MS)
  const cpuBefore = cpuMs(peer.pids)
  let left = Math.ceil(events / EVENTS_PER_MESSAGE)
  let sent = 0
  let lagMs = 0
  // In slices: the hub takes no further security messages while too many wait to be evaluated.
  while (left > 0) {
    const messages = Math.min(left, SLICE_MESSAGES)
    const { count = 0 } = await driver.measure({ warmUpMs: 0, measureMs: LONG_RUN_MS, messages })
    lagMs = await probe.measure(LOADED_PAUSE_MS)
    sent += count * EVENTS_PER_MESSAGE
    left -= messages
  }
  clearInterval(timer)
  sample()
  const wallMs = performance.now() - began
  const cpu = (cpuMs(peer.pids) - cpuBefore) / sent
  print(`## ${formatCount(sent)} security events`)
  print(
    renderTable(
      ['events/s', 'CPU µs each', 'last row after its PUBACK', 'bytes each on disk'],
      [
        [
          formatCount((sent * 1_000) / wallMs),
          (cpu * 1_000).toFixed(1),
          `${formatMs(lagMs)} ms`,
          (sizeOf(dataDir) / sent).toFixed(0),
        ],
      ],
    ),
  )
  const tenth = Math.max(1, Math.floor(samples.length / 10))
  const shown = samples.filter((_, index) => index % tenth === 0 || index === samples.length - 1)
  print(
    renderTable(
      ['seconds', 'resident'],
      shown.map(({ seconds, rss }) => [formatCount(seconds), formatMiB(rss)]),
    ),
  )
}

/** The CA's file lies in `tls` in the data directory. */
function dataDirOf({ target }: Peer): string {
  return join(target.caFile, '..', '..')
}

/** The columnar file, and the write-ahead log that waits to become part of it. */
function sizeOf(dataDir: string): number {
  const files = ['security-events.duckdb', 'security-events.duckdb.wal']
  const sizes = files.map((file) => statSync(join(dataDir, file), { throwIfNoEntry: false })?.size)
  return sizes.reduce<number>((sum, size = 0) => sum + size, 0)
}
