import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ReadyInfo } from '../src/data-dir.ts'
import { type Outcome, runHere } from './fake.ts'

const BIN = fileURLToPath(new URL('../bin/twinward.js', import.meta.url))
/** Sources through tsx on a busy machine take seconds; a compiled program much less. */
const DEADLINE_MS = 60_000

type Environment = { readonly [name: string]: string }

/** A clean environment, so that a developer's own settings change no test. */
function environmentOf(extra: Environment): Environment {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  return { PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), ...extra }
}

/** Runs the program to its end. */
export async function runProgram(
  words: readonly string[],
  { stdin = '', env = {} }: { readonly stdin?: string; readonly env?: Environment } = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [BIN, ...words], {
    env: environmentOf(env),
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? -1, ...output }
}

/** A server in a process of its own, on a data directory of its own. */
export interface TestServer extends AsyncDisposable {
  readonly dataDir: string
  readonly ready: ReadyInfo
  /** The first line on standard output, as it came. */
  readonly firstLine: string
  readonly stderr: () => string
  /** Sends signals and waits for the end. @returns the exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** A command on this server. */
  run(words: readonly string[], stdin?: string): Promise<Outcome>
  /** A command with `--json` that must succeed: what it printed, as the test expects it. */
  json<T = Answer>(...words: readonly string[]): Promise<T>
}

/** An answer of which a test looks at some members. */
export type Answer = { readonly [member: string]: unknown }

export async function startProgram(options: readonly string[] = []): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-cli-'))
  const ports = ['--mqtt-port', '0', '--amqp-port', '0', '--https-port', '0']
  const flags = ['--json', '--data-dir', dataDir, ...ports]
  const child = spawn(process.execPath, [BIN, 'up', ...flags, ...options], {
    env: environmentOf({}),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const lines = createInterface({ input: child.stdout })
  const ended = closed.then(([code]) => {
    throw new Error(`the server ended with ${code}: ${stderr}`)
  })
  ended.catch(() => {})
  const line = once(lines, 'line', { signal: AbortSignal.timeout(DEADLINE_MS) })
  const [firstLine] = (await Promise.race([line, ended])) as [string]
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return (await closed)[0]
  }
  // Commands need no process of their own to talk to a server that has one; `runProgram` is for
  // what a process promises.
  const run: TestServer['run'] = (words, stdin = '') =>
    runHere([...words, '--data-dir', dataDir], environmentOf({}), stdin)
  return {
    dataDir,
    firstLine,
    ready: JSON.parse(firstLine) as ReadyInfo,
    stderr: () => stderr,
    stop,
    run,
    async json<T>(...words: readonly string[]) {
      const { code, stdout, stderr } = await run([...words, '--json'])
      assert.equal(code, 0, stderr)
      return JSON.parse(stdout) as T
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) await stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
