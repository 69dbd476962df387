import type { JsonValue } from '@twinward/protocol'
import type { ServiceApi } from './service-api.ts'

/** Rows that a page of a query may have. */
const MAX_PAGE_ROWS = 1_000

/** A page of a query; a hub may give fewer rows than it is asked for though there are more. */
export interface QueryPage {
  readonly rows: readonly JsonValue[]
  /** Where the next one begins; '' after the last. */
  readonly continuation: string
}

/** @param after  the continuation of the page before; '' for the first */
export async function queryPage(
  api: ServiceApi,
  query: string,
  { limit, after }: { readonly limit: number; readonly after: string },
): Promise<QueryPage> {
  const { body, continuation } = await api.call('POST', '/devices/query', {
    body: { query },
    maxItems: Math.min(limit, MAX_PAGE_ROWS),
    ...(after !== '' && { continuation: after }),
  })
  return { rows: Array.isArray(body) ? (body as readonly JsonValue[]) : [], continuation }
}
