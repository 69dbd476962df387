import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { all, event, eventStoreContract } from '../../../test/contracts/event-store.ts'
import { EventRecorder } from '../../ingestion/recorder.ts'
import { DuckDbEventStore } from './event-store.ts'

const folder = await mkdtemp(join(tmpdir(), 'event-store-'))
const opened: DuckDbEventStore[] = []
let files = 0

after(async () => {
  for (const store of opened) await store.close()
  await rm(folder, { recursive: true })
})

function newFile(): string {
  return join(folder, `${++files}.duckdb`)
}

async function open(file: string): Promise<DuckDbEventStore> {
  const store = await DuckDbEventStore.open(file)
  opened.push(store)
  return store
}

eventStoreContract(() => open(newFile()))

test('open: rows and cursor are there again', async () => {
  const file = newFile()
  const store = await open(file)
  await store.append([event(1), event(2)], 5)
  await store.close()
  const again = await open(file)
  assert.equal(await again.cursor(), 5)
  assert.equal((await all(again)).length, 2)
})

test('open: a file that a newer version wrote is refused and left alone', async () => {
  const file = newFile()
  await (await open(file)).close()
  await inFile(file, 'UPDATE EventStoreState SET SchemaVersion = 7')
  const reason = /has schema version 7, but this version of Twinward knows only 1/
  await assert.rejects(DuckDbEventStore.open(file), reason)
  // Refused twice, so the first refusal did not keep the file open.
  await assert.rejects(DuckDbEventStore.open(file), reason)
  assert.deepEqual(await inFile(file, 'SELECT SchemaVersion FROM EventStoreState'), [[7]])
})

test('open: a file that is no database is refused', async () => {
  const file = newFile()
  await writeFile(file, 'not a database'.repeat(1_000))
  await assert.rejects(DuckDbEventStore.open(file))
})

test('append: what failed leaves neither rows nor cursor, and the next one works', async () => {
  const store = await open(newFile())
  const unstorable = event(1)
  const payload = [{}, { toJSON: () => assert.fail('no JSON') }] as never
  await assert.rejects(store.append([{ ...unstorable, payload }], 1), /no JSON/)
  assert.equal(await store.cursor(), 0)
  assert.deepEqual(await all(store), [])
  await store.append([event(1)], 1)
  assert.equal((await all(store)).length, 1)
})

test('a recorder in front of the store: what was added is found after a flush', async () => {
  const store = await open(newFile())
  const clock = { sleep: () => new Promise<void>(() => {}) }
  const log = { info: () => {}, error: (_: object, message: string) => assert.fail(message) }
  const recorder = new EventRecorder(store, clock, log)
  for (let sequence = 1; sequence <= 6_000; sequence++)
    await recorder.add([event(sequence)], sequence)
  await recorder.flush()
  assert.equal(await recorder.cursor(), 6_000)
  const sequences = (await all(store, 1_000)).map(({ sequence }) => sequence)
  assert.deepEqual(
    sequences,
    Array.from({ length: 6_000 }, (_, index) => 6_000 - index),
  )
  await recorder.close()
})

test('query: text that is no valid Unicode is stored as well as it can be', async () => {
  const store = await open(newFile())
  await store.append([event(1, {}, { name: 'half \ud83d of a pair' })], 1)
  assert.equal((await all(store))[0]?.name, 'half \ufffd of a pair')
})

test('query: SQL reaches no other file', async () => {
  const file = newFile()
  await (await open(file)).close()
  const store = await open(file)
  const secret = join(folder, 'secret.csv')
  await writeFile(secret, 'a,b\n1,2\n')
  const filter = { limit: 1, name: `x' UNION SELECT * FROM read_csv('${secret}') --` }
  assert.deepEqual((await store.query(filter)).items, [])
})

async function inFile(file: string, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(file)
  const connection = await instance.connect()
  const result = await connection.runAndReadAll(sql)
  connection.closeSync()
  instance.closeSync()
  return result.getRows()
}
