import { createInterface } from 'node:readline'
import { DuckDbAppender } from './duckdb-rows.ts'

/**
 * Load program without a server: rows into a bare DuckDB file, 2,048 and a commit at a time. Its first
 * line says where; each further one for how long.
 */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const first = await lines.next()
const { file } = JSON.parse(String(first.value)) as { readonly file: string }
const appender = await DuckDbAppender.open(file)
say({ event: 'connected', tls: '', connectMs: 0 })
for await (const line of { [Symbol.asyncIterator]: () => lines }) {
  const { measureMs, isPrepared } = JSON.parse(line) as {
    readonly measureMs: number
    readonly isPrepared: boolean
  }
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  let rows = 0
  while (performance.now() - began < measureMs) rows += await appender.append(isPrepared)
  const wallMs = performance.now() - began
  const cpu = process.cpuUsage(cpuBefore)
  say({ event: 'appended', rows, wallMs, cpuMs: (cpu.user + cpu.system) / 1_000 })
}
appender.close()

function say(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}
