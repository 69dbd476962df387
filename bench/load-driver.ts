import { Child, canPin, type Launch, LOAD_CORE, nodeProgram } from './child.ts'
import type { Connected, LoadEvent, Run, RunResult } from './load/plan.ts'
import type { Peer } from './peers/peer.ts'
import { cpuMs, machineCpuMs } from './proc.ts'
import { progress } from './report.ts'
import { formatPercent } from './table.ts'

const CONNECT_DEADLINE_MS = 120_000
/** Beyond what the run itself takes. */
const RUN_SLACK_MS = 30_000
/** A run during which others took more than this share of a core is taken once more. */
export const DISTURBED = 0.25

export interface Measured extends RunResult {
  /** Share of one core the server's processes spent, 0-1 and more. */
  readonly serverCpu: number
  /** Share of one core that neither the server nor the load spent: who else was at work, 0-1 and more. */
  readonly otherCpu: number
}

/** What of a server a load program needs to know. */
export type Measurable = Pick<Peer, 'name' | 'title' | 'pids'>

/** A load program, connected to one server and ready for any number of runs. */
export class LoadDriver<P extends Measurable = Peer> {
  readonly peer: P
  readonly tls: string
  readonly #child: Child

  private constructor(peer: P, tls: string, child: Child) {
    this.peer = peer
    this.tls = tls
    this.#child = child
  }

  /** @param program  a file in `load/` */
  static async connect<P extends Measurable>(
    peer: P,
    program: string,
    plan: unknown,
  ): Promise<LoadDriver<P>> {
    const launch = nodeProgram(new URL(`load/${program}`, import.meta.url))
    return LoadDriver.launch(peer, launch, plan)
  }

  /** @param plan  its first line of input; absent: its arguments say all */
  static async launch<P extends Measurable>(
    peer: P,
    launch: Pick<Launch, 'command' | 'args'>,
    plan?: unknown,
  ): Promise<LoadDriver<P>> {
    const core = canPin ? { core: LOAD_CORE } : {}
    const child = new Child({ name: `load for ${peer.name}`, ...launch, ...core })
    if (plan !== undefined) child.send(plan)
    const { tls } = await child.next<Connected>(CONNECT_DEADLINE_MS)
    return new LoadDriver(peer, tls, child)
  }

  /**
   * Measures, and once more when somebody else was at work on the machine. The less disturbed of
   * the two counts, whatever its figure.
   */
  async measureUndisturbed(run: Run): Promise<Measured> {
    const first = await this.measure(run)
    if (first.otherCpu <= DISTURBED) return first
    const share = formatPercent(first.otherCpu)
    progress(`${this.peer.name}: others took ${share} of a core; once more`)
    const second = await this.measure(run)
    return second.otherCpu < first.otherCpu ? second : first
  }

  async measure(run: Run): Promise<Measured> {
    const deadlineMs = run.warmUpMs + run.measureMs + RUN_SLACK_MS
    this.#child.send(run)
    await this.#next('measuring', deadlineMs)
    const began = performance.now()
    const serverBefore = cpuMs(this.peer.pids)
    const machineBefore = machineCpuMs()
    const result = (await this.#next('result', deadlineMs)) as RunResult
    const wallMs = performance.now() - began
    const serverCpu = (cpuMs(this.peer.pids) - serverBefore) / wallMs
    const machineCpu = (machineCpuMs() - machineBefore) / wallMs
    return {
      ...result,
      serverCpu,
      otherCpu: Math.max(0, machineCpu - serverCpu - result.loadCpu),
    }
  }

  close(): Promise<void> {
    return this.#child.stop()
  }

  async #next(event: LoadEvent['event'], deadlineMs: number): Promise<LoadEvent> {
    const said = await this.#child.next<LoadEvent>(deadlineMs)
    if (said.event !== event) throw new Error(`The load said ${said.event} instead of ${event}.`)
    return said
  }
}
