import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openSqlite } from '@twinward/sqlite'
import { entry } from '../../../../test/contracts/registry-entries.ts'
import { parseQuery } from '../../../twins/query/parse-query.ts'
import { SqliteRegistry } from '../registry.ts'
import { createEntries } from '../schema/entries.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-query-stored-'))
after(() => rmSync(folder, { recursive: true }))

test('open: nobody is connected any more, whatever the file says', async () => {
  const file = join(folder, 'crash.db')
  const ref = { deviceId: 'd' }
  const first = await open(file)
  await first.insert([entry(ref)])
  await first.change(ref, (e) => ({ ...e, identity: { ...e.identity, connected: true } }))
  const text = "SELECT * FROM devices WHERE connectionState = 'Connected'"
  assert.equal((await ask(first, text)).length, 1)
  // As after a crash: without a change that says the session ended.
  await first.close()

  const second = await open(file)
  assert.deepEqual(await ask(second, text), [])
  assert.equal((await second.find(ref))?.identity.connected, undefined)
  await second.close()
})

test('open: a file from before queries keeps its twins, and its tags are found', async () => {
  const file = join(folder, 'old.db')
  const twin = entry({ deviceId: 'd' }, { values: { site: 'north', floor: { level: 2 } } })
  const { identity, twin: parts } = twin
  const section = JSON.stringify({
    values: parts.desired.values,
    version: parts.desired.version,
    metadata: [1, parts.desired.metadata.t, { unit: 0 }],
    sizeBytes: parts.desired.sizeBytes,
  })
  const old = await openSqlite({ file, migrations: [createEntries], onFailure: assert.fail })
  const insert = `INSERT INTO entry (device_id, module_id, disabled, etag, identity, tags, desired)
    VALUES ('d', '', 0, 1, ?, ?, ?)`
  await old.write([
    { sql: insert, params: [JSON.stringify(identity), JSON.stringify(parts.tags), section] },
    { sql: 'INSERT INTO reported (id, version, reported) VALUES (1, 1, ?)', params: [section] },
  ])
  await old.close()

  const registry = await open(file)
  assert.deepEqual(await registry.find({ deviceId: 'd' }), twin)
  for (const where of ["tags.site = 'north'", 'tags.floor.level > 1', "status = 'enabled'"]) {
    const rows = await ask(registry, `SELECT deviceId FROM devices WHERE ${where}`)
    assert.deepEqual(rows, ['{"deviceId":"d"}'])
  }
  await registry.close()
})

async function ask(registry: SqliteRegistry, text: string): Promise<readonly string[]> {
  return (await registry.query(parseQuery(text), { limit: 10 })).rows
}

function open(file: string): Promise<SqliteRegistry> {
  return SqliteRegistry.open({
    file,
    onFailure(error) {
      throw error
    },
  })
}
