import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'

/** Peers that are remembered; of more, those that were quiet the longest are forgotten. */
const MAX_PEERS = 10_000

export interface AttemptLimits {
  /** So many at once. */
  readonly burst: number
  /** So many again in a second. */
  readonly perSecond: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** Token buckets, one a key: what a peer may do before it has to wait. */
export class Attempts {
  readonly #clock: Clock
  readonly #limits: AttemptLimits
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Clock, limits: AttemptLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  /** @returns whether there was one left */
  take(key: string): boolean {
    const nowMs = this.#clock.now()
    const { burst, perSecond } = this.#limits
    const { tokens, atMs } = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    // A clock that was set back gives nothing.
    const refilled = tokens + (Math.max(0, nowMs - atMs) / 1000) * perSecond
    const available = Math.min(burst, refilled)
    const isAllowed = available >= 1
    this.#put(key, { tokens: isAllowed ? available - 1 : available, atMs: nowMs })
    return isAllowed
  }

  /** Takes a `take` back: it turned out well. */
  giveBack(key: string): void {
    const bucket = this.#buckets.get(key)
    if (!bucket) return
    bucket.tokens += 1
    if (bucket.tokens >= this.#limits.burst) this.#buckets.delete(key)
  }

  #put(key: string, bucket: Bucket): void {
    this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size <= MAX_PEERS) return
    const [quietest] = this.#buckets.keys()
    if (quietest !== undefined) this.#buckets.delete(quietest)
  }
}

/**
 * What of an address counts as one peer: who has an IPv6 address has at least the 64 bits of its
 * network. A port may follow.
 */
export function peerKey(address: string): string {
  const bare = isIP(address) === 0 ? address.replace(/:\d{1,5}$/, '') : address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1]
  if (mapped !== undefined || isIP(bare) !== 6) return mapped ?? bare
  const [head = '', tail] = bare.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  // What `::` stands for are zeros, and they reach to the host's half in any address in use.
  const padded = tail === undefined ? groups : [...groups, '0', '0', '0', '0']
  return padded.slice(0, 4).join(':')
}
