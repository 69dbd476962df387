import { canonicalAddress, isPublicAddress } from '../sets/addresses.ts'
import { type Indicator, type IndicatorKind, MIN_CONFIDENCE, networkOf } from './indicator.ts'

/** What rules ask of the lists; expired and doubtful entries are never found. */
export interface IndicatorLookup {
  address(address: string, atMs: number): Indicator | undefined
  /** The name itself or a domain above it. */
  domain(name: string, atMs: number): Indicator | undefined
  url(url: string, atMs: number): Indicator | undefined
  hash(hash: string, atMs: number): Indicator | undefined
  /** The host at this port, at any port, or any public host at this port. */
  minerPool(host: string, port: string, atMs: number): Indicator | undefined
}

/** Labels of a name that are tried; a longer one is looked for from its end. */
const MAX_LABELS = 10

/** The lists in memory, one spelling of a value each. */
export class IndicatorIndex implements IndicatorLookup {
  readonly #byKind = new Map<IndicatorKind, Map<string, Indicator>>()
  /** Prefix lengths of the networks that are or were listed: few, and each is one look-up. */
  readonly #lengths = new Set<number>()

  constructor(indicators: Iterable<Indicator> = []) {
    this.put(indicators)
  }

  /** Puts others in the place of all. */
  replace(indicators: Iterable<Indicator>): void {
    this.#byKind.clear()
    this.#lengths.clear()
    this.put(indicators)
  }

  /** Adds them, or puts them in the place of those with the same kind and value. */
  put(indicators: Iterable<Indicator>): void {
    for (const indicator of indicators) {
      const { kind, value, confidence } = indicator
      if (confidence < MIN_CONFIDENCE) {
        this.remove(indicator)
        continue
      }
      const known = this.#byKind.get(kind) ?? new Map<string, Indicator>()
      known.set(value, indicator)
      this.#byKind.set(kind, known)
      const slash = kind === 'address' ? value.indexOf('/') : -1
      if (slash >= 0) this.#lengths.add(Number(value.slice(slash + 1)))
    }
  }

  remove({ kind, value }: Pick<Indicator, 'kind' | 'value'>): void {
    const known = this.#byKind.get(kind)
    known?.delete(value)
    if (known?.size === 0) this.#byKind.delete(kind)
  }

  address(text: string, atMs: number): Indicator | undefined {
    if (!this.#byKind.has('address')) return undefined
    const address = canonicalAddress(text)
    const exact = this.#find('address', address, atMs)
    if (exact) return exact
    const width = address.includes(':') ? 128 : 32
    for (const length of this.#lengths) {
      if (length >= width || !isPublicAddress(address)) continue
      const found = this.#find('address', `${networkOf(address, length)}/${length}`, atMs)
      if (found) return found
    }
    return undefined
  }

  domain(name: string, atMs: number): Indicator | undefined {
    if (!this.#byKind.has('domain')) return undefined
    const plain = name.endsWith('.') ? name.slice(0, -1) : name
    const labels = plain.toLowerCase().split('.').slice(-MAX_LABELS)
    for (let at = 0; at < labels.length - 1; at++) {
      const found = this.#find('domain', labels.slice(at).join('.'), atMs)
      if (found) return found
    }
    return undefined
  }

  url(text: string, atMs: number): Indicator | undefined {
    if (!this.#byKind.has('url')) return undefined
    const whole = text.includes('://') ? text : `http://${text}`
    if (!URL.canParse(whole)) return undefined
    const url = new URL(whole)
    url.hash = ''
    return this.#find('url', url.href, atMs)
  }

  hash(hash: string, atMs: number): Indicator | undefined {
    return hash === '' ? undefined : this.#find('hash', hash.toLowerCase(), atMs)
  }

  minerPool(host: string, port: string, atMs: number): Indicator | undefined {
    if (!this.#byKind.has('minerPool')) return undefined
    const plain = canonicalAddress(host)
    return (
      this.#find('minerPool', `${plain}:${port}`, atMs) ??
      this.#find('minerPool', plain, atMs) ??
      (isPublicAddress(plain) ? this.#find('minerPool', `*:${port}`, atMs) : undefined)
    )
  }

  #find(kind: IndicatorKind, value: string, atMs: number): Indicator | undefined {
    const found = this.#byKind.get(kind)?.get(value)
    if (!found || (found.expiresMs !== 0 && found.expiresMs <= atMs)) return undefined
    return found
  }
}
