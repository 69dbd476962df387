import { execFileSync } from 'node:child_process'
import { DuckDbEventStore } from '../../src/adapters/duckdb/event-store.ts'
import { all, event } from '../contracts/event-store.ts'

// Runs with a limit on the size of files, which is as good as a full disk, until an append fails;
// then lifts the limit and goes on. Prints what became of it.
process.on('SIGXFSZ', () => {})
const [file = ''] = process.argv.slice(2)
const store = await DuckDbEventStore.open(file)
const ROWS = 1_000
let acknowledged = 0

async function append(): Promise<void> {
  const through = acknowledged + 1
  const text = 'what is written when there is no room '.repeat(10)
  await store.append([{ ...event(through), payload: Array(ROWS).fill({ text }) }], through)
  acknowledged = through
}

let failure = ''
while (failure === '') {
  await append().catch((error: unknown) => {
    failure = String(error)
  })
}
const beforeRoom = { cursor: await store.cursor(), rows: (await all(store, 1_000)).length }
const isRefusedAgain = await append().then(
  () => false,
  () => true,
)
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited:unlimited'])
const acknowledgedBefore = acknowledged
await append()
const afterRoom = { cursor: await store.cursor(), rows: (await all(store, 1_000)).length }
await store.close()
process.stdout.write(JSON.stringify({ acknowledgedBefore, beforeRoom, isRefusedAgain, afterRoom }))
