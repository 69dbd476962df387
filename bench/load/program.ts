import { createInterface } from 'node:readline'
import type { LoadEvent, Run } from './plan.ts'

/** What a load program must offer once it is connected. */
export interface Load {
  readonly tls: string
  run(run: Run, measuring: () => void): Promise<LoadEvent>
  close(): void
}

/**
 * The frame of every load program: the first line on standard input is the plan, every further one
 * a run; events leave on standard output. Ends when its input ends.
 */
export async function serveLoad<Plan>(open: (plan: Plan) => Promise<Load>): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const first = await lines.next()
  if (first.done) return
  const began = performance.now()
  const load = await open(JSON.parse(first.value) as Plan)
  say({ event: 'connected', tls: load.tls, connectMs: performance.now() - began })
  for await (const line of { [Symbol.asyncIterator]: () => lines }) {
    say(await load.run(JSON.parse(line) as Run, () => say({ event: 'measuring' })))
  }
  load.close()
}

function say(event: LoadEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}
