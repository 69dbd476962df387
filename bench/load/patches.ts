import { closeAll, connectAll, describeTls } from './connection.ts'
import { Histogram } from './histogram.ts'
import { PatchLink, type Tally } from './patch-link.ts'
import type { PatchesPlan, Run, RunResult } from './plan.ts'
import { type Load, serveLoad } from './program.ts'
import { topicsOf } from './topics.ts'

const DRAIN_DEADLINE_MS = 10_000
const DRAIN_POLL_MS = 5

/** Load program: devices that report properties as fast as the server lets them. */
await serveLoad<PatchesPlan>(async ({ target, devices, inFlight }) => {
  const { answers } = topicsOf(target.dialect)
  const connections = await connectAll(
    devices.map((device) => ({
      target,
      device,
      filters: answers ? [answers(device.deviceId)] : [],
    })),
  )
  const tally: Tally = { done: 0, refused: 0, sending: false, latency: new Histogram() }
  const how = { dialect: target.dialect, inFlight, tally }
  const links = connections.map((connection, index) => {
    const device = devices[index]
    if (!device) throw new Error('There are more connections than devices.')
    return new PatchLink(connection, device, how)
  })
  const [first] = connections
  if (!first) throw new Error('The plan names no device.')
  return {
    tls: describeTls(first.socket),
    run: (run, measuring) => runPatches({ links, tally, inFlight }, run, measuring),
    close: () => closeAll(connections),
  } satisfies Load
})

interface Fleet {
  readonly links: readonly PatchLink[]
  readonly tally: Tally
  readonly inFlight: number
}

async function runPatches(fleet: Fleet, run: Run, measuring: () => void): Promise<RunResult> {
  const { links, tally, inFlight } = fleet
  tally.sending = true
  for (const link of links) link.send(inFlight, performance.now())
  await sleep(run.warmUpMs)
  measuring()
  tally.latency.reset()
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  const doneBefore = tally.done
  await sleep(run.measureMs)
  const wallMs = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  const done = tally.done - doneBefore
  const result: RunResult = {
    event: 'result',
    perSecond: (done * 1_000) / wallMs,
    p50Ms: tally.latency.quantileMs(0.5),
    p99Ms: tally.latency.quantileMs(0.99),
    maxMs: tally.latency.maxMs,
    loadCpu: (cpu.user + cpu.system) / 1_000 / wallMs,
  }
  tally.sending = false
  await drain(links)
  if (tally.refused > 0) throw new Error(`The server refused ${tally.refused} patches.`)
  return result
}

/** Waits until every patch was answered: a server that loses one has no figure. */
async function drain(links: readonly PatchLink[]): Promise<void> {
  const deadline = performance.now() + DRAIN_DEADLINE_MS
  for (;;) {
    const open = links.reduce((sum, link) => sum + link.inFlight, 0)
    if (open === 0) return
    if (performance.now() > deadline) throw new Error(`${open} patches were never answered.`)
    await sleep(DRAIN_POLL_MS)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
