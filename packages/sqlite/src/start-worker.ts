import { Worker } from 'node:worker_threads'
import type { OpenMessage, OpenQueriesMessage } from './messages.ts'

interface WorkerStarts {
  readonly worker: OpenMessage
  readonly 'query-worker': OpenQueriesMessage
}

/** Starts `worker.ts` or `query-worker.ts`, compiled or, when this file runs from the sources, through tsx. */
export function startWorker<N extends keyof WorkerStarts>(
  name: N,
  workerData: WorkerStarts[N],
): Worker {
  // tsc rewrites the extensions of imports, but not of URLs.
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData })
  }
  // Who has just built everything saves the third of a second that tsx takes to come up in a thread.
  if (name === 'worker' && process.env.TWINWARD_BUILT_WORKERS !== undefined) {
    return new Worker(new URL('../dist/worker.js', import.meta.url), { execArgv: [], workerData })
  }
  const entry = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href)
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  // Node 20 gives a worker none of its parent's module hooks, and `--import tsx` does not help there.
  const code = `import(${tsx}).then(({ register }) => { register(); return import(${entry}) })`
  return new Worker(code, { eval: true, execArgv: ['--conditions=source'], workerData })
}
