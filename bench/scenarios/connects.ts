import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildConnects } from '../compile.ts'
import { encodeConnect } from '../load/packets.ts'
import type { DeviceLogin } from '../load/plan.ts'
import { LoadDriver, type Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import { startBare } from '../peers/bare.ts'
import { startMosquitto } from '../peers/mosquitto.ts'
import type { Peer } from '../peers/peer.ts'
import { startTwinward } from '../peers/twinward.ts'
import { quiet } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, formatRatio, renderTable } from '../table.ts'
import { describeDisturbance, describePinning, withPeers } from './peers.ts'

const servers = { twinward: startTwinward, mosquitto: startMosquitto, bare: startBare }

const scenarios = [
  { name: '1.2-resumed', version: '1.2', handshake: 'resumed' },
  { name: '1.3-resumed', version: '1.3', handshake: 'resumed' },
  { name: '1.2-full', version: '1.2', handshake: 'full' },
  { name: '1.3-full', version: '1.3', handshake: 'full' },
] as const

type Scenario = (typeof scenarios)[number]

/** They connect in turn, so that none is still connected when its turn comes again. */
const DEVICES = 2_000
/** Connects under way at once. */
const PARALLEL = 64
const KEEP_ALIVE_SECONDS = 240
const QUIET_DEADLINE_MS = 60_000

/** From TCP's SYN to CONNACK 0 and goodbye: how many connects a second of one core. */
export async function benchConnects(options: Options, folder: string): Promise<void> {
  const chosen = scenarios.filter(({ name }) => options.scenarios?.includes(name) ?? true)
  const program = buildConnects()
  await withPeers(servers, { options, folder }, async (peers) => {
    const files = new Map<Peer, string>()
    for (const peer of peers) {
      files.set(peer, writePackets(folder, peer, await peer.createDevices(DEVICES)))
    }
    // What creating the devices set off must not be counted.
    for (const peer of peers) await quiet(peer.pids, QUIET_DEADLINE_MS)
    print(`## Connects (TLS, MQTT CONNECT with a token, CONNACK, DISCONNECT; ${PARALLEL} at once)`)
    for (const scenario of chosen) {
      const drivers: LoadDriver[] = []
      for (const peer of peers) {
        const { host, port } = peer.target
        const how = [scenario.version, scenario.handshake, String(PARALLEL)]
        const args = [host, String(port), ...how, files.get(peer) ?? '']
        drivers.push(await LoadDriver.launch(peer, { command: program, args }))
      }
      printScenario(scenario, await takeTurns(drivers, scenario, options))
      await Promise.all(drivers.map((driver) => driver.close()))
    }
    print(describePinning(peers))
  })
}

/** @returns a file of the devices' CONNECT packets, each after its length in two bytes */
function writePackets(folder: string, peer: Peer, devices: readonly DeviceLogin[]): string {
  const file = join(folder, `${peer.name}.packets`)
  const parts = devices.flatMap(({ deviceId: clientId, userName, password }) => {
    const packet = encodeConnect({
      clientId,
      userName,
      password,
      keepAliveSeconds: KEEP_ALIVE_SECONDS,
    })
    return [Buffer.from([packet.length >> 8, packet.length & 255]), packet]
  })
  writeFileSync(file, Buffer.concat(parts))
  return file
}

type Results = ReadonlyMap<LoadDriver, readonly Measured[]>

async function takeTurns(
  drivers: readonly LoadDriver[],
  scenario: Scenario,
  { rounds, seconds }: Options,
): Promise<Results> {
  const results = new Map<LoadDriver, Measured[]>(drivers.map((driver) => [driver, []]))
  const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000 }
  for (let round = 1; round <= rounds; round++) {
    for (const driver of drivers) {
      const measured = await driver.measureUndisturbed(run)
      results.get(driver)?.push(measured)
      const each = `${formatCount(measured.perSecond)}/s, ${formatCount(ofOneCore(measured))} of one core`
      progress(`${scenario.name} round ${round}: ${driver.peer.name} ${each}`)
    }
  }
  return results
}

/** Connects per second of processor time, whoever was the limit. */
function ofOneCore({ perSecond, serverCpu }: Measured): number {
  return perSecond / serverCpu
}

function printScenario({ version, handshake }: Scenario, results: Results): void {
  const rates = [...results.values()].map((all) => all.map(ofOneCore))
  const [baseline = []] = rates
  const rows = [...results].map(([driver, all], index) => {
    const middle = (pick: (one: Measured) => number) => median(all.map(pick))
    const own = rates[index] ?? []
    return [
      driver.peer.title,
      formatCount(median(own)),
      formatPercent(spread(own)),
      formatCount(middle((one) => one.perSecond)),
      formatPercent(middle((one) => one.resumedShare ?? 0)),
      formatMs(middle((one) => one.p50Ms)),
      formatMs(middle((one) => one.p99Ms)),
      formatPercent(middle((one) => one.serverCpu)),
      formatPercent(middle((one) => one.loadCpu)),
      formatPercent(middle((one) => one.otherCpu)),
      formatRatio(pairedRatio(baseline, own)),
    ]
  })
  const [first] = results.keys()
  const head = ['server', 'connects per CPU second', '±', 'connects/s', 'resumed', 'p50 ms']
  const shares = ['p99 ms', 'server CPU', 'load CPU', 'other CPU', `${first?.peer.name} ÷ this`]
  print(`### TLS ${version}, ${handshake === 'full' ? 'full handshakes' : 'sessions resumed'}`)
  print(renderTable([...head, ...shares], rows))
  print(describeDisturbance(results))
  print([...results.keys()].map(({ peer, tls }) => `${peer.name}: ${tls}`).join('; '))
}
