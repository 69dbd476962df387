import { parseArgs } from 'node:util'

export const benchmarks = [
  'patches',
  'desired',
  'gets',
  'connects',
  'query',
  'memory',
  'startup',
  'events',
  'ingest',
  'reconcile',
  'rules',
  'configurations',
] as const
export type Benchmark = (typeof benchmarks)[number]

export interface Options {
  readonly benchmarks: readonly Benchmark[]
  readonly rounds: number
  /** Measured seconds of each run; half as many go before it, unmeasured. */
  readonly seconds: number
  /** Names of the servers to run; absent: all. */
  readonly only?: readonly string[]
  /** Names of the scenarios to run; absent: all. */
  readonly scenarios?: readonly string[]
  /** Only for `ingest`: how many events a long run takes; absent: no long run. */
  readonly events?: number
}

export const usage = `Usage: npm run bench -- patches|desired|gets|connects|query|memory|startup|events|reconcile|rules|configurations|ingest|all
  --rounds N      interleaved rounds (default 5)
  --seconds S     measured seconds of each run (default 4)
  --only A,B      these servers only: twinward, twinward-slow-flush, composite, mosquitto, aedes, echo
  --events N      with ingest: one long run of N events instead, for memory and disk
  --scenario A,B  these scenarios only, for example 1000x4 (patches) or 16 (desired)
`

const MAX_ROUNDS = 100
const MAX_SECONDS = 600
const MAX_EVENTS = 100_000_000

/** @throws {Error} for anything that is not in `usage` */
export function parseOptions(args: readonly string[]): Options {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      only: { type: 'string' },
      scenario: { type: 'string' },
      events: { type: 'string' },
    },
  })
  const wanted = positionals.includes('all') ? [...benchmarks] : positionals
  if (wanted.length === 0) throw new Error('Which benchmark?')
  return {
    benchmarks: wanted.map(benchmarkNamed),
    rounds: Math.round(numberIn('--rounds', values.rounds, MAX_ROUNDS)),
    seconds: numberIn('--seconds', values.seconds, MAX_SECONDS),
    ...(values.only !== undefined && { only: values.only.split(',') }),
    ...(values.scenario !== undefined && { scenarios: values.scenario.split(',') }),
    ...(values.events !== undefined && {
      events: Math.round(numberIn('--events', values.events, MAX_EVENTS)),
    }),
  }
}

function benchmarkNamed(name: string): Benchmark {
  const found = benchmarks.find((one) => one === name)
  if (!found) throw new Error(`There is no benchmark called ${name}.`)
  return found
}

function numberIn(flag: string, text: string, most: number): number {
  const value = Number(text)
  if (!(value > 0 && value <= most)) throw new Error(`${flag} is a number from 1 to ${most}.`)
  return value
}
