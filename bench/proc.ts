import { readFileSync } from 'node:fs'

/** Linux counts process time in ticks of 10 ms. */
const TICK_MS = 10
const STABLE_SAMPLES = 5
const SAMPLE_EVERY_MS = 500
/** Two samples this close are the same. */
const STABLE_SHARE = 0.002

/** Processor time all of the processes have used so far, threads included. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; utime and stime are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS
  }, 0)
}

/**
 * Processor time of all processes of the machine together, on all cores. Interrupts are left out:
 * the kernel books them on nobody, and here they are the benchmark's own packets.
 */
export function machineCpuMs(): number {
  const [total = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  // user nice system idle iowait irq softirq steal
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = total.split(/ +/).slice(1).map(Number)
  return (user + nice + system + steal) * TICK_MS
}

/** Resident bytes of all of the processes together. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const kib = /^Rss:\s+(\d+) kB$/m.exec(rollup)?.[1]
    if (kib === undefined) throw new Error(`/proc/${pid}/smaps_rollup shows no Rss.`)
    return sum + Number(kib) * 1_024
  }, 0)
}

/**
 * Resident bytes once they stand still: five samples in a row within 0.2 %.
 *
 * @throws {Error} when they still move at the deadline
 */
export async function settledBytes(pids: readonly number[], deadlineMs: number): Promise<number> {
  const until = performance.now() + deadlineMs
  const recent: number[] = []
  while (performance.now() < until) {
    recent.push(residentBytes(pids))
    if (recent.length > STABLE_SAMPLES) recent.shift()
    const lowest = Math.min(...recent)
    const highest = Math.max(...recent)
    if (recent.length === STABLE_SAMPLES && highest - lowest <= highest * STABLE_SHARE) {
      return highest
    }
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
  }
  throw new Error('The memory did not settle.')
}

const QUIET_SAMPLE_MS = 500
/** Of one core. */
const QUIET_SHARE = 0.04

/**
 * Waits until the processes have next to nothing to do: a server goes on for a while with what the
 * creation of devices set off.
 *
 * @throws {Error} when they still work at the deadline
 */
export async function quiet(pids: readonly number[], deadlineMs: number): Promise<void> {
  const until = performance.now() + deadlineMs
  for (let before = cpuMs(pids); performance.now() < until; ) {
    await new Promise((resolve) => setTimeout(resolve, QUIET_SAMPLE_MS))
    const now = cpuMs(pids)
    if (now - before <= QUIET_SAMPLE_MS * QUIET_SHARE) return
    before = now
  }
  throw new Error('The server does not come to rest.')
}
