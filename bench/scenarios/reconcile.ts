import { cpSync } from 'node:fs'
import { makeCertificate } from '../certificate.ts'
import { canPin, SERVER_CORE } from '../child.ts'
import type { LoadDriver, Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import type { Peer } from '../peers/peer.ts'
import { FLEET_DEVICES } from '../peers/query-fleet.ts'
import { CONNECTED_MODULES } from '../peers/query-store.ts'
import { fillFleet } from '../peers/query-twinward.ts'
import { ServiceCalls } from '../peers/service-calls.ts'
import { startTwinwardOn } from '../peers/twinward.ts'
import { cpuMs, quiet, residentBytes } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, renderTable } from '../table.ts'
import { connectModules } from './reporting-modules.ts'

const POLL_MS = 500
const PASS_DEADLINE_MS = 1_200_000
const QUIET_DEADLINE_MS = 120_000
const MIB = 1_024 * 1_024

/** What a look at the security modules of 100,000 devices costs, and those who work beside it. */
export async function benchReconcile(options: Options, folder: string): Promise<void> {
  const core = canPin ? SERVER_CORE : undefined
  const context = {
    ...{ folder, certificate: makeCertificate(folder) },
    ...(core !== undefined && { core }),
  }
  let filled = ''
  progress('filling Twinward')
  const first = await startTwinwardOn(context, async (dataDir) => {
    await fillFleet(dataDir)
    filled = dataDir
  })
  const passes = [await watchPass(first, 'the first, of modules never seen')]
  const again = async (dataDir: string) => cpSync(filled, dataDir, { recursive: true })
  const second = await startTwinwardOn(context, again)
  passes.push(await watchPass(second, 'a later one, all as known'))
  print(`## A pass over the security modules of ${formatCount(FLEET_DEVICES)} devices`)
  const head = ['pass', 'seconds', 'server CPU', 'changed', 'MiB before', 'most MiB', 'MiB after']
  print(renderTable(head, passes.map(passRow)))
  await measureBeside(await startTwinwardOn(context, again), options)
}

interface Pass {
  readonly name: string
  readonly seconds: number
  readonly cpuShare: number
  readonly changed: number
  readonly beforeBytes: number
  readonly mostBytes: number
  readonly afterBytes: number
}

/** Watches the pass that a server makes at its start, then stops the server. */
async function watchPass(peer: Peer, name: string): Promise<Pass> {
  const beforeBytes = residentBytes(peer.pids)
  const [startMs, startCpuMs] = [performance.now(), cpuMs(peer.pids)]
  let mostBytes = beforeBytes
  try {
    const pass = await untilPass(peer, () => {
      mostBytes = Math.max(mostBytes, residentBytes(peer.pids))
    })
    const cpuShare = (cpuMs(peer.pids) - startCpuMs) / (performance.now() - startMs)
    await quiet(peer.pids, QUIET_DEADLINE_MS)
    const afterBytes = residentBytes(peer.pids)
    const seconds = (Date.parse(pass.endedUtc) - Date.parse(pass.startedUtc)) / 1_000
    progress(`${name}: ${seconds} s`)
    return { name, seconds, cpuShare, changed: pass.changed, beforeBytes, mostBytes, afterBytes }
  } finally {
    await peer.stop()
  }
}

interface PassView {
  readonly startedUtc: string
  readonly endedUtc: string
  readonly devices: number
  readonly changed: number
  readonly failed: number
}

/** @throws {Error} when the pass does not end in time, or has not seen everything */
async function untilPass(peer: Peer, look: () => void): Promise<PassView> {
  const calls = ServiceCalls.of(peer)
  const until = performance.now() + PASS_DEADLINE_MS
  try {
    for (;;) {
      const pass = await lastPass(calls)
      look()
      if (pass?.devices === FLEET_DEVICES && pass.failed === 0) return pass
      if (pass !== null) throw new Error(`The pass saw ${pass.devices}, ${pass.failed} failed.`)
      if (performance.now() > until) throw new Error('The pass does not end.')
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  } finally {
    calls.close()
  }
}

async function lastPass(calls: ServiceCalls): Promise<PassView | null> {
  const path = '/api/security/modules?limit=1'
  const { body } = await calls.call({ method: 'GET', path })
  return (JSON.parse(body) as { lastPass: PassView | null }).lastPass
}

/** Reported patches while a pass runs, and after it. */
async function measureBeside(peer: Peer, { rounds, seconds }: Options): Promise<void> {
  const calls = ServiceCalls.of(peer)
  let devices: LoadDriver | undefined
  try {
    devices = await connectModules(peer)
    const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000 }
    const during: Measured[] = []
    while (during.length < rounds) {
      const measured = await devices.measureUndisturbed(run)
      // A run in which the pass came to its end counts as neither.
      if ((await lastPass(calls)) !== null) break
      during.push(measured)
      progress(`beside the pass, run ${during.length}: p99 ${formatMs(measured.p99Ms)} ms`)
    }
    if (during.length === 0) throw new Error('The pass was over before anything was measured.')
    await untilPass(peer, () => {})
    await quiet(peer.pids, QUIET_DEADLINE_MS)
    const alone: Measured[] = []
    while (alone.length < during.length) alone.push(await devices.measureUndisturbed(run))
    print(`### ${CONNECTED_MODULES} modules that report, one patch in flight each`)
    const head = ['while', 'patches/s', 'p50 ms', 'p99 ms', 'longest ms', 'server CPU', 'load CPU']
    print(renderTable(head, [besideRow('a pass runs', during), besideRow('nothing else', alone)]))
  } finally {
    calls.close()
    await devices?.close()
    await peer.stop()
  }
}

function passRow(pass: Pass): string[] {
  const { name, seconds, cpuShare, changed, beforeBytes, mostBytes, afterBytes } = pass
  const mib = (bytes: number) => formatCount(Math.round(bytes / MIB))
  return [
    ...[name, seconds.toFixed(1), formatPercent(cpuShare), formatCount(changed)],
    ...[mib(beforeBytes), mib(mostBytes), mib(afterBytes)],
  ]
}

function besideRow(name: string, all: readonly Measured[]): string[] {
  const middle = (pick: (one: Measured) => number) => median(all.map(pick))
  return [
    name,
    formatCount(middle((one) => one.perSecond)),
    formatMs(middle((one) => one.p50Ms)),
    formatMs(middle((one) => one.p99Ms)),
    formatMs(middle((one) => one.maxMs)),
    formatPercent(middle((one) => one.serverCpu)),
    formatPercent(middle((one) => one.loadCpu)),
  ]
}
