import { openEventWire } from './event-wires.ts'
import { Lanes } from './lanes.ts'
import type { EventsPlan, Run, RunResult } from './plan.ts'
import { type Load, serveLoad } from './program.ts'

const DRAIN_DEADLINE_MS = 20_000
const DRAIN_POLL_MS = 5

/**
 * Load program: senders that send again once a message of theirs was confirmed as durable and read by
 * the one reader, so that no backlog grows; the time is the one from sending to reading.
 */
await serveLoad<EventsPlan>(async (plan) => {
  const lanes = new Lanes(plan)
  const wire = await openEventWire(plan, (body) => lanes.received(body))
  lanes.send = (sender, body) => wire.send(sender, body)
  return {
    tls: wire.tls,
    run: (run, measuring) => runLanes(lanes, run, measuring),
    close: () => wire.close(),
  } satisfies Load
})

async function runLanes(lanes: Lanes, run: Run, measuring: () => void): Promise<RunResult> {
  lanes.start()
  await sleep(run.warmUpMs)
  measuring()
  lanes.latency.reset()
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  const doneBefore = lanes.done
  await sleep(run.measureMs)
  const wallMs = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  const result: RunResult = {
    event: 'result',
    perSecond: ((lanes.done - doneBefore) * 1_000) / wallMs,
    p50Ms: lanes.latency.quantileMs(0.5),
    p99Ms: lanes.latency.quantileMs(0.99),
    maxMs: lanes.latency.maxMs,
    loadCpu: (cpu.user + cpu.system) / 1_000 / wallMs,
  }
  lanes.isSending = false
  await drain(lanes)
  return result
}

/** Waits until every message came: a server that loses one has no figure. */
async function drain(lanes: Lanes): Promise<void> {
  const deadline = performance.now() + DRAIN_DEADLINE_MS
  while (lanes.open > 0) {
    if (performance.now() > deadline) throw new Error(`${lanes.open} messages never came.`)
    await sleep(DRAIN_POLL_MS)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
