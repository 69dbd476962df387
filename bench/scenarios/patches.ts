import type { RequestsPlan } from '../load/plan.ts'
import { LoadDriver, type Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import { startComposite } from '../peers/composite.ts'
import { startEcho } from '../peers/echo.ts'
import { startMosquitto } from '../peers/mosquitto.ts'
import type { Peer } from '../peers/peer.ts'
import { startTwinward, startTwinwardSlowFlush } from '../peers/twinward.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, formatRatio, renderTable } from '../table.ts'
import { describeDisturbance, describePinning, withPeers } from './peers.ts'

const servers = {
  twinward: startTwinward,
  composite: startComposite,
  mosquitto: startMosquitto,
  echo: startEcho,
  'twinward-slow-flush': startTwinwardSlowFlush,
}

const scenarios = [
  { name: '1000x1', devices: 1_000, inFlight: 1 },
  { name: '1000x4', devices: 1_000, inFlight: 4 },
  { name: '100x16', devices: 100, inFlight: 16 },
] as const

type Scenario = (typeof scenarios)[number]

/** Above this the load program, not the server, may be what limits. */
const LOAD_BOUND = 0.9

/** Reported patches over MQTT and TLS, QoS 1: how many a second, until the device knows. */
export async function benchPatches(options: Options, folder: string): Promise<void> {
  const chosen = scenarios.filter(({ name }) => options.scenarios?.includes(name) ?? true)
  const mostDevices = Math.max(...chosen.map(({ devices }) => devices))
  await withPeers(servers, { options, folder }, async (peers) => {
    const logins = new Map<Peer, RequestsPlan['devices']>()
    for (const peer of peers) logins.set(peer, await peer.createDevices(mostDevices))
    print('## Reported patches (MQTT + TLS, QoS 1)')
    for (const scenario of chosen) {
      const drivers = await connect(peers, (peer) => ({
        target: peer.target,
        devices: (logins.get(peer) ?? []).slice(0, scenario.devices),
        operation: 'patch',
        inFlight: scenario.inFlight,
      }))
      const results = await takeTurns(drivers, scenario, options)
      printScenario(scenario, drivers, results)
      await Promise.all(drivers.map((driver) => driver.close()))
    }
    print(describePinning(peers))
  })
}

async function connect(
  peers: readonly Peer[],
  planFor: (peer: Peer) => RequestsPlan,
): Promise<LoadDriver[]> {
  const drivers: LoadDriver[] = []
  for (const peer of peers) {
    drivers.push(await LoadDriver.connect(peer, 'mqtt-requests.ts', planFor(peer)))
  }
  return drivers
}

async function takeTurns(
  drivers: readonly LoadDriver[],
  scenario: Scenario,
  { rounds, seconds }: Options,
): Promise<Map<LoadDriver, Measured[]>> {
  const results = new Map<LoadDriver, Measured[]>(drivers.map((driver) => [driver, []]))
  const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000 }
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

function printScenario(
  scenario: Scenario,
  drivers: readonly LoadDriver[],
  results: ReadonlyMap<LoadDriver, readonly Measured[]>,
): void {
  const ratesOf = (driver: LoadDriver | undefined) =>
    driver ? (results.get(driver) ?? []).map((one) => one.perSecond) : []
  const [first] = drivers
  const head = [
    'server',
    'patches/s',
    '±',
    'p50 ms',
    'p99 ms',
    'server CPU',
    'load CPU',
    'other CPU',
  ]
  const rows = drivers.map((driver) => {
    const all = results.get(driver) ?? []
    const middle = (pick: (one: Measured) => number) => median(all.map(pick))
    const loadCpu = middle((one) => one.loadCpu)
    return [
      driver.peer.title,
      `${loadCpu > LOAD_BOUND ? '≥ ' : ''}${formatCount(median(ratesOf(driver)))}`,
      formatPercent(spread(ratesOf(driver))),
      formatMs(middle((one) => one.p50Ms)),
      formatMs(middle((one) => one.p99Ms)),
      formatPercent(middle((one) => one.serverCpu)),
      formatPercent(loadCpu),
      formatPercent(middle((one) => one.otherCpu)),
      formatRatio(pairedRatio(ratesOf(first), ratesOf(driver))),
    ]
  })
  const versus = `${first?.peer.name} ÷ this`
  print(
    `### ${scenario.devices.toLocaleString('en-US')} devices, ${scenario.inFlight} in flight each`,
  )
  print(renderTable([...head, versus], rows))
  print(describeDisturbance(results))
  print([...new Set(drivers.map((driver) => `${driver.peer.name}: ${driver.tls}`))].join('; '))
}
