import { HubError, isJsonObject, type JsonValue } from '@twinward/protocol'
import { queryPage } from './query-page.ts'
import type { ServiceApi } from './service-api.ts'

/** Places in the list that are remembered: one for each who reads it, with room to spare. */
const MAX_NEXT_PAGES = 64

/** The ids of a hub's devices, page by page, for any number of readers at the same time. */
export class DevicePages {
  readonly #api: ServiceApi
  /** Continuation of the hub after the last device of a page; the one that was used last at the end. */
  readonly #nextPages = new Map<string, string>()

  constructor(api: ServiceApi) {
    this.#api = api
  }

  /** As `TwinPlatform.listDevices`. */
  async list(limit: number, after?: string): Promise<readonly string[]> {
    if (after === undefined) return this.#listFrom('', limit)
    const continuation = this.#nextPages.get(after)
    if (continuation === undefined) return this.#listAfter(limit, after)
    try {
      return await this.#listFrom(continuation, limit)
    } catch (error) {
      // Hubs forget their tokens after a while.
      if (!(error instanceof HubError && error.code === 'ArgumentInvalid')) throw error
      this.#nextPages.delete(after)
      return this.#listAfter(limit, after)
    }
  }

  /** Goes on until the page is full: a hub may give less than it is asked for though there is more. */
  async #listFrom(from: string, limit: number): Promise<readonly string[]> {
    const ids: string[] = []
    let continuation = from
    do {
      const page = await this.#page(limit - ids.length, continuation)
      ids.push(...page.rows.flatMap(deviceIdIn))
      continuation = page.continuation
    } while (ids.length < limit && continuation !== '')
    const last = ids.at(-1)
    if (last !== undefined && continuation !== '') this.#remember(last, continuation)
    return ids
  }

  /**
   * Looks for the place from the first page on. A hub's order is its own, so nobody can tell what would
   * come after a device that is gone: all of it comes again, which is better than to leave some out.
   */
  async #listAfter(limit: number, after: string): Promise<readonly string[]> {
    let continuation = ''
    do {
      const page = await this.#page(limit, continuation)
      continuation = page.continuation
      const ids = page.rows.flatMap(deviceIdIn)
      const index = ids.indexOf(after)
      if (index < 0) continue
      const rest = ids.slice(index + 1)
      if (continuation === '' || rest.length >= limit) return rest
      return [...rest, ...(await this.#listFrom(continuation, limit - rest.length))]
    } while (continuation !== '')
    return this.#listFrom('', limit)
  }

  #remember(last: string, continuation: string): void {
    this.#nextPages.delete(last)
    this.#nextPages.set(last, continuation)
    const [oldest] = this.#nextPages.keys()
    if (this.#nextPages.size > MAX_NEXT_PAGES && oldest !== undefined) {
      this.#nextPages.delete(oldest)
    }
  }

  #page(limit: number, after: string) {
    return queryPage(this.#api, 'SELECT deviceId FROM devices', { limit, after })
  }
}

function deviceIdIn(row: JsonValue): readonly string[] {
  return isJsonObject(row) && typeof row.deviceId === 'string' ? [row.deviceId] : []
}
