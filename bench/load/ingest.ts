import { type Connection, closeAll, connectAll, describeTls } from './connection.ts'
import { Histogram } from './histogram.ts'
import type { IngestPlan, Run, RunResult } from './plan.ts'
import { type Load, serveLoad } from './program.ts'
import { MessageTemplate } from './security-message.ts'

const PUBACK_BYTES = 4
const DRAIN_DEADLINE_MS = 60_000
const POLL_MS = 5

/** Load program: security modules that send messages of 20 events, each the next after a PUBACK. */
await serveLoad<IngestPlan>(async ({ target, devices, inFlight }) => {
  const connections = await connectAll(devices.map((device) => ({ target, device, filters: [] })))
  const tally = { sent: 0, done: 0, isSending: false, most: 0, latency: new Histogram() }
  const starts = connections.map((connection, index) => {
    const [deviceId = ''] = devices[index]?.deviceId.split('/') ?? []
    return drive(connection, new MessageTemplate(deviceId), tally)
  })
  const [first] = connections
  if (!first) throw new Error('The plan names no device.')
  return {
    tls: describeTls(first.socket),
    run: (run, measuring) => runMessages({ starts, tally, inFlight }, run, measuring),
    close: () => closeAll(connections),
  } satisfies Load
})

interface Tally {
  sent: number
  done: number
  isSending: boolean
  /** Messages after which no further one is sent. */
  most: number
  readonly latency: Histogram
}

/**
 * Sends the next message for each PUBACK; what came is counted by its bytes alone.
 *
 * @returns what sends one message
 */
function drive(connection: Connection, template: MessageTemplate, tally: Tally): () => void {
  const sentAt: number[] = []
  let bytes = 0
  const send = () => {
    if (!tally.isSending || tally.sent >= tally.most) return
    tally.sent++
    sentAt.push(performance.now())
    connection.socket.write(template.next())
  }
  connection.receive = (_bytes, length) => {
    bytes += length
    for (; bytes >= PUBACK_BYTES; bytes -= PUBACK_BYTES) {
      tally.done++
      tally.latency.record(performance.now() - (sentAt.shift() ?? 0))
      send()
    }
  }
  return send
}

interface Fleet {
  readonly starts: readonly (() => void)[]
  readonly tally: Tally
  readonly inFlight: number
}

/** Sends for `measureMs`, or until there were `messages`; ends when all are acknowledged. */
async function runMessages(
  { starts, tally, inFlight }: Fleet,
  { measureMs, messages = Number.POSITIVE_INFINITY }: Run,
  measuring: () => void,
): Promise<RunResult> {
  measuring()
  tally.latency.reset()
  const began = performance.now()
  const before = tally.done
  const cpuBefore = process.cpuUsage()
  tally.most = tally.sent + messages
  tally.isSending = true
  for (let index = 0; index < inFlight; index++) for (const start of starts) start()
  const until = began + measureMs
  while (performance.now() < until && tally.sent < tally.most) await sleep(POLL_MS)
  tally.isSending = false
  const deadline = performance.now() + DRAIN_DEADLINE_MS
  while (tally.done < tally.sent) {
    if (performance.now() > deadline) throw new Error('Messages were not acknowledged.')
    await sleep(POLL_MS)
  }
  const wallMs = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  return {
    event: 'result',
    perSecond: ((tally.done - before) * 1_000) / wallMs,
    count: tally.done - before,
    p50Ms: tally.latency.quantileMs(0.5),
    p99Ms: tally.latency.quantileMs(0.99),
    maxMs: tally.latency.maxMs,
    loadCpu: (cpu.user + cpu.system) / 1_000 / wallMs,
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
