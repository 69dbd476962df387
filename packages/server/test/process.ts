import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ReadyInfo } from '../src/data-dir.ts'
import { apiCaller, type CallApi } from './server.ts'

export const BIN = fileURLToPath(new URL('../../cli/bin/twinward.js', import.meta.url))
const FREE_PORTS = ['--mqtt-port', '0', '--https-port', '0', '--amqp-port', '0']

/** A server in a process of its own, as a user starts it. */
export interface ServerProcess {
  readonly child: ChildProcess
  readonly ready: ReadyInfo
  readonly call: CallApi
  /** What it has written to standard error so far. */
  errors(): string
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>
}

/** Starts `twinward up`. @throws when it ends before it is ready, with what it said */
export async function startProcess(
  dataDir: string,
  flags: readonly string[] = FREE_PORTS,
): Promise<ServerProcess> {
  const { child, exited, errors } = spawnServer(['--json', '--data-dir', dataDir, ...flags])
  if (!child.stdout) throw new Error('no standard output')
  const line = once(createInterface({ input: child.stdout }), 'line')
  const first = await Promise.race([line, exited])
  if (!Array.isArray(first)) throw new Error(`it ended with ${first}: ${errors()}`)
  const ready: ReadyInfo = JSON.parse(first[0])
  const { httpsPort: port, caFile, listen: host } = ready
  return { child, ready, errors, exited, call: apiCaller({ host, port, caFile, dataDir }) }
}

/** Runs `twinward up` that is expected to end by itself. */
export async function runToEnd(
  flags: readonly string[],
): Promise<{ code: number | null; errors: string }> {
  const { exited, errors } = spawnServer(flags)
  return { code: await exited, errors: errors() }
}

function spawnServer(flags: readonly string[]) {
  const child = spawn(process.execPath, [BIN, 'up', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', TWINWARD_LOG_LEVEL: 'error' },
  })
  const chunks: Buffer[] = []
  child.stderr.on('data', (chunk) => chunks.push(chunk))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return { child, exited, errors: () => Buffer.concat(chunks).toString() }
}
