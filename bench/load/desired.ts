import { type Connection, closeAll, connectAll, describeTls, openTls } from './connection.ts'
import { DesiredSlot } from './desired-slot.ts'
import { Histogram } from './histogram.ts'
import type { DesiredPlan, Run, RunResult } from './plan.ts'
import { type Load, serveLoad } from './program.ts'
import { topicsOf } from './topics.ts'

const DRAIN_DEADLINE_MS = 10_000
const DRAIN_POLL_MS = 5

/** Load program: services that change desired properties, and the devices that hear of it. */
await serveLoad<DesiredPlan>(async ({ target, devices, http }) => {
  const { desired } = topicsOf(target.dialect)
  if (!desired) throw new Error(`${target.dialect} knows no desired properties.`)
  const connections = await connectAll(
    devices.map((device) => ({ target, device, filters: [desired(device.deviceId)] })),
  )
  const service = { ...target, port: http.port }
  const calls: Connection[] = []
  const slots: DesiredSlot[] = []
  const tally = { done: 0, sending: false, latency: new Histogram() }
  // A service's connection is opened when its turn comes: one that says nothing for a minute is
  // closed by every good server.
  const openSlots = async (count: number) => {
    for (let index = slots.length; index < count; index++) {
      const [device, identity] = [connections[index], devices[index]]
      if (!device || !identity) throw new Error('Every device needs its connections.')
      const { deviceId } = identity
      const call = await openTls({ target: service })
      calls.push(call)
      const { authorization } = http
      const host = target.serverName
      slots.push(new DesiredSlot({ device, call, deviceId, host, authorization, tally }))
    }
  }
  const [first] = connections
  if (!first) throw new Error('The plan names no device.')
  return {
    tls: describeTls(first.socket),
    run: async (run, measuring) => {
      const inFlight = run.inFlight ?? 1
      await openSlots(inFlight)
      const busy = slots.slice(0, inFlight)
      const result = await runDesired({ slots: busy, tally }, run, measuring)
      await drain(busy)
      return result
    },
    close: () => closeAll([...connections, ...calls]),
  } satisfies Load
})

interface Fleet {
  readonly slots: readonly DesiredSlot[]
  readonly tally: { done: number; sending: boolean; readonly latency: Histogram }
}

async function runDesired(fleet: Fleet, run: Run, measuring: () => void): Promise<RunResult> {
  const { slots, tally } = fleet
  tally.sending = true
  for (const slot of slots) slot.send()
  await sleep(run.warmUpMs)
  measuring()
  tally.latency.reset()
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  const doneBefore = tally.done
  await sleep(run.measureMs)
  const wallMs = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  tally.sending = false
  return {
    event: 'result',
    perSecond: ((tally.done - doneBefore) * 1_000) / wallMs,
    p50Ms: tally.latency.quantileMs(0.5),
    p99Ms: tally.latency.quantileMs(0.99),
    maxMs: tally.latency.maxMs,
    loadCpu: (cpu.user + cpu.system) / 1_000 / wallMs,
  }
}

/** Waits until every change was answered and heard: a notice that is lost is a failure. */
async function drain(slots: readonly DesiredSlot[]): Promise<void> {
  const deadline = performance.now() + DRAIN_DEADLINE_MS
  for (;;) {
    const open = slots.filter((slot) => slot.busy).length
    if (open === 0) return
    if (performance.now() > deadline) throw new Error(`${open} changes never reached the device.`)
    await sleep(DRAIN_POLL_MS)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
