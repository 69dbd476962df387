import { type Connection, closeAll, connectAll, describeTls } from './connection.ts'
import { Histogram } from './histogram.ts'
import type { DeviceLogin, RequestsPlan, Run, RunResult, Target } from './plan.ts'
import { type Load, serveLoad } from './program.ts'
import { RequestLink, type Tally } from './request-link.ts'
import { encodeFilling, encodeRequests } from './requests.ts'
import { topicsOf } from './topics.ts'

const DRAIN_DEADLINE_MS = 10_000
const DRAIN_POLL_MS = 5

/** Load program: devices that patch or get their twins as fast as the server lets them. */
await serveLoad<RequestsPlan>(async ({ target, devices, operation, inFlight, answerBytes }) => {
  const { dialect } = target
  const { answers } = topicsOf(dialect)
  const connections = await connectAll(
    devices.map((device) => ({
      target,
      device,
      filters: answers ? [answers(device.deviceId)] : [],
    })),
  )
  if (operation === 'get' && dialect !== 'echo') await fill(connections, target, devices)
  const tally = makeTally()
  const links = connections.map((connection, index) => {
    const requests = encodeRequests(operation, dialect, devices[index]?.deviceId ?? '')
    const sized = answerBytes === undefined ? requests : { ...requests, answerBytes }
    return new RequestLink(connection, sized, { inFlight, tally })
  })
  const [first] = connections
  if (!first) throw new Error('The plan names no device.')
  return {
    tls: describeTls(first.socket),
    run: (run, measuring) => runRequests({ links, tally, inFlight }, run, measuring),
    close: () => closeAll(connections),
  } satisfies Load
})

/** Gives every device reported properties, so that there is something to get. */
async function fill(
  connections: readonly Connection[],
  { dialect }: Target,
  devices: readonly DeviceLogin[],
): Promise<void> {
  const tally = makeTally()
  const links = connections.map((connection, index) => {
    const requests = encodeFilling(dialect, devices[index]?.deviceId ?? '')
    return new RequestLink(connection, requests, { inFlight: 1, tally })
  })
  for (const link of links) link.send(1, performance.now())
  await drain(links)
  if (tally.refused > 0) throw new Error(`The server refused to fill ${tally.refused} twins.`)
}

function makeTally(): Tally {
  return { done: 0, refused: 0, sending: false, latency: new Histogram() }
}

interface Fleet {
  readonly links: readonly RequestLink[]
  readonly tally: Tally
  readonly inFlight: number
}

async function runRequests(fleet: Fleet, run: Run, measuring: () => void): Promise<RunResult> {
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
  if (tally.refused > 0) throw new Error(`The server refused ${tally.refused} requests.`)
  return result
}

/** Waits until every request was answered: a server that loses one has no figure. */
async function drain(links: readonly RequestLink[]): Promise<void> {
  const deadline = performance.now() + DRAIN_DEADLINE_MS
  for (;;) {
    const open = links.reduce((sum, link) => sum + link.inFlight, 0)
    if (open === 0) return
    if (performance.now() > deadline) throw new Error(`${open} requests were never answered.`)
    await sleep(DRAIN_POLL_MS)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
