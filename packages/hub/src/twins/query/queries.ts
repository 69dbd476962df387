import { createHash } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { QueryPage, Registry } from '../../registry/registry.ts'
import type { Query } from './ast.ts'
import { parseQuery } from './parse-query.ts'

/** Results of one page; a caller that asks for more gets so many. */
export const MAX_PAGE_ITEMS = 100
/** Longer tokens are none of ours, in characters: the longest ends at a group of a 4 KiB text. */
const MAX_TOKEN_CHARACTERS = 12_288
/** Characters of a token's digest. */
const DIGEST_CHARACTERS = 22

/** What results are, as `x-ms-item-type` says it (05 §2.1). */
export type QueryItemType = 'Twin' | 'Raw' | 'DeviceJob'

export interface QueryResult {
  readonly itemType: QueryItemType
  /** JSON texts. */
  readonly rows: readonly string[]
  /** Only when there are more results. */
  readonly continuation?: string
}

export interface QueryOptions {
  /** At most `MAX_PAGE_ITEMS`, its default. */
  readonly maxItems?: number
  /** Of an earlier result of the same query. */
  readonly continuation?: string
}

/** Answers queries over twins (07), a page at a time. */
export class Queries {
  readonly #registry: Pick<Registry, 'query'>
  readonly #jobs: Pick<Registry, 'query'>
  readonly #preparations: (() => void)[] = []

  /** @param jobs  answers what is asked of `devices.jobs` */
  constructor(registry: Pick<Registry, 'query'>, jobs: Pick<Registry, 'query'> = registry) {
    this.#registry = registry
    this.#jobs = jobs
  }

  /** Calls `prepare` before each query, which then sees the changes that it begins. */
  prepareWith(prepare: () => void): void {
    this.#preparations.push(prepare)
  }

  /**
   * A query sees all that was acknowledged before it.
   *
   * @throws {HubError} `ArgumentInvalid` for a query or token that is wrong; `ThrottlingException`
   */
  async run(text: string, options: QueryOptions = {}): Promise<QueryResult> {
    const { maxItems = MAX_PAGE_ITEMS, continuation } = options
    const query = parseQuery(text)
    const begun = continuation === undefined ? {} : readToken(text, continuation)
    const left = begun.left ?? query.top ?? Number.MAX_SAFE_INTEGER
    const limit = Math.min(maxItems, MAX_PAGE_ITEMS, left)
    for (const prepare of this.#preparations) prepare()
    const page: QueryPage = { limit, ...(begun.after !== undefined && { after: begun.after }) }
    const source = query.source === 'devices.jobs' ? this.#jobs : this.#registry
    const { rows, next } = await source.query(query, page)
    const leftAfter = left - rows.length
    const hasMore = next !== undefined && leftAfter > 0
    return {
      itemType: itemTypeOf(query),
      rows,
      ...(hasMore && {
        continuation: writeToken(text, {
          after: next,
          ...(query.top !== undefined && { left: leftAfter }),
        }),
      }),
    }
  }
}

function itemTypeOf({ source, select }: Query): QueryItemType {
  if (source === 'devices.jobs') return 'DeviceJob'
  return select === '*' ? 'Twin' : 'Raw'
}

/** Where a query goes on; `left` of what TOP allows. */
interface Position {
  readonly after?: string
  readonly left?: number
}

/**
 * `position.digest`, both base64url. A token says nothing that its query would not tell, so the digest
 * keeps no secret: it finds tokens that are damaged or belong to another query.
 */
function writeToken(query: string, { after, left }: Position): string {
  const position = Buffer.from(JSON.stringify([after, ...(left === undefined ? [] : [left])]))
  return `${position.toString('base64url')}.${digestOf(query, position)}`
}

/** @throws {HubError} `ArgumentInvalid` */
function readToken(query: string, token: string): Position {
  const [position = '', digest] = token.split('.')
  const bytes = Buffer.from(position, 'base64url')
  const isOurs =
    token.length <= MAX_TOKEN_CHARACTERS &&
    token === `${bytes.toString('base64url')}.${digest}` &&
    digest === digestOf(query, bytes)
  if (!isOurs) {
    throw new HubError(
      'ArgumentInvalid',
      'The continuation token is not one that this query was answered with.',
    )
  }
  const [after, left] = JSON.parse(bytes.toString()) as [string, number?]
  return { after, ...(left !== undefined && { left }) }
}

function digestOf(query: string, position: Buffer): string {
  const hash = createHash('sha256').update(`query 1\n${query.length}\n${query}\n`).update(position)
  return hash.digest('base64url').slice(0, DIGEST_CHARACTERS)
}
