import type { Query } from './api-client.ts'
import { apiOf, type Context, type Input, type Option, UsageError } from './command.ts'

/** Most items that the server puts into one page. */
const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100
/** `--all` stops here: nobody reads more, and it must fit into memory. */
const MAX_ALL_ITEMS = 100_000

/** What every list of the security API answers. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly continuationToken: string | null
}

export const PAGE_OPTIONS: readonly Option[] = [
  {
    flags: '--limit <n>',
    description: `at most so many, up to ${MAX_LIMIT}`,
    defaultText: String(DEFAULT_LIMIT),
    integer: { min: 1, max: MAX_LIMIT },
  },
  { flags: '--all', description: `every page, up to ${MAX_ALL_ITEMS} items` },
]

export const DEVICE_OPTION: Option = { flags: '--device <id>', description: 'of this device' }

export const TIME_OPTIONS: readonly Option[] = [
  { flags: '--from <time>', description: 'at this time or later, such as 2026-01-31T12:00:00Z' },
  { flags: '--to <time>', description: 'before this time' },
]

/** Reads one page, or with `--all` every page as one. */
export async function readPages<T>(
  input: Input,
  context: Context,
  path: string,
  filter: Query,
): Promise<Page<T>> {
  const isAll = input.isSet('all')
  if (isAll && input.isSet('limit')) throw new UsageError('Give either --all or --limit.')
  const query = { ...filter, limit: isAll ? MAX_LIMIT : (input.integer('limit') ?? DEFAULT_LIMIT) }
  const api = apiOf(input, context)
  let page = await api.get<Page<T>>(path, query)
  const items = [...page.items]
  while (isAll && page.continuationToken !== null && items.length < MAX_ALL_ITEMS) {
    page = await api.get<Page<T>>(path, { ...query, continuationToken: page.continuationToken })
    items.push(...page.items)
  }
  return { items, continuationToken: page.continuationToken }
}

/** How a list looks to people. */
export interface ListView<T> {
  readonly head: readonly string[]
  row(item: T): readonly string[]
  /** What is said when there is nothing. */
  readonly empty: string
}

/** The page as it came for programs; a table for people, who are told when there is more. */
export function showPage<T>(
  { out }: Context,
  page: Page<T>,
  { head, row, empty }: ListView<T>,
): void {
  if (out.isJson) out.json(page)
  else if (page.items.length === 0) out.note(empty)
  else out.table(head, page.items.map(row))
  if (page.continuationToken !== null) {
    out.note(`These are the first ${page.items.length}; there are more. Add --all, or a filter.`)
  }
}
