import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Child, type Launch } from '../child.ts'
import type { Options } from '../options.ts'
import { isThisCheckout, type Ready, twinwardProgram, upArguments } from '../peers/twinward.ts'
import { settledBytes } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median, spread } from '../statistics.ts'
import { formatCount, formatMiB, formatPercent, renderTable } from '../table.ts'

const STARTS = 7
const START_DEADLINE_MS = 60_000
const SETTLE_DEADLINE_MS = 60_000
const STOP_POLL_MS = 20
const STOP_DEADLINE_MS = 10_000
const checkout = fileURLToPath(new URL('../..', import.meta.url))

interface Way {
  readonly title: string
  readonly freshData: boolean
  launch(dataDir: string): Launch
}

const ways: readonly Way[] = [
  { title: 'twinward up, first start (makes its CA)', freshData: true, launch: launchDirectly },
  { title: 'twinward up, data exist', freshData: false, launch: launchDirectly },
  ...(isThisCheckout
    ? [{ title: 'npm start, data exist', freshData: false, launch: launchWithNpm }]
    : []),
]

/** From the command until everything listens, and what it then holds in memory. */
export async function benchStartup(_options: Options, folder: string): Promise<void> {
  const rows: string[][] = []
  for (const way of ways) {
    const dataDir = mkdtempSync(join(folder, 'startup-'))
    if (!way.freshData) await startOnce(way.launch(dataDir))
    const times: number[] = []
    const idle: number[] = []
    for (let i = 0; i < STARTS; i++) {
      const own = way.freshData ? mkdtempSync(join(folder, 'startup-')) : dataDir
      const { readyMs, idleBytes } = await startOnce(way.launch(own))
      times.push(readyMs)
      idle.push(idleBytes)
      progress(`${way.title}: ready after ${formatCount(readyMs)} ms`)
    }
    rows.push([
      way.title,
      `${formatCount(median(times))} ms`,
      formatPercent(spread(times)),
      formatMiB(median(idle)),
    ])
  }
  print(`## Start until ready (median of ${STARTS})`)
  print(renderTable(['how', 'until ready', '±', 'idle memory'], rows))
}

async function startOnce(launch: Launch): Promise<{ readyMs: number; idleBytes: number }> {
  const began = performance.now()
  const child = new Child(launch)
  let pid: number | undefined
  try {
    const ready = await child.next<Ready>(START_DEADLINE_MS)
    const readyMs = performance.now() - began
    pid = ready.pid
    return { readyMs, idleBytes: await settledBytes([pid], SETTLE_DEADLINE_MS) }
  } finally {
    if (pid !== undefined) await endProcess(pid)
    await child.stop()
  }
}

/** npm may end before the server it started: the next start needs the data folder for itself. */
async function endProcess(pid: number): Promise<void> {
  const until = performance.now() + STOP_DEADLINE_MS
  let signal: NodeJS.Signals | 0 = 'SIGTERM'
  while (signalled(pid, signal)) {
    signal = performance.now() > until ? 'SIGKILL' : 0
    await new Promise((resolve) => setTimeout(resolve, STOP_POLL_MS))
  }
}

function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

function launchDirectly(dataDir: string): Launch {
  const args = [twinwardProgram, ...upArguments(dataDir)]
  return { name: 'twinward', command: process.execPath, args }
}

function launchWithNpm(dataDir: string): Launch {
  const [, ...args] = upArguments(dataDir)
  return { name: 'npm start', command: 'npm', args: ['start', '--', ...args], cwd: checkout }
}
