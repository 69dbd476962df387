import type { Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type {
  IndicatorFilter,
  IndicatorStore,
  StoredIndicator,
} from '../../detection/indicators/indicator-store.ts'

/** Indicators until the process ends, kept as JSON texts so that nobody shares an object with us. */
export class MemoryIndicatorStore implements IndicatorStore {
  readonly #texts = new Map<string, string>()

  async find(id: string): Promise<StoredIndicator | undefined> {
    const text = this.#texts.get(id)
    return text === undefined ? undefined : (JSON.parse(text) as StoredIndicator)
  }

  async list(filter: IndicatorFilter): Promise<Page<StoredIndicator>> {
    const { kind, source, limit, continuationToken: token } = filter
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('indicators', token).id
    const found = this.#all().filter(
      (one) =>
        one.id > after &&
        (kind === undefined || one.kind === kind) &&
        (source === undefined || one.source === source),
    )
    const items = found.slice(0, limit)
    const last = items.at(-1)
    const hasMore = found.length > limit && last !== undefined
    const next = hasMore ? formatPageToken('indicators', { order: 0, id: last.id }) : null
    return { items, continuationToken: next }
  }

  async count(): Promise<number> {
    return this.#texts.size
  }

  async put(indicators: readonly StoredIndicator[]): Promise<void> {
    for (const one of indicators) this.#texts.set(one.id, JSON.stringify(one))
  }

  async remove(id: string): Promise<void> {
    this.#texts.delete(id)
  }

  async removeSource(source: string): Promise<void> {
    this.#removeThose((one) => one.source === source)
  }

  async removeExpired(throughMs: number): Promise<void> {
    this.#removeThose(({ expiresMs }) => expiresMs > 0 && expiresMs <= throughMs)
  }

  #removeThose(isMeant: (indicator: StoredIndicator) => boolean): void {
    for (const one of this.#all().filter(isMeant)) this.#texts.delete(one.id)
  }

  #all(): readonly StoredIndicator[] {
    return [...this.#texts.values()]
      .map((text) => JSON.parse(text) as StoredIndicator)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }
}
