import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'docs', 'wire')
/** Pages about what later versions will speak; everywhere else every row has its test. */
const PAGES_OF_THE_FUTURE: readonly string[] = ['later.md']
const NOT_YET = 'not yet'

interface Row {
  readonly page: string
  readonly line: number
  readonly what: string
  /** The last cell: tests, separated by commas, or `not yet`. */
  readonly proof: string
}

test('every row of docs/wire names tests that exist, or says plainly that it is not served yet', () => {
  const rows = readdirSync(folder).flatMap((page) => rowsOf(page))
  assert.ok(rows.length > 100, `only ${rows.length} rows were found`)
  const faults = rows.flatMap(({ page, line, what, proof }) => {
    const isFuture = PAGES_OF_THE_FUTURE.includes(page)
    if (proof === NOT_YET) return isFuture ? [] : [`${page}:${line} '${what}' is not served`]
    return testsOf(proof)
      .filter((name) => !existsSync(join(root, 'packages', `${name}.test.ts`)))
      .map((name) => `${page}:${line} '${what}' names no test: '${name}'`)
  })
  assert.deepEqual(faults, [])
})

/** The rows of the tables whose last column is called `test`. */
function rowsOf(page: string): readonly Row[] {
  const rows: Row[] = []
  let isTestTable = false
  for (const [index, text] of readFileSync(join(folder, page), 'utf8').split('\n').entries()) {
    const cells = cellsOf(text)
    if (!cells) {
      isTestTable = false
    } else if (cells.at(-1) === 'test') {
      isTestTable = true
    } else if (isTestTable && !/^:?-+:?$/.test(cells.at(-1) ?? '')) {
      rows.push({ page, line: index + 1, what: cells[0] ?? '', proof: cells.at(-1) ?? '' })
    }
  }
  return rows
}

function cellsOf(text: string): readonly string[] | undefined {
  if (!text.startsWith('|')) return undefined
  // A bar inside a cell is written `\|`.
  return text
    .trim()
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}

/** `hub/test/wire/mqtt-connect (sdk)` names a file below `packages/`. */
function testsOf(proof: string): readonly string[] {
  return proof.split(',').map((name) => name.replace(/\(.*?\)/g, '').trim())
}
