import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { SqliteDatabase } from './database.ts'
import { openSqlite } from './open.ts'
import { MAX_WAITING_QUERIES } from './query-thread.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-sqlite-query-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

const TABLE = 'CREATE TABLE item (key TEXT PRIMARY KEY, size INTEGER) STRICT'
const INSERT = 'INSERT INTO item (key, size) VALUES (?, ?)'
const COUNT = 'SELECT count(*) FROM item'
/** Counts for so long that many commits fit in between. */
const LONG = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)
  SELECT max(i) FROM n`
const FUNCTIONS = new URL(
  'data:text/javascript,export const queryFunctions = { shout: (text) => text + "!" }',
)

test('query: sees every write and defer that was called before', async () => {
  await using store = await open()
  const { db } = store
  for (let n = 0; n < 50; n += 2) {
    void db.write([{ sql: INSERT, params: [`${n}`, n] }])
    db.defer({
      statements: (add) => add(INSERT, [`${n + 1}`, n]),
      committed: () => {},
      failed: assert.fail,
    })
    assert.deepEqual(await db.query(COUNT, [], 1000), [[n + 2]])
  }
})

test('query: writes commit while a long one runs', async () => {
  await using store = await open()
  const { db } = store
  await db.query(COUNT, [], 1000)
  let isAnswered = false
  const long = db.query(LONG, [], 1000).then((rows) => {
    isAnswered = true
    return rows
  })
  let writes = 0
  while (!isAnswered) await db.write([{ sql: INSERT, params: [`${writes}`, writes++] }])
  assert.deepEqual(await long, [[3_000_000]])
  assert.ok(writes > 10, `only ${writes} commits while it ran`)
  assert.deepEqual(await db.query(COUNT, [], 1000), [[writes]])
})

test('query: beyond the limit it is refused, and those that wait are answered', async () => {
  await using store = await open()
  const { db } = store
  const asked = Array.from({ length: MAX_WAITING_QUERIES + 4 }, () => db.query(COUNT, [], 1000))
  const outcomes = await Promise.allSettled(asked)
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.deepEqual(
    refused.map(({ reason }) => reason.name),
    Array(3).fill('TooManyQueriesError'),
  )
  assert.deepEqual(await db.query(COUNT, [], 1000), [[0]])
})

test('query: calls the functions it was given, and ends after so many bytes', async () => {
  await using store = await open()
  const { db } = store
  for (const key of ['a', 'b', 'c']) await db.write([{ sql: INSERT, params: [key, 1] }])
  const sql = 'SELECT shout(key) FROM item ORDER BY key'
  assert.deepEqual(await db.query(sql, [], 1000), [['a!'], ['b!'], ['c!']])
  assert.deepEqual(await db.query(sql, [], 3), [['a!'], ['b!']])
})

test('query: cannot write, and one that fails harms nothing else', async () => {
  await using store = await open()
  const { db } = store
  await db.write([{ sql: INSERT, params: ['a', 1] }])
  await assert.rejects(db.query('DELETE FROM item RETURNING key', [], 1000), /readonly/)
  await assert.rejects(db.query('SELECT nonsense', [], 1000), /nonsense/)
  assert.deepEqual(await db.query(COUNT, [], 1000), [[1]])
  await db.write([{ sql: INSERT, params: ['b', 1] }])
})

test('close: answers the queries that were called before, and refuses those after', async () => {
  const { db } = await open()
  const written = db.write([{ sql: INSERT, params: ['a', 1] }])
  const asked = db.query(COUNT, [], 1000)
  const closed = db.close()
  await assert.rejects(db.query(COUNT, [], 1000), { name: 'StoreClosedError' })
  assert.deepEqual(await asked, [[1]])
  await Promise.all([written, closed])
})

test('openSqlite: a file with queries keeps a second opener out, until it is closed or killed', async () => {
  const file = newFile()
  const first = await open(file)
  await first.db.query(COUNT, [], 1000)
  await assert.rejects(open(file), { name: 'StoreInUseError' })
  await first.db.close()

  const options = `{ file: process.argv[1], migrations: [${JSON.stringify(TABLE)}],
    queryFunctions: new URL(${JSON.stringify(FUNCTIONS.href)}), onFailure(error) { throw error } }`
  const code = `import { openSqlite } from ${JSON.stringify(import.meta.resolve('./open.ts'))}
    await openSqlite(${options})
    process.stdout.write('open')
    setInterval(() => {}, 1000)`
  const args = process.execArgv.filter((arg) => !arg.startsWith('--test'))
  const child = spawn(process.execPath, [...args, '--input-type=module', '-e', code, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  await assert.rejects(open(file), { name: 'StoreInUseError' })
  child.kill('SIGKILL')
  await exited
  await using again = await open(file)
  assert.deepEqual(await again.db.query(COUNT, [], 1000), [[0]])
})

function newFile(): string {
  return join(folder, `${files++}.db`)
}

async function open(
  file = newFile(),
): Promise<{ db: SqliteDatabase; [Symbol.asyncDispose](): Promise<void> }> {
  const onFailure = (error: Error) => {
    throw error
  }
  const db = await openSqlite({ file, migrations: [TABLE], queryFunctions: FUNCTIONS, onFailure })
  return { db, [Symbol.asyncDispose]: () => db.close() }
}
