import type { DeviceLogin, ReadsPlan, RequestsPlan } from '../load/plan.ts'
import { encodeRequests } from '../load/requests.ts'
import { answerBytes, fillingDesired, SERVICE_ANSWER_BYTES } from '../load/twin.ts'
import { LoadDriver, type Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import { startComposite } from '../peers/composite.ts'
import { startEcho } from '../peers/echo.ts'
import { deviceIds, type Peer } from '../peers/peer.ts'
import { ServiceCalls } from '../peers/service-calls.ts'
import { startTwinward } from '../peers/twinward.ts'
import { quiet } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, formatRatio, renderTable } from '../table.ts'
import { describeDisturbance, describePinning, type PeerList, withPeers } from './peers.ts'

const DEVICES = 1_000
const QUIET_DEADLINE_MS = 60_000
/** Above this the load program, not the server, may be what limits. */
const LOAD_BOUND = 0.9

const servers: PeerList = {
  twinward: startTwinward,
  composite: startComposite,
  echo: (context) => {
    const [deviceId = ''] = deviceIds(1)
    const { packets } = encodeRequests('get', 'echo', deviceId)
    const sizes = { requestBytes: packets[0]?.length ?? 0, answerBytes: answerBytes() }
    return startEcho(context, { ...sizes, bodyBytes: SERVICE_ANSWER_BYTES })
  },
}

const scenarios = [
  { name: '1000x1', title: 'MQTT: 1,000 devices, 1 GET in flight each', devicesInFlight: 1 },
  { name: '1000x4', title: 'MQTT: 1,000 devices, 4 GETs in flight each', devicesInFlight: 4 },
  { name: '1', title: 'HTTPS: 1 service', services: 1 },
  { name: '16', title: 'HTTPS: 16 services', services: 16 },
  { name: '64', title: 'HTTPS: 64 services', services: 64 },
] as const

type Scenario = (typeof scenarios)[number]
type Fleets = ReadonlyMap<Peer, readonly DeviceLogin[]>
type Results = ReadonlyMap<LoadDriver, readonly Measured[]>

/** Twins read by their devices over MQTT, and by services over HTTPS. */
export async function benchGets(options: Options, folder: string): Promise<void> {
  const chosen = scenarios.filter(({ name }) => options.scenarios?.includes(name) ?? true)
  await withPeers(servers, { options, folder }, async (peers) => {
    const fleets = new Map<Peer, readonly DeviceLogin[]>()
    for (const peer of peers) {
      const devices = await peer.createDevices(DEVICES)
      fleets.set(peer, devices)
      await fillDesired(peer, devices)
    }
    print('## Twin GETs (ten desired and ten reported properties)')
    // Devices read first, because they fill in what services read.
    for (const scenario of chosen) {
      const drivers: LoadDriver[] = []
      for (const peer of peers) drivers.push(await connect(peer, fleets, scenario))
      for (const peer of peers) await quiet(peer.pids, QUIET_DEADLINE_MS)
      printScenario(scenario, await takeTurns(drivers, scenario, options))
      await Promise.all(drivers.map((driver) => driver.close()))
    }
    print(describePinning(peers))
  })
}

async function fillDesired(peer: Peer, devices: readonly DeviceLogin[]): Promise<void> {
  if (peer.target.dialect === 'echo') return
  const service = ServiceCalls.of(peer)
  try {
    await service.callAll(
      devices.map(({ deviceId }) => ({
        method: 'PATCH',
        path: `/twins/${deviceId}`,
        body: { properties: { desired: fillingDesired } },
      })),
    )
  } finally {
    service.close()
  }
}

async function connect(peer: Peer, fleets: Fleets, scenario: Scenario): Promise<LoadDriver> {
  const devices = fleets.get(peer) ?? []
  if ('devicesInFlight' in scenario) {
    const plan: RequestsPlan = {
      target: peer.target,
      devices,
      operation: 'get',
      inFlight: scenario.devicesInFlight,
      answerBytes: answerBytes(),
    }
    return LoadDriver.connect(peer, 'mqtt-requests.ts', plan)
  }
  if (!peer.http) throw new Error(`${peer.name} has no service side.`)
  const ids = devices.map(({ deviceId }) => deviceId)
  const plan: ReadsPlan = { target: peer.target, deviceIds: ids, http: peer.http }
  return LoadDriver.connect(peer, 'reads.ts', plan)
}

async function takeTurns(
  drivers: readonly LoadDriver[],
  scenario: Scenario,
  { rounds, seconds }: Options,
): Promise<Results> {
  const results = new Map<LoadDriver, Measured[]>(drivers.map((driver) => [driver, []]))
  const inFlight = 'services' in scenario ? { inFlight: scenario.services } : {}
  const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000, ...inFlight }
  for (let round = 1; round <= rounds; round++) {
    for (const driver of drivers) {
      const measured = await driver.measureUndisturbed(run)
      results.get(driver)?.push(measured)
      const rate = formatCount(measured.perSecond)
      progress(`${scenario.name} round ${round}: ${driver.peer.name} ${rate}/s`)
    }
  }
  return results
}

function printScenario({ title }: Scenario, results: Results): void {
  const baseline = [...results.values()][0]?.map((one) => one.perSecond) ?? []
  const rows = [...results].map(([driver, all]) => {
    const middle = (pick: (one: Measured) => number) => median(all.map(pick))
    const rates = all.map((one) => one.perSecond)
    const loadCpu = middle((one) => one.loadCpu)
    return [
      driver.peer.title,
      `${loadCpu > LOAD_BOUND ? '≥ ' : ''}${formatCount(median(rates))}`,
      formatPercent(spread(rates)),
      formatMs(middle((one) => one.p50Ms)),
      formatMs(middle((one) => one.p99Ms)),
      formatPercent(middle((one) => one.serverCpu)),
      formatPercent(loadCpu),
      formatPercent(middle((one) => one.otherCpu)),
      formatRatio(pairedRatio(baseline, rates)),
    ]
  })
  const [first] = results.keys()
  const head = ['server', 'GETs/s', '±', 'p50 ms', 'p99 ms', 'server CPU', 'load CPU', 'other CPU']
  print(`### ${title}`)
  print(renderTable([...head, `${first?.peer.name} ÷ this`], rows))
  print(describeDisturbance(results))
  print([...results.keys()].map(({ peer, tls }) => `${peer.name}: ${tls}`).join('; '))
}
