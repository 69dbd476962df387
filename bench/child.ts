import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createInterface } from 'node:readline'

const STOP_DEADLINE_MS = 5_000
/** How much of a child's standard error is kept for the message when it fails. */
const ERROR_TAIL_CHARACTERS = 4_000
/** Lines nobody asked for yet; beyond that the oldest are dropped. */
const MAX_LINES = 1_000
const TASKSET = '/usr/bin/taskset'

/** The core servers run on, and the one load programs run on. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

export interface Launch {
  /** For messages: "mosquitto". */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly core?: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A program of ours, to be run as `node … file args`; with tsx only where it is TypeScript. */
export function nodeProgram(file: URL, ...args: string[]): Pick<Launch, 'command' | 'args'> {
  const flags = file.pathname.endsWith('.ts') ? ['--conditions=source', '--import', 'tsx'] : []
  return { command: process.execPath, args: [...flags, file.pathname, ...args] }
}

export const canPin: boolean = hasTaskset()

/** A child process that speaks JSON lines; it never outlives this process. */
export class Child {
  readonly name: string
  readonly #process: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting: (() => void)[] = []
  #errorTail = ''

  constructor(launch: Launch) {
    this.name = launch.name
    const { command, args } = pinned(launch)
    this.#process = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...launch.env },
      ...(launch.cwd !== undefined && { cwd: launch.cwd }),
    })
    running.add(this.#process)
    const { stdout, stderr, stdin } = this.#process
    if (stdout) {
      createInterface({ input: stdout }).on('line', (line) => {
        this.#lines.push(line)
        if (this.#lines.length > MAX_LINES) this.#lines.shift()
        this.#wake()
      })
    }
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errorTail = (this.#errorTail + text).slice(-ERROR_TAIL_CHARACTERS)
    })
    stdin?.on('error', () => {})
    this.#process.once('exit', () => {
      running.delete(this.#process)
      this.#wake()
    })
    this.#process.once('error', (error) => {
      this.#errorTail += error.message
      this.#wake()
    })
  }

  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw new Error(`${this.name} did not start: ${this.#errorTail}`)
    return pid
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** The next JSON line, whose shape the caller vouches for. Lines that are not JSON are skipped. */
  async next<T>(deadlineMs: number): Promise<T> {
    const until = performance.now() + deadlineMs
    for (;;) {
      const line = this.#lines.shift()
      if (line?.startsWith('{')) return JSON.parse(line) as T
      if (line !== undefined) continue
      if (this.ended) throw new Error(`${this.name} ended early.\n${this.#errorTail}`)
      const restMs = until - performance.now()
      if (restMs <= 0) throw new Error(`${this.name} said nothing in time.\n${this.#errorTail}`)
      await this.#change(restMs)
    }
  }

  send(value: unknown): void {
    this.#process.stdin?.write(`${JSON.stringify(value)}\n`)
  }

  /** Asks it to end, and kills it after `STOP_DEADLINE_MS`. */
  async stop(): Promise<void> {
    if (this.ended || this.#process.pid === undefined) return
    const exited = once(this.#process, 'exit')
    this.#process.stdin?.end()
    this.#process.kill('SIGTERM')
    const late = setTimeout(() => this.#process.kill('SIGKILL'), STOP_DEADLINE_MS)
    await exited
    clearTimeout(late)
  }

  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

function pinned({ command, args, core }: Launch): { command: string; args: string[] } {
  if (core === undefined || !canPin) return { command, args: [...args] }
  return { command: TASKSET, args: ['-c', String(core), command, ...args] }
}

function hasTaskset(): boolean {
  try {
    accessSync(TASKSET, constants.X_OK)
    return true
  } catch {
    return false
  }
}
