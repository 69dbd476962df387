import { closeAll, describeTls, openTls } from './connection.ts'
import { Histogram } from './histogram.ts'
import type { ReadsPlan, Run, RunResult } from './plan.ts'
import { type Load, serveLoad } from './program.ts'
import { Reader, type ReadTally } from './reader.ts'

const DRAIN_DEADLINE_MS = 10_000
const DRAIN_POLL_MS = 5

/** Load program: services that read twins over HTTPS, each on a connection that is kept alive. */
await serveLoad<ReadsPlan>(async ({ target, deviceIds, http }) => {
  const requests = deviceIds.map((id) =>
    Buffer.from(
      `GET /twins/${id}?api-version=2021-04-12 HTTP/1.1\r\nHost: ${target.serverName}\r\n` +
        `Authorization: ${http.authorization}\r\n\r\n`,
    ),
  )
  const service = { ...target, port: http.port }
  const tally: ReadTally = { done: 0, sending: false, latency: new Histogram() }
  const readers: Reader[] = []
  // Opened for each run: one that says nothing for a minute is closed by every good server.
  const first = await openTls({ target: service })
  const tls = describeTls(first.socket)
  closeAll([first])
  return {
    tls,
    run: async (run, measuring) => {
      for (let index = readers.length; index < (run.inFlight ?? 1); index++) {
        readers.push(new Reader(await openTls({ target: service }), { requests, index, tally }))
      }
      const busy = readers.splice(0)
      const result = await runReads(busy, tally, { run, measuring })
      closeAll(busy.map((reader) => reader.connection))
      return result
    },
    close: () => {},
  } satisfies Load
})

async function runReads(
  readers: readonly Reader[],
  tally: ReadTally,
  { run, measuring }: { readonly run: Run; readonly measuring: () => void },
): Promise<RunResult> {
  tally.sending = true
  for (const reader of readers) reader.send()
  await sleep(run.warmUpMs)
  measuring()
  tally.latency.reset()
  const began = performance.now()
  const cpuBefore = process.cpuUsage()
  const doneBefore = tally.done
  await sleep(run.measureMs)
  const wallMs = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  const result: RunResult = {
    event: 'result',
    perSecond: ((tally.done - doneBefore) * 1_000) / wallMs,
    p50Ms: tally.latency.quantileMs(0.5),
    p99Ms: tally.latency.quantileMs(0.99),
    maxMs: tally.latency.maxMs,
    loadCpu: (cpu.user + cpu.system) / 1_000 / wallMs,
  }
  tally.sending = false
  await drain(readers)
  return result
}

/** Waits until every call was answered. */
async function drain(readers: readonly Reader[]): Promise<void> {
  const deadline = performance.now() + DRAIN_DEADLINE_MS
  while (readers.some((reader) => reader.isBusy)) {
    if (performance.now() > deadline) throw new Error('A call was never answered.')
    await sleep(DRAIN_POLL_MS)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
