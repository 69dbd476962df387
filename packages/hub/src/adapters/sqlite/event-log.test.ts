import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import Database from 'better-sqlite3'
import { eventLogContract, message, textOf } from '../../../test/contracts/event-log.ts'
import { SqliteEventLog } from './event-log.ts'
import {
  deletion,
  FIRST,
  FIRST_LATE_SINCE,
  FIRST_SINCE,
  LAST,
  LAST_BEFORE,
  READ,
  SIZES,
} from './event-statements.ts'
import { createCloudMessages } from './schema/cloud-messages.ts'
import { createEventSizes } from './schema/event-sizes.ts'
import { createEvents } from './schema/events.ts'

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

test('open: sizes and the latest time are there again, without counting', async () => {
  const file = newFile()
  const first = await open(file)
  await first.append('telemetry', 0, message({ text: '12345', enqueuedTimeMs: 5000 }))
  await first.append('telemetry', 0, message({ text: 'ü', enqueuedTimeMs: 6000 }))
  await first.append('telemetry', 1, message({ text: '67' }))
  await first.trim('telemetry', 0, 1)
  const size = first.size('telemetry')
  await first.close()

  const second = await open(file)
  assert.equal(second.size('telemetry'), size)
  // Later than it was told to be, as one before it says.
  await second.append('telemetry', 0, message({ enqueuedTimeMs: 1000 }))
  assert.equal(await second.sequenceBefore('telemetry', 0, 6000), 0)
  await second.expire('telemetry', Number.MAX_SAFE_INTEGER)
  assert.equal(second.size('telemetry'), 0)
  await second.close()
})

test('open: a log of an earlier version gets its sizes and the order of its times', async () => {
  const file = newFile()
  const db = new Database(file)
  for (const step of [createEvents, createCloudMessages]) db.exec(step)
  db.pragma('user_version = 2')
  db.exec("INSERT INTO event_head VALUES ('telemetry', 0, 0), ('security', 0, 7)")
  const insert = db.prepare(
    `INSERT INTO event (stream, partition, sequence, enqueued_ms, device_id, module_id, headers, body)
     VALUES ('telemetry', 0, ?, ?, 'pump-1', '', '{"application":{"a":"ü"}}', x'00ff')`,
  )
  for (const [at, ms] of [1000, 3000, 2000, 4000].entries()) insert.run(at + 1, ms)
  db.close()

  const log = await open(file)
  assert.equal(log.size('telemetry'), 4 * (Buffer.byteLength('{"application":{"a":"ü"}}') + 2))
  assert.equal(await log.sequenceBefore('telemetry', 0, 2500), 1)
  assert.equal(await log.expire('telemetry', 2500), 2)
  assert.equal(await log.append('telemetry', 0, message()), 5)
  assert.equal(await log.append('security', 0, message()), 8)
  await log.close()
})

test('every search has an index', () => {
  const db = new Database(':memory:')
  for (const step of [createEvents, createCloudMessages, createEventSizes]) db.exec(step)
  const head = {
    stream: 'telemetry',
    partition: 0,
    sequence: 0,
    bytes: 0,
    latestMs: 0,
    addedBytes: 0,
  }
  const kinds = ['through', 'expired', 'expired-late'] as const
  const deletions = kinds.flatMap((kind) => deletion(head, kind, 1).map(({ sql }) => sql))
  const searches = [FIRST, FIRST_LATE_SINCE, FIRST_SINCE, LAST, LAST_BEFORE, READ, SIZES]
  for (const sql of [...searches, ...deletions]) {
    const steps = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    const params = Array.from(sql.matchAll(/\?/g), () => 1)
    for (const { detail } of steps.all(...params)) {
      assert.doesNotMatch(detail, /SCAN event|TEMP B-TREE/, sql)
    }
  }
  db.close()
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
