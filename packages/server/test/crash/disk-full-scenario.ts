// Run on a small file system of its own: fills it through the API until the server gives up, makes
// room, starts again and prints what was acknowledged and what is there.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProcess } from '../process.ts'

const FILLER_BYTES = 8 * 1024 * 1024
const MAX_WRITES = 5000
const [folder = ''] = process.argv.slice(2)
const dataDir = join(folder, 'data')
const filler = join(folder, 'filler')
writeFileSync(filler, Buffer.alloc(FILLER_BYTES))

const first = await startProcess(dataDir)
await first.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
const big = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`p${i}`, 'x'.repeat(4000)]))
let acknowledged = 0
for (let number = 1; number <= MAX_WRITES; number++) {
  const deviceId = `pump-${number}`
  try {
    const created = await first.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
    if (number > 1 && created.status !== 200) break
    const body = { properties: { desired: { ...big, number } } }
    if ((await first.call('PATCH', `/twins/${deviceId}`, { body })).status !== 200) break
    acknowledged = number
  } catch {
    break
  }
}
const code = await first.exited

rmSync(filler)
const second = await startProcess(dataDir)
let held = 0
for (let number = 1; number <= acknowledged; number++) {
  const { body } = await second.call('GET', `/twins/pump-${number}`)
  if (body.properties?.desired.number === number) held++
}
second.child.kill('SIGTERM')
await second.exited
process.stdout.write(JSON.stringify({ acknowledged, held, code, errors: first.errors() }))
