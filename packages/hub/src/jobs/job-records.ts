import type { QueryPage, QueryRows } from '../registry/registry.ts'
import type { Expression, Query } from '../twins/query/ast.ts'
import { matches } from '../twins/query/evaluate.ts'
import type { JobStore } from './job-store.ts'
import { targetDocument, targetText } from './job-view.ts'

/** Records that are read at a time, and looked at for one page of results. */
const READ_RECORDS = 500
const MAX_LOOKED_AT = 10_000
/** Text of one page, in UTF-16 code units, about. */
const MAX_PAGE_CHARACTERS = 8 * 1024 * 1024

/** What jobs did, as `SELECT * FROM devices.jobs` reads it (07 §5). */
export class JobRecords {
  readonly #store: Pick<JobStore, 'targets'>

  constructor(store: Pick<JobStore, 'targets'>) {
    this.#store = store
  }

  /** As `Registry.query`. A page may hold fewer results than its limit, and go on all the same. */
  async query({ where }: Query, { limit, after }: QueryPage): Promise<QueryRows> {
    const narrowed = narrow(where)
    const rows: string[] = []
    let characters = 0
    let place = after === undefined ? 0 : Number(after)
    for (let looked = 0; looked < MAX_LOOKED_AT; looked += READ_RECORDS) {
      const filter = { ...narrowed, limit: READ_RECORDS, after: place }
      const page = await this.#store.targets(filter)
      if (page.length === 0) return { rows }
      for (const { place: at, target } of page) {
        if (rows.length === limit || characters >= MAX_PAGE_CHARACTERS) {
          return { rows, next: String(place) }
        }
        place = at
        if (where && !matches(where, targetDocument(target))) continue
        const text = targetText(target)
        characters += text.length
        rows.push(text)
      }
    }
    return { rows, next: String(place) }
  }
}

/** What an index can find: `jobId = 'x' AND deviceId = 'y'`, alone or with further terms. */
function narrow(where: Expression | undefined): { jobId?: string; deviceId?: string } {
  const terms = where?.kind === 'and' ? where.terms : where ? [where] : []
  const found: { jobId?: string; deviceId?: string } = {}
  for (const term of terms) {
    if (term.kind !== 'compare' || term.operator !== '=') continue
    const { left, right } = term
    if (left.kind !== 'path' || right.kind !== 'literal' || typeof right.value !== 'string')
      continue
    const [name] = left.keys
    if (left.keys.length !== 1) continue
    if (name === 'jobId' || name === 'deviceId') found[name] = right.value
  }
  return found
}
