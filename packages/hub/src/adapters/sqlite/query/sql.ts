import type { SqlRow } from '@twinward/sqlite'

/** A piece of SQL with the values of its `?`, in order. */
export interface Sql {
  readonly text: string
  readonly params: SqlRow
}

/** Joins texts and pieces, so that texts and params stay in step. */
export function sql(strings: TemplateStringsArray, ...pieces: readonly Sql[]): Sql {
  const params = []
  let text = strings[0] ?? ''
  for (const [at, piece] of pieces.entries()) {
    text += piece.text + (strings[at + 1] ?? '')
    params.push(...piece.params)
  }
  return { text, params }
}

/** A constant text without params. */
export function raw(text: string): Sql {
  return { text, params: [] }
}

export function param(value: SqlRow[number]): Sql {
  return { text: '?', params: [value] }
}

export function list(pieces: readonly Sql[], separator = ', '): Sql {
  return {
    text: pieces.map(({ text }) => text).join(separator),
    params: pieces.flatMap(({ params }) => params),
  }
}

/** Pairs of pairs: SQLite limits how deep an expression nests, and `a AND b AND c` nests. */
export function balanced(pieces: readonly Sql[], operator: 'AND' | 'OR'): Sql {
  const [first] = pieces
  if (!first) throw new Error('There is nothing to join.')
  if (pieces.length === 1) return first
  const middle = Math.ceil(pieces.length / 2)
  const left = balanced(pieces.slice(0, middle), operator)
  const right = balanced(pieces.slice(middle), operator)
  return sql`(${left} ${raw(operator)} ${right})`
}
