import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { opened } from '../../../../test/contracts/registry-entries.ts'
import { arbitraryEntry, query } from '../../../../test/query-arbitraries.ts'
import type { Entry, Registry } from '../../../registry/registry.ts'
import { parseQuery } from '../../../twins/query/parse-query.ts'
import { queryEntries } from '../../memory/query-entries.ts'
import { SqliteRegistry } from '../registry.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-query-'))
after(() => rmSync(folder, { recursive: true }))

const REFS = [1, 2, 3, 4, 5, 6].flatMap((n) => [
  { deviceId: `d-${n}` },
  { deviceId: `d-${n}`, moduleId: 'm-1' },
  { deviceId: `d-${n}`, moduleId: 'm-2' },
])

test('query: SQL selects, projects and counts as the language is defined, page by page', async () => {
  await using store = await opened(() => open('same.db'))
  const { registry } = store
  const twins = fc.tuple(...REFS.map(arbitraryEntry))
  for (const [seed, entries] of fc.sample(twins, { numRuns: 4, seed: 7 }).entries()) {
    await replaceAll(registry, entries)
    const property = fc.asyncProperty(query, async (text) => {
      const parsed = parseQuery(text)
      const expected = queryEntries(entries, parsed, { limit: 1000 }).rows
      for (const limit of [1000, 4]) {
        const rows = await allPages(registry, text, limit)
        assert.deepEqual(sorted(rows), sorted(expected), text)
      }
    })
    await fc.assert(property, {
      numRuns: 150,
      seed: process.env.SEED ? Number(process.env.SEED) + seed : seed,
    })
  }
})

async function allPages(registry: Registry, text: string, limit: number): Promise<string[]> {
  const rows: string[] = []
  let after: string | undefined
  do {
    const page = await registry.query(parseQuery(text), {
      limit,
      ...(after !== undefined && { after }),
    })
    assert.ok(page.rows.length > 0 || page.next === undefined)
    rows.push(...page.rows)
    after = page.next
  } while (after !== undefined)
  return rows
}

/** Removes, inserts and changes, so that side tables have seen every kind of write. */
async function replaceAll(registry: Registry, entries: readonly Entry[]): Promise<void> {
  for (const { ref } of entries) if (ref.moduleId === undefined) await registry.remove(ref)
  const rotated = entries.map((entry, at) => ({
    ...entry,
    twin: { ...entry.twin, tags: entries[(at + 1) % entries.length]?.twin.tags ?? {} },
  }))
  assert.equal(await registry.insert(rotated), 'inserted')
  await Promise.all(entries.map((entry) => registry.change(entry.ref, () => entry)))
}

/** Numbers in sums may differ in their last digits with the order of what is added. */
function sorted(rows: readonly string[]): readonly string[] {
  return rows
    .map((row) =>
      row.replace(/-?\d+\.?\d*e[+-]\d+|-?\d+\.\d+/g, (n) => String(Number(n).toPrecision(12))),
    )
    .sort()
}

function open(name: string): Promise<SqliteRegistry> {
  return SqliteRegistry.open({
    file: join(folder, name),
    onFailure(error) {
      throw error
    },
  })
}
