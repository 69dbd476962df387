import { runFolder } from './folders.ts'
import { describeMachine } from './machine.ts'
import { type Benchmark, type Options, parseOptions, usage } from './options.ts'
import { print, progress } from './report.ts'
import { benchConfigurations } from './scenarios/configurations.ts'
import { benchConnects } from './scenarios/connects.ts'
import { benchDesired } from './scenarios/desired.ts'
import { benchEvents } from './scenarios/events.ts'
import { benchGets } from './scenarios/gets.ts'
import { benchIngest } from './scenarios/ingest.ts'
import { benchMemory } from './scenarios/memory.ts'
import { benchPatches } from './scenarios/patches.ts'
import { benchQuery } from './scenarios/query.ts'
import { benchReconcile } from './scenarios/reconcile.ts'
import { benchRules } from './scenarios/rules.ts'
import { benchStartup } from './scenarios/startup.ts'

const run: Record<Benchmark, (options: Options, folder: string) => Promise<void>> = {
  patches: benchPatches,
  desired: benchDesired,
  gets: benchGets,
  connects: benchConnects,
  query: benchQuery,
  memory: benchMemory,
  startup: benchStartup,
  events: benchEvents,
  ingest: benchIngest,
  reconcile: benchReconcile,
  rules: benchRules,
  configurations: benchConfigurations,
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
// A benchmark that failed may have left programs that would keep this one waiting.
process.exit(await main())

/** @returns 0 done, 1 a benchmark failed, 2 wrong command line */
async function main(): Promise<number> {
  let options: Options
  try {
    options = parseOptions(process.argv.slice(2))
  } catch (error) {
    progress(`${messageOf(error)}\n${usage}`)
    return 2
  }
  const folder = runFolder()
  print(describeMachine(folder))
  let failed = 0
  for (const benchmark of options.benchmarks) {
    try {
      await run[benchmark](options, folder)
    } catch (error) {
      failed++
      progress(`${benchmark} failed: ${messageOf(error)}`)
    }
  }
  return failed === 0 ? 0 : 1
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
