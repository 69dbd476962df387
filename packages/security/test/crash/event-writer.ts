import { DuckDbEventStore } from '../../src/adapters/duckdb/event-store.ts'
import { event } from '../contracts/event-store.ts'

// Appends messages of three rows without end, from the file's cursor on, and prints each cursor that
// was acknowledged: the process that is killed in `event-store.test.ts`.
const [file = ''] = process.argv.slice(2)
const store = await DuckDbEventStore.open(file)
const MESSAGES_PER_APPEND = 40
const elements = [{ n: 0 }, { n: 1 }, { n: 2 }]

for (let cursor = await store.cursor(); ; cursor += MESSAGES_PER_APPEND) {
  const through = cursor + MESSAGES_PER_APPEND
  // A replay: what lies before the cursor comes once more.
  const events = Array.from({ length: through }, (_, index) => index + 1)
    .slice(-2 * MESSAGES_PER_APPEND)
    .map((sequence) => ({ ...event(sequence), payload: elements }))
  await store.append(events, through)
  process.stdout.write(`${through}\n`)
}
