import { createHash } from 'node:crypto'
import { type DeviceRef, refKey } from '@twinward/protocol'
import type { Wave } from './rollout.ts'

/** Places are whole numbers below this. */
const PLACES = 2 ** 48
/** Bytes of a digest that a place is made of. */
const PLACE_BYTES = 6

/**
 * The place of a twin in the order in which a rollout goes through the fleet: the same each time it is
 * asked for, unlike that of any other rollout, and as good as drawn by lot. So nobody has to remember
 * which twin belongs to which wave, and a device that comes later has its wave too.
 */
export function placeOf(rolloutId: string, ref: DeviceRef): number {
  const digest = createHash('sha256')
    .update(`${rolloutId}\n${refKey(ref)}`)
    .digest()
  return digest.readUIntBE(0, PLACE_BYTES)
}

/** Gathers places of targets, eight bytes each. */
export class Places {
  #values = new Float64Array(1024)
  #count = 0

  add(place: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = place
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort()
  }
}

/**
 * Cuts the targets into waves of these sizes: exact for the targets there are now. The last takes all
 * that is left, and those that come later.
 *
 * @param sizes  `5%`, `20` or `rest`, as `readWaveSize` takes them
 * @param places  of the targets, sorted
 */
export function cutWaves(sizes: readonly string[], places: Float64Array): readonly Wave[] {
  const total = places.length
  let taken = 0
  return sizes.map((size, at) => {
    const isLast = at === sizes.length - 1
    const wanted = isLast ? total - taken : sizeOf(size, total)
    const planned = Math.max(0, Math.min(wanted, total - taken))
    taken += planned
    const below = isLast ? PLACES : belowOf(places, taken)
    return { size: isLast ? 'rest' : size, below, planned, sinceMs: 0, doneMs: 0 }
  })
}

/** The wave that a place is in. */
export function waveAt(waves: readonly Pick<Wave, 'below'>[], place: number): number {
  return waves.findIndex(({ below }) => place < below)
}

/** A share is rounded up: a wave of 1 % of ten devices is one device. */
function sizeOf(size: string, total: number): number {
  if (size === 'rest') return total
  return size.endsWith('%') ? Math.ceil((total * Number(size.slice(0, -1))) / 100) : Number(size)
}

/** So that exactly `taken` of the places are below. */
function belowOf(places: Float64Array, taken: number): number {
  return taken === 0 ? 0 : (places[taken - 1] ?? 0) + 1
}
