import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import type { SqliteDatabase, Statement } from './database.ts'
import { openSqlite } from './open.ts'
import { MAX_WAITING_UNITS } from './units.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-sqlite-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

const TABLE = 'CREATE TABLE item (key TEXT PRIMARY KEY, size INTEGER, body BLOB) STRICT'
const INSERT = 'INSERT INTO item (key, size, body) VALUES (?, ?, ?)'
const KEYS = 'SELECT key FROM item ORDER BY rowid'

test('write: units run in the order of the calls, and a read sees those before it', async () => {
  await using store = await open()
  const { db } = store
  const writes = ['a', 'b', 'c'].map((key) => db.write([insert(key)]))
  const between = db.read(KEYS, [])
  const last = db.write([insert('d')])
  assert.deepEqual(await between, [['a'], ['b'], ['c']])
  assert.deepEqual(
    (await Promise.all([...writes, last])).flat().map((r) => r.changes),
    [1, 1, 1, 1],
  )
  assert.deepEqual(await db.read(KEYS, []), [['a'], ['b'], ['c'], ['d']])
})

test('write: a violated constraint undoes its own unit and no other', async () => {
  await using store = await open()
  const { db } = store
  const [first, twice, alone, last] = await Promise.allSettled([
    db.write([insert('a')]),
    db.write([insert('b'), insert('c'), insert('a'), insert('d')]),
    db.write([insert('a')]),
    db.write([insert('e'), insert('f')]),
  ])
  assert.equal(first.status, 'fulfilled')
  assert.equal(last.status, 'fulfilled')
  const violation = { name: 'ConstraintError', code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }
  assertRejected(twice, { ...violation, statement: 2 })
  assertRejected(alone, { ...violation, statement: 0 })
  assert.deepEqual(await db.read(KEYS, []), [['a'], ['e'], ['f']])
})

test('write: returns changes, and the rows of RETURNING', async () => {
  await using store = await open()
  const { db } = store
  const results = await db.write([
    insert('a'),
    insert('b'),
    { sql: 'UPDATE item SET size = 7 WHERE key > ?', params: [''] },
    { sql: 'DELETE FROM item RETURNING key, size', params: [] },
    { sql: 'DELETE FROM item RETURNING key, size', params: [] },
  ])
  assert.deepEqual(results, [
    { changes: 1, rows: [] },
    { changes: 1, rows: [] },
    { changes: 2, rows: [] },
    {
      changes: 2,
      rows: [
        ['a', 7],
        ['b', 7],
      ],
    },
    { changes: 0, rows: [] },
  ])
})

test('values come back as they were passed', async () => {
  await using store = await open()
  const { db } = store
  const values = [
    '',
    'naïve 鍵 😀 \0',
    null,
    0,
    -1,
    1.5,
    2 ** 52,
    new Uint8Array([0, 255]),
    new Uint8Array(0),
  ]
  const chunk = Buffer.from('one|two')
  const sql = `SELECT ${[...values, '', ''].map(() => '?').join(', ')}`
  const [row] = await db.read(sql, [...values, chunk.subarray(0, 3), chunk.subarray(4)])
  assert.deepEqual(row, [
    ...values,
    Uint8Array.from(Buffer.from('one')),
    Uint8Array.from(Buffer.from('two')),
  ])
})

test('read: with a bound in bytes it ends after the row that reaches it', async () => {
  await using store = await open()
  const { db } = store
  for (const key of ['a', 'b', 'c', 'd']) await db.write([insert(key, new Uint8Array(100))])
  const sql = 'SELECT body FROM item ORDER BY key'
  assert.equal((await db.read(sql, [], 101)).length, 2)
  assert.equal((await db.read(sql, [], 1)).length, 1)
  assert.equal((await db.read(sql, [], 10_000)).length, 4)
})

test('defer: keeps its place, asks for its statements late, and tells the changes', async () => {
  await using store = await open()
  const { db } = store
  const keys = ['b']
  const before = db.write([insert('a')])
  const committed = new Promise<number>((resolve, reject) => {
    db.defer({
      statements(add) {
        for (const key of keys) add(INSERT, [key, 0, null])
      },
      committed: resolve,
      failed: reject,
    })
  })
  const later = db.write([insert('z')])
  keys.push('c', 'd')
  assert.equal(await committed, 3)
  await Promise.all([before, later])
  assert.deepEqual(await db.read(KEYS, []), [['a'], ['b'], ['c'], ['d'], ['z']])
})

test('write: beyond the limit it rejects with StoreBusyError, and what waited is done', async () => {
  await using store = await open()
  const { db } = store
  const writes = Array.from({ length: MAX_WAITING_UNITS + 5 }, (_, n) => db.write([insert(`${n}`)]))
  const outcomes = await Promise.allSettled(writes)
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  assert.equal(refused.length, 5)
  assertRejected(refused[0], { name: 'StoreBusyError' })
  assert.deepEqual(await db.read('SELECT count(*) FROM item', []), [[MAX_WAITING_UNITS]])
})

test('openSqlite: a commit is on the disk, not only on its way there', async () => {
  await using store = await open()
  const { db } = store
  assert.deepEqual(await db.read('PRAGMA journal_mode', []), [['wal']])
  assert.deepEqual(await db.read('PRAGMA synchronous', []), [[2]])
})

test('openSqlite: a second opener is told that the file is in use', async () => {
  const file = newFile()
  await using store = await open({ file })
  await store.db.write([insert('a')])
  await assert.rejects(open({ file }), { name: 'StoreInUseError' })
  await store.db.close()
  await using again = await open({ file })
  assert.deepEqual(await again.db.read(KEYS, []), [['a']])
})

test('openSqlite: applies each migration once, and refuses the file of a newer version', async () => {
  const file = newFile()
  const second = "INSERT INTO item VALUES ('migrated', 0, NULL)"
  for (const migrations of [[TABLE], [TABLE, second], [TABLE, second]]) {
    const store = await open({ file, migrations })
    await store.db.close()
  }
  await assert.rejects(open({ file, migrations: [TABLE] }), { name: 'StoreTooNewError' })
  await using store = await open({ file, migrations: [TABLE, second] })
  assert.deepEqual(await store.db.read(KEYS, []), [['migrated']])
})

test('openSqlite: a migration that fails leaves the file as it was', async () => {
  const file = newFile()
  await assert.rejects(open({ file, migrations: [TABLE, `${TABLE}2; nonsense`] }), /Cannot open/)
  await using store = await open({ file })
  assert.deepEqual(
    await store.db.read('SELECT name FROM sqlite_schema WHERE type = ?', ['table']),
    [['item']],
  )
})

test('openSqlite: a path that cannot be opened is an error that names it', async () => {
  await assert.rejects(open({ file: join(folder, 'missing', 'x.db') }), /missing.x\.db/)
})

test('a full disk rejects what waits and what comes, tells it once, and keeps what was committed', async () => {
  const file = newFile()
  const failures: Error[] = []
  // Valid for the connection that runs it: the file cannot grow beyond 20 pages.
  const migrations = [TABLE, 'PRAGMA max_page_count = 20']
  await using store = await open({ file, migrations, onFailure: (error) => failures.push(error) })
  const { db } = store
  await db.write([insert('kept')])
  const full = { name: 'StoreFailedError', code: 'SQLITE_FULL' }
  const outcomes = await Promise.allSettled([
    db.write([insert('small')]),
    db.write([insert('large', new Uint8Array(1_000_000))]),
    db.read(KEYS, []),
  ])
  for (const outcome of outcomes) assertRejected(outcome, full)
  await assert.rejects(db.write([insert('later')]), full)
  await assert.rejects(db.read(KEYS, []), full)
  const deferred = new Promise((_resolve, failed) => {
    db.defer({ statements: () => assert.fail('too late'), committed: () => {}, failed })
  })
  await assert.rejects(deferred, full)
  assert.equal(failures.length, 1)
  await db.close()
  await using again = await open({ file, migrations })
  assert.deepEqual(await again.db.read(KEYS, []), [['kept']])
})

test('close: waits for what was called before, and refuses what comes after', async () => {
  const file = newFile()
  const store = await open({ file })
  const written = store.db.write([insert('a')])
  const closed = store.db.close()
  await assert.rejects(store.db.write([insert('b')]), { name: 'StoreClosedError' })
  await Promise.all([written, closed, store.db.close()])
  await using again = await open({ file })
  assert.deepEqual(await again.db.read(KEYS, []), [['a']])
})

test('what was acknowledged survives SIGKILL, in the order of the calls', async () => {
  const file = newFile()
  const code = `
    import { openSqlite } from ${JSON.stringify(import.meta.resolve('./open.ts'))}
    const db = await openSqlite({ file: process.argv[1], migrations: [${JSON.stringify(TABLE)}],
      onFailure(error) { throw error } })
    let next = 0
    async function writer() {
      for (;;) {
        const n = next++
        await db.write([{ sql: ${JSON.stringify(INSERT)}, params: [String(n), n, null] }])
        process.stdout.write(n + '\\n')
      }
    }
    for (let i = 0; i < 50; i++) void writer()`
  const args = [
    ...process.execArgv.filter((arg) => !arg.startsWith('--test')),
    '--input-type=module',
  ]
  const child = spawn(process.execPath, [...args, '-e', code, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const acknowledged: number[] = []
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(Number(line))
    if (acknowledged.length === 5000) child.kill('SIGKILL')
  }
  assert.deepEqual(await exited, [null, 'SIGKILL'])

  await using store = await open({ file })
  const rows = await store.db.read('SELECT size FROM item ORDER BY rowid', [])
  const stored = rows.map(([n]) => Number(n))
  // Numbers were given out in the order of the calls: a gap would be a unit that got lost.
  assert.deepEqual(
    stored,
    stored.map((_, n) => n),
  )
  assert.ok(Math.max(...acknowledged) < stored.length)
})

function insert(key: string, body: Uint8Array | null = null): Statement {
  return { sql: INSERT, params: [key, 0, body] }
}

function newFile(): string {
  return join(folder, `${files++}.db`)
}

interface Opening {
  readonly file?: string
  readonly migrations?: readonly string[]
  readonly onFailure?: (error: Error) => void
}

async function open(
  opening: Opening = {},
): Promise<{ db: SqliteDatabase; [Symbol.asyncDispose](): Promise<void> }> {
  const { file = newFile(), migrations = [TABLE], onFailure = failTest } = opening
  const db = await openSqlite({ file, migrations, onFailure })
  return { db, [Symbol.asyncDispose]: () => db.close() }
}

function failTest(error: Error): void {
  throw error
}

function assertRejected(outcome: PromiseSettledResult<unknown> | undefined, error: object): void {
  assert.equal(outcome?.status, 'rejected')
  const { reason } = outcome
  for (const [name, value] of Object.entries(error)) assert.equal(reason[name], value)
}
