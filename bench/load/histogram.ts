/** Steps per doubling: a bucket is at most 1/32 wide, about 3 %. */
const STEPS = 32
const STEP_BITS = 5
const BUCKETS = 32 * STEPS

/** Latencies in constant memory; recording allocates nothing. */
export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #total = 0
  #maxMs = 0

  /** @param count  how many values of this size there were */
  record(ms: number, count = 1): void {
    const index = bucketOf(ms)
    this.#counts[index] = (this.#counts[index] ?? 0) + count
    this.#total += count
    if (ms > this.#maxMs) this.#maxMs = ms
  }

  get total(): number {
    return this.#total
  }

  get maxMs(): number {
    return this.#maxMs
  }

  /** The upper edge of the bucket in which the share `q` (0-1) is reached; 0 when empty. */
  quantileMs(q: number): number {
    const wanted = Math.ceil(q * this.#total)
    let seen = 0
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index] ?? 0
      if (wanted > 0 && seen >= wanted) return Math.min(upperEdgeMs(index), this.#maxMs)
    }
    return 0
  }

  reset(): void {
    this.#counts.fill(0)
    this.#total = 0
    this.#maxMs = 0
  }
}

// Microseconds below 32 have a bucket each; above, the five bits after the leading one count.
function bucketOf(ms: number): number {
  const us = Math.min(Math.max(0, Math.round(ms * 1_000)), 0x7fff_ffff)
  if (us < STEPS) return us
  const doublings = 31 - Math.clz32(us) - STEP_BITS
  return (doublings + 1) * STEPS + (us >> doublings) - STEPS
}

function upperEdgeMs(index: number): number {
  if (index < STEPS) return index / 1_000
  const doublings = Math.floor(index / STEPS) - 1
  const step = (index % STEPS) + STEPS
  return ((step + 1) * 2 ** doublings - 1) / 1_000
}
