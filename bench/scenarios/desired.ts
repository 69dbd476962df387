import type { DesiredPlan } from '../load/plan.ts'
import { LoadDriver, type Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import { startComposite } from '../peers/composite.ts'
import { startTwinward } from '../peers/twinward.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, formatRatio, renderTable } from '../table.ts'
import { describeDisturbance, describePinning, withPeers } from './peers.ts'

const servers = { twinward: startTwinward, composite: startComposite }
const IN_FLIGHT = [1, 16, 64]

/** Desired properties from a service's PATCH until the device was told. */
export async function benchDesired(options: Options, folder: string): Promise<void> {
  const chosen = IN_FLIGHT.filter((one) => options.scenarios?.includes(String(one)) ?? true)
  await withPeers(servers, { options, folder }, async (peers) => {
    const drivers: LoadDriver[] = []
    for (const peer of peers) {
      if (!peer.http) throw new Error(`${peer.name} has no service side.`)
      const devices = await peer.createDevices(Math.max(...IN_FLIGHT))
      const plan: DesiredPlan = { target: peer.target, devices, http: peer.http }
      drivers.push(await LoadDriver.connect(peer, 'desired.ts', plan))
    }
    print('## Desired properties (service PATCH over HTTPS until the device was told over MQTT)')
    const rows: string[][] = []
    const warnings: string[] = []
    for (const inFlight of chosen) {
      const results = await takeTurns(drivers, inFlight, options)
      rows.push(...rowsOf(inFlight, results))
      const warning = describeDisturbance(results)
      if (warning !== '') warnings.push(`${inFlight} in flight: ${warning}`)
    }
    const head = ['in flight, server', 'changes/s', '±', 'p50 ms', 'p99 ms', 'server CPU']
    const versus = `${peers[0]?.name} ÷ this`
    print(renderTable([...head, 'load CPU', 'other CPU', versus], rows))
    print(warnings.join('\n'))
    print(drivers.map((driver) => `${driver.peer.name}: ${driver.tls}`).join('; '))
    print(describePinning(peers))
    await Promise.all(drivers.map((driver) => driver.close()))
  })
}

type Results = ReadonlyMap<LoadDriver, readonly Measured[]>

async function takeTurns(
  drivers: readonly LoadDriver[],
  inFlight: number,
  { rounds, seconds }: Options,
): Promise<Results> {
  const results = new Map<LoadDriver, Measured[]>(drivers.map((driver) => [driver, []]))
  const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000, inFlight }
  for (let round = 1; round <= rounds; round++) {
    for (const driver of drivers) {
      const measured = await driver.measureUndisturbed(run)
      results.get(driver)?.push(measured)
      const what = `${formatCount(measured.perSecond)}/s, p99 ${formatMs(measured.p99Ms)} ms`
      progress(`${inFlight} in flight, round ${round}: ${driver.peer.name} ${what}`)
    }
  }
  return results
}

function rowsOf(inFlight: number, results: Results): string[][] {
  const baseline = [...results.values()][0]?.map((one) => one.perSecond) ?? []
  return [...results].map(([driver, all]) => {
    const middle = (pick: (one: Measured) => number) => median(all.map(pick))
    const rates = all.map((one) => one.perSecond)
    return [
      `${inFlight}, ${driver.peer.title}`,
      formatCount(median(rates)),
      formatPercent(spread(rates)),
      formatMs(middle((one) => one.p50Ms)),
      formatMs(middle((one) => one.p99Ms)),
      formatPercent(middle((one) => one.serverCpu)),
      formatPercent(middle((one) => one.loadCpu)),
      formatPercent(middle((one) => one.otherCpu)),
      formatRatio(pairedRatio(baseline, rates)),
    ]
  })
}
