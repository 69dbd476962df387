import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventLogContract, message, textOf } from '../../../test/contracts/event-log.ts'
import { SqliteEventLog } from './event-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-event-log-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

eventLogContract(() => open(newFile()))

test('open: messages and heads are there again; no sequence returns after a trim', async () => {
  const file = newFile()
  const first = await open(file)
  for (const text of ['a', 'b', 'c']) await first.append('telemetry', 2, message({ text }))
  for (const text of ['d', 'e']) await first.append('security', 0, message({ text }))
  await first.append('telemetry', 0, message({ text: 'old', enqueuedTimeMs: 1 }))
  await first.trim('security', 0, 2)
  assert.equal(await first.expire('telemetry', 2), 1)
  await first.close()

  const second = await open(file)
  assert.deepEqual((await second.read('telemetry', 2, 0, 9)).map(textOf), ['a', 'b', 'c'])
  assert.deepEqual(await second.read('security', 0, 0, 9), [])
  assert.equal(await second.head('telemetry', 2), 3)
  assert.equal(await second.append('telemetry', 2, message()), 4)
  assert.equal(await second.append('security', 0, message()), 3)
  assert.equal(await second.append('telemetry', 0, message()), 2)
  await second.close()
})

test('append: beyond the limit of waiting bytes it is refused, the others are kept', async () => {
  const log = await open(newFile())
  const body = new Uint8Array(256 * 1024)
  const calls = Array.from({ length: 300 }, () => log.append('telemetry', 0, message({ body })))
  const outcomes = await Promise.allSettled(calls)
  const kept = outcomes.filter(({ status }) => status === 'fulfilled').length
  const refused = outcomes.find((outcome) => outcome.status === 'rejected')
  assert.ok(kept > 200 && kept < 256, `${kept} kept`)
  assert.equal(refused?.reason.code, 'ServiceUnavailable')
  assert.equal(await log.head('telemetry', 0), kept)
  await log.close()
})

function newFile(): string {
  return join(folder, `${files++}.db`)
}

function open(file: string): Promise<SqliteEventLog> {
  const onFailure = (error: Error) => {
    throw error
  }
  return SqliteEventLog.open({ file, onFailure })
}
