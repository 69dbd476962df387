import type { SqliteDatabase } from '@twinward/sqlite'
import type { QueryPage, QueryRows } from '../../../registry/registry.ts'
import type { Query } from '../../../twins/query/ast.ts'
import { readPosition, toStatement } from './statement.ts'

/** Text of one page, in UTF-16 code units, about. */
const MAX_PAGE_CHARACTERS = 8 * 1024 * 1024

/** Answers a query from the file. */
export async function queryRows(
  db: SqliteDatabase,
  query: Query,
  { limit, after }: QueryPage,
): Promise<QueryRows> {
  if (query.source === 'devices.jobs') return { rows: [] }
  // One more than asked for tells whether there are more.
  const statement = toStatement(query, {
    limit: limit + 1,
    ...(after !== undefined && { after: readPosition(after, query) }),
  })
  const { text, params, positionColumns } = statement
  const found = await db.query(text, params, MAX_PAGE_CHARACTERS)
  const isCut = found.length <= limit && lengthOf(found) >= MAX_PAGE_CHARACTERS
  const shown = found.slice(0, isCut ? Math.max(1, found.length - 1) : limit)
  const last = shown.at(-1)
  const rows = shown.map((row) => String(row[positionColumns]))
  if (!last || (found.length === shown.length && !isCut)) return { rows }
  return { rows, next: JSON.stringify(last.slice(0, positionColumns)) }
}

function lengthOf(rows: readonly (readonly unknown[])[]): number {
  return rows.reduce((sum, row) => sum + String(row.at(-1)).length, 0)
}
