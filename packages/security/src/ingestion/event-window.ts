import type { DeviceRef } from '@twinward/protocol'
import { FINGERPRINT_WORDS, type Fingerprint } from './fingerprint.ts'
import type { FingerprintChunk } from './ingestion-store.ts'

/** Fingerprints of one chunk: it fits a page of the database. */
export const CHUNK_FINGERPRINTS = 128
const FULL_CHUNKS = 16
/** Events of one sender that are remembered: at least this many, two of the largest messages. */
export const REMEMBERED_EVENTS = FULL_CHUNKS * CHUNK_FINGERPRINTS
/** And no longer than this after they came, so that what is on disk ends with a quiet device. */
export const REMEMBERED_MS = 48 * 3_600_000
/** The chunk that is being filled comes on top. */
const RING_CHUNKS = FULL_CHUNKS + 1

/** `new`, the same event once more, or another event with an id that was there. */
export type Seen = 'new' | 'repeated' | 'reused'

interface Chunk {
  readonly number: number
  lastMs: number
  count: number
  readonly words: Uint32Array
  /** For each fingerprint the next one in its list, as place + 1; 0 ends the list. */
  readonly next: Uint16Array
}

/**
 * The last events of one sender, to know one that comes again: agents send again what was not
 * acknowledged in time. What it learns is stored in chunks; `changes` says which.
 *
 * Places are numbered around the ring of chunks; lists of places with equal hashes begin in `heads`.
 * So an event takes 24 bytes, and a window that is not in memory is read in some 50 µs.
 */
export class EventWindow {
  readonly #ref: DeviceRef
  readonly #ring: (Chunk | undefined)[] = Array(RING_CHUNKS)
  #heads = new Uint16Array(CHUNK_FINGERPRINTS)
  #oldest = 1
  #newest = 0
  #forgottenBelow = 0
  readonly #changed = new Set<number>()

  /** @param chunks  of this sender, in order */
  constructor(ref: DeviceRef, chunks: readonly FingerprintChunk[]) {
    this.#ref = ref
    const kept = withoutGap(chunks.slice(-RING_CHUNKS))
    this.#oldest = kept[0]?.number ?? 1
    // What lies before a gap is of no use any more.
    if (kept.length < chunks.length) this.#forgottenBelow = this.#oldest
    this.#newest = this.#oldest - 1
    for (const { number, lastMs, bytes } of kept) {
      const chunk = { ...emptyChunk(number), lastMs }
      const room = new Uint8Array(chunk.words.buffer)
      room.set(bytes.subarray(0, room.byteLength))
      chunk.count = Math.min(Math.floor(bytes.byteLength / FINGERPRINT_BYTES), CHUNK_FINGERPRINTS)
      this.#ring[number % RING_CHUNKS] = chunk
      this.#newest = number
    }
    this.#relist()
  }

  /** Fingerprints that it has room for in memory. */
  get size(): number {
    return (this.#newest - this.#oldest + 1) * CHUNK_FINGERPRINTS
  }

  /** Says whether an event was there before, and remembers it. */
  see(event: Fingerprint, nowMs: number): Seen {
    let isReused = false
    const list = hashOf(event[0], event[1], event[2], event[3]) & (this.#heads.length - 1)
    for (let place = this.#heads[list] ?? 0; place !== 0; ) {
      const chunk = this.#chunkOf(place - 1)
      const at = (place - 1) % CHUNK_FINGERPRINTS
      const { words, next } = chunk
      const word = at * FINGERPRINT_WORDS
      if (
        words[word] === event[0] &&
        words[word + 1] === event[1] &&
        words[word + 2] === event[2] &&
        words[word + 3] === event[3]
      ) {
        if (words[word + 4] === event[4]) return 'repeated'
        isReused = true
      }
      place = next[at] ?? 0
    }
    this.#append(event, nowMs)
    return isReused ? 'reused' : 'new'
  }

  /** What there is to store since the last call. */
  changes(): {
    readonly chunks: readonly FingerprintChunk[]
    readonly forgotten: readonly { readonly ref: DeviceRef; readonly below: number }[]
  } {
    const chunks = Array.from(this.#changed, (number) => {
      const { lastMs, count, words } = this.#chunkOf((number % RING_CHUNKS) * CHUNK_FINGERPRINTS)
      // A copy, since the store may take it later than we go on.
      const bytes = new Uint8Array(words.buffer).slice(0, count * FINGERPRINT_BYTES)
      return { ref: this.#ref, number, lastMs, bytes }
    })
    const below = this.#forgottenBelow
    this.#changed.clear()
    this.#forgottenBelow = 0
    return { chunks, forgotten: below === 0 ? [] : [{ ref: this.#ref, below }] }
  }

  #append(event: Fingerprint, nowMs: number): void {
    const last = this.#ring[this.#newest % RING_CHUNKS]
    const hasRoom = last?.number === this.#newest && last.count < CHUNK_FINGERPRINTS
    const chunk = hasRoom ? last : this.#begin(nowMs)
    chunk.words.set(event, chunk.count * FINGERPRINT_WORDS)
    this.#list(chunk, chunk.count)
    chunk.count++
    chunk.lastMs = nowMs
    this.#changed.add(chunk.number)
  }

  /** Begins a chunk, in the place of the oldest when the ring is full. */
  #begin(nowMs: number): Chunk {
    const chunk = emptyChunk(this.#newest + 1)
    let hasForgotten = false
    while (this.#oldest <= this.#newest) {
      const first = this.#chunkOf((this.#oldest % RING_CHUNKS) * CHUNK_FINGERPRINTS)
      const isFull = this.#newest - this.#oldest + 1 === RING_CHUNKS
      if (!isFull && nowMs - first.lastMs <= REMEMBERED_MS) break
      this.#changed.delete(this.#oldest)
      this.#ring[this.#oldest % RING_CHUNKS] = undefined
      this.#oldest++
      this.#forgottenBelow = this.#oldest
      hasForgotten = true
    }
    this.#newest = chunk.number
    this.#ring[chunk.number % RING_CHUNKS] = chunk
    if (hasForgotten || this.size > this.#heads.length) this.#relist()
    return chunk
  }

  /** Makes all lists anew, when some of their places are gone or there are too few lists. */
  #relist(): void {
    let lists = this.#heads.length
    while (lists < this.size) lists *= 2
    this.#heads = new Uint16Array(lists)
    for (const chunk of this.#ring) {
      for (let at = 0; chunk !== undefined && at < chunk.count; at++) this.#list(chunk, at)
    }
  }

  /** Puts a fingerprint into the list of its hash. */
  #list({ number, words, next }: Chunk, at: number): void {
    const word = at * FINGERPRINT_WORDS
    const hash = hashOf(
      words[word] ?? 0,
      words[word + 1] ?? 0,
      words[word + 2] ?? 0,
      words[word + 3] ?? 0,
    )
    const list = hash & (this.#heads.length - 1)
    next[at] = this.#heads[list] ?? 0
    this.#heads[list] = (number % RING_CHUNKS) * CHUNK_FINGERPRINTS + at + 1
  }

  #chunkOf(place: number): Chunk {
    const chunk = this.#ring[Math.floor(place / CHUNK_FINGERPRINTS)]
    if (chunk === undefined) throw new Error(`no chunk at place ${place} of the event window`)
    return chunk
  }
}

/** The newest chunks that follow each other; stores forget by time, and clocks are set back. */
function withoutGap(chunks: readonly FingerprintChunk[]): readonly FingerprintChunk[] {
  const numbers = chunks.map(({ number }) => number)
  const gap = numbers.findLastIndex((number, at) => at > 0 && numbers[at - 1] !== number - 1)
  return gap < 0 ? chunks : chunks.slice(gap)
}

const FINGERPRINT_BYTES = FINGERPRINT_WORDS * 4

function emptyChunk(number: number): Chunk {
  return {
    number,
    lastMs: 0,
    count: 0,
    words: new Uint32Array(CHUNK_FINGERPRINTS * FINGERPRINT_WORDS),
    next: new Uint16Array(CHUNK_FINGERPRINTS),
  }
}

/** All words count: ids that somebody counts up differ only in the last one. */
function hashOf(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ b
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) ^ c
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) ^ d
  hash = Math.imul(hash ^ (hash >>> 16), 0x27d4eb2f)
  return (hash ^ (hash >>> 15)) >>> 0
}
