import { Worker } from 'node:worker_threads'
import type { OpenMessage } from './messages.ts'

/** Starts `worker.ts`, compiled or, when this file runs from the sources, through tsx. */
export function startWorker(workerData: OpenMessage): Worker {
  // tsc rewrites the extensions of imports, but not of URLs.
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./worker.js', import.meta.url), { workerData })
  }
  const entry = JSON.stringify(new URL('./worker.ts', import.meta.url).href)
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  // Node 20 gives a worker none of its parent's module hooks, and `--import tsx` does not help there.
  const code = `import(${tsx}).then(({ register }) => { register(); return import(${entry}) })`
  return new Worker(code, { eval: true, execArgv: [], workerData })
}
