import type { DeviceLogin, EventsPlan } from '../load/plan.ts'
import { LoadDriver, type Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import { type EventPeer, runningBrokers } from '../peers/brokers.ts'
import type { Peer } from '../peers/peer.ts'
import { startTwinward } from '../peers/twinward.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, formatRatio, renderTable } from '../table.ts'
import { describeDisturbance, withPeers } from './peers.ts'

const SENDERS = 100
/** Above this the load program, not the server, may be what limits. */
const LOAD_BOUND = 0.9

const scenarios = [
  { name: '256x1', title: '256 B, 1 in flight each', bytes: 256, inFlight: 1 },
  { name: '256x8', title: '256 B, 8 in flight each', bytes: 256, inFlight: 8 },
  { name: '4096x1', title: '4 KiB, 1 in flight each', bytes: 4_096, inFlight: 1 },
  { name: '4096x8', title: '4 KiB, 8 in flight each', bytes: 4_096, inFlight: 8 },
] as const

type Scenario = (typeof scenarios)[number]
type Driver = LoadDriver<EventPeer>
type Results = ReadonlyMap<Driver, readonly Measured[]>

/** Messages from many senders to one reader, each kept durably before it is confirmed. */
export async function benchEvents(options: Options, folder: string): Promise<void> {
  const chosen = scenarios.filter(({ name }) => options.scenarios?.includes(name) ?? true)
  const { only, ...all } = options
  await withPeers({ twinward: startTwinward }, { options: all, folder }, async ([hub]) => {
    if (!hub) throw new Error('Twinward did not start.')
    const devices = await hub.createDevices(SENDERS)
    const peers = [...hubPeers(hub, devices), ...(await runningBrokers())]
    const wanted = peers.filter(({ name }) => only?.includes(name) ?? true)
    print('## Events from senders to one reader')
    for (const scenario of chosen) printScenario(scenario, await measure(wanted, scenario, options))
    print(
      'Twinward is pinned to core 0, load programs to core 1; brokers are the machine’s own, not ' +
        'pinned, without TLS. RabbitMQ flushes before it confirms, JetStream every two minutes.',
    )
  })
}

function hubPeers(hub: Peer, devices: readonly DeviceLogin[]): readonly EventPeer[] {
  const { target, amqp, pids } = hub
  if (!amqp) throw new Error('Twinward has no AMQP port.')
  const wire = { target, devices, amqp }
  return [
    { name: 'twinward', title: 'Twinward, MQTT QoS 1', pids, wire: { kind: 'mqtt-hub', ...wire } },
    { name: 'twinward-amqp', title: 'Twinward, AMQP', pids, wire: { kind: 'amqp-hub', ...wire } },
  ]
}

async function measure(
  peers: readonly EventPeer[],
  { name, bytes, inFlight }: Scenario,
  { rounds, seconds }: Options,
): Promise<Results> {
  const results = new Map<Driver, Measured[]>()
  const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000 }
  for (let round = 1; round <= rounds; round++) {
    // Each connects anew: a reader that waits while others are measured would be at work too.
    for (const peer of peers) {
      const plan: EventsPlan = { wire: peer.wire, senders: SENDERS, inFlight, bytes }
      const driver = await LoadDriver.connect(peer, 'events.ts', plan)
      const known = [...results.keys()].find((one) => one.peer === peer) ?? driver
      try {
        const measured = await driver.measureUndisturbed(run)
        results.set(known, [...(results.get(known) ?? []), measured])
        progress(`${name} round ${round}: ${peer.name} ${formatCount(measured.perSecond)}/s`)
      } finally {
        await driver.close()
      }
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
  const head = [
    'server',
    'events/s',
    '±',
    'p50 ms',
    'p99 ms',
    'server CPU',
    'load CPU',
    'other CPU',
  ]
  print(`### ${SENDERS} senders, ${title}`)
  print(renderTable([...head, `${first?.peer.name} ÷ this`], rows))
  print(describeDisturbance(results))
  print([...results.keys()].map(({ peer, tls }) => `${peer.name}: ${tls}`).join('; '))
}
