import { SqliteFindingStore } from '../../src/adapters/sqlite/finding-store.ts'
import { baseline, check, failing } from '../baselines.ts'
import { agent, alert, rejection } from '../contracts/findings.ts'

// Commits batches without end, from the file's cursor on, and prints each cursor that was
// acknowledged: the process that is killed in `finding-store.test.ts`.
const [file = ''] = process.argv.slice(2)
const store = await SqliteFindingStore.open({
  file,
  onFailure: (error) => {
    throw error
  },
})

for (let cursor = (await store.cursor()) + 1; ; cursor++) {
  await store.commit({
    alerts: [alert(`a${cursor}`), alert(`b${cursor}`, { deviceId: `pump-${cursor}` })],
    agents: [agent('pump-1', { events: cursor })],
    memories: [{ deviceId: 'pump-1', values: { cursor } }],
    rejections: [rejection(cursor, `pump-${cursor % 7}`)],
    baselines: [
      baseline({
        deviceId: `pump-${cursor % 7}`,
        evaluatedMs: 5_000 + cursor,
        checks: [failing({ id: `1.1.${cursor % 5}` }), check({ description: `of ${cursor}` })],
      }),
    ],
    cursor,
  })
  process.stdout.write(`${cursor}\n`)
}
