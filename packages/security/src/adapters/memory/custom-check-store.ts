import type { CheckSet, CustomCheckStore } from '../../baseline/custom/custom-check-store.ts'
import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'

/** Sets of custom checks until the process ends. */
export class MemoryCustomCheckStore implements CustomCheckStore {
  readonly #sets = new Map<string, { readonly set: CheckSet; readonly content: string }>()

  async find(sha256: string): Promise<CheckSet | undefined> {
    return this.#sets.get(sha256)?.set
  }

  async content(sha256: string): Promise<string | undefined> {
    return this.#sets.get(sha256)?.content
  }

  async list({
    limit,
    continuationToken: token,
  }: Parameters<CustomCheckStore['list']>[0]): Promise<Page<CheckSet>> {
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('custom-checks', token).id
    const rest = [...this.#sets.keys()].filter((sha256) => sha256 > after).sort()
    const items = rest.slice(0, limit).flatMap((sha256) => this.#sets.get(sha256)?.set ?? [])
    const id = items.at(-1)?.sha256 ?? ''
    const next = rest.length > limit ? formatPageToken('custom-checks', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async put(set: CheckSet, content: string): Promise<void> {
    this.#sets.set(set.sha256, { set: { ...set }, content })
  }

  async remove(sha256: string): Promise<void> {
    this.#sets.delete(sha256)
  }

  async count(): Promise<number> {
    return this.#sets.size
  }
}
