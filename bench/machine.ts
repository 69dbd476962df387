import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { median } from './statistics.ts'

const FLUSHES = 200
const FLUSHED_BYTES = 4_096

/** Two lines of Markdown: what was measured on. `folder` lies on the disk the stores write to. */
export function describeMachine(folder: string): string {
  const gib = (totalmem() / 1_024 ** 3).toFixed(0)
  const load = loadavg()[0]?.toFixed(2)
  return [
    `Machine: ${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${gib} GiB,`,
    `Linux ${release()}, Node ${process.version}, ${peerVersions()}.`,
    `Load average before: ${load}; one flush of 4 KiB takes ${flushMs(folder).toFixed(3)} ms.`,
  ].join(' ')
}

function flushMs(folder: string): number {
  const file = join(folder, 'flush-probe')
  const descriptor = openSync(file, 'w')
  const page = Buffer.alloc(FLUSHED_BYTES, 1)
  const times = Array.from({ length: FLUSHES }, () => {
    writeSync(descriptor, page)
    const began = performance.now()
    fdatasyncSync(descriptor)
    return performance.now() - began
  })
  closeSync(descriptor)
  rmSync(file)
  return median(times)
}

function peerVersions(): string {
  return [firstLine('mosquitto', ['-h']), firstLine('psql', ['--version'])]
    .filter((line) => line !== '')
    .join(', ')
}

function firstLine(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { stdio: 'pipe' }).toString().split('\n')[0] ?? ''
  } catch (error) {
    // mosquitto prints its help with exit code 3.
    const { stdout } = error as { stdout?: Buffer }
    return stdout?.toString().split('\n')[0] ?? ''
  }
}
