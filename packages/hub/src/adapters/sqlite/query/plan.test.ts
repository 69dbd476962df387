import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { SqliteDatabase } from '@twinward/sqlite'
import { parseQuery } from '../../../twins/query/parse-query.ts'
import { openHubDatabase } from '../hub-database.ts'
import { readPosition, toStatement } from './statement.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-plan-'))
let db: SqliteDatabase
before(async () => {
  db = await openHubDatabase({
    file: join(folder, 'hub.db'),
    onFailure(error) {
      throw error
    },
  })
})
after(async () => {
  await db.close()
  rmSync(folder, { recursive: true })
})

/** The condition, how its documents must be found, and where its second page begins. */
const DEVICES = 'entry USING INDEX sqlite_autoindex_entry_1'
const INDEXED: readonly (readonly [from: string, plan: string, position?: string])[] = [
  ["devices.modules WHERE moduleId = 'm'", 'entry USING INDEX entry_module (module_id=?', '[7]'],
  ["devices.modules WHERE 'm' = MODULEID", 'entry USING INDEX entry_module (module_id=?', '[7]'],
  [
    "devices WHERE configurations.[[x]].status = 'Applied'",
    'entry USING INDEX entry_configured (is_module=?',
    '[7]',
  ],
  [
    'devices.modules WHERE IS_DEFINED(configurations.[[x]])',
    'entry USING INDEX entry_configured (is_module=?',
    '[7]',
  ],
  ["devices WHERE deviceId = 'd'", `${DEVICES} (device_id=? AND module_id=?)`],
  ["devices WHERE deviceId IN ['d', 'e']", `${DEVICES} (device_id=? AND module_id=?)`],
  ["devices.modules WHERE deviceId = 'd'", `${DEVICES} (device_id=? AND module_id>?)`],
  [
    "devices WHERE status = 'disabled'",
    'entry USING INDEX entry_status (is_module=? AND disabled=?',
    '[7]',
  ],
  ["devices WHERE connectionState = 'Connected'", 'live USING PRIMARY KEY (is_module=?', '[7]'],
  [
    "devices WHERE tags.site = 'x'",
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value=?',
    '[7]',
  ],
  [
    'devices WHERE tags.a.b = 5',
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value=?',
    '[7]',
  ],
  [
    'devices WHERE tags.a = true',
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value=?',
    '[7]',
  ],
  [
    "devices WHERE tags.a IN ['x', 5]",
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value=?',
  ],
  [
    'devices WHERE tags.a < 5',
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value>? AND value<?',
    '[2,7]',
  ],
  [
    "devices WHERE tags.a >= 'x'",
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value>? AND value<?',
    '["y",7]',
  ],
  [
    "devices.modules WHERE moduleId = 'm' AND tags.posture.score < 60 AND properties.reported.x = 1",
    'leaf USING PRIMARY KEY (is_module=? AND path=? AND value>? AND value<?',
    '[2,7]',
  ],
  ['devices', 'entry USING INDEX entry_kind (is_module=?', '[7]'],
  ['devices.modules', 'entry USING INDEX entry_kind (is_module=?', '[7]'],
]

for (const [from, plan, position] of INDEXED) {
  test(`query: ${from} is answered by an index, in its order`, async () => {
    for (const select of ['*', 'deviceId', 'COUNT() AS n']) {
      const lines = await explain(`SELECT ${select} FROM ${from}`)
      // An index that holds all that is asked for is read alone.
      assert.ok(lines[0]?.replace('COVERING ', '').includes(plan), lines.join('\n'))
      assert.ok(
        lines.every((line) => !line.startsWith('SCAN entry')),
        lines.join('\n'),
      )
    }
    if (position === undefined) return
    for (const after of [undefined, position]) {
      const lines = await explain(`SELECT * FROM ${from}`, after)
      assert.ok(
        lines.every((line) => !line.includes('TEMP B-TREE')),
        lines.join('\n'),
      )
    }
  })
}

async function explain(text: string, after?: string): Promise<readonly string[]> {
  const query = parseQuery(text)
  const statement = toStatement(query, {
    limit: 101,
    ...(after !== undefined && { after: readPosition(after, query) }),
  })
  const sql = `EXPLAIN QUERY PLAN ${statement.text}`
  const rows = await db.query(sql, statement.params, 100_000)
  const found = rows.map((row) => String(row[3]).replace(/^SEARCH /, ''))
  return found.filter((line) => !line.startsWith('CO-ROUTINE'))
}
