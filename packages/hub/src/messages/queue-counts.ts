import { type DeviceRef, refKey } from '@twinward/protocol'
import type { QueueOwner } from './message-queue.ts'

/** A text of its own for each queue. */
export function queueKey({ ref, generationId }: QueueOwner): string {
  return `${generationId} ${refKey(ref)}`
}

/** How many messages wait in each queue that is not empty; asked for with every twin that is shown. */
export class QueueCounts {
  readonly #counts = new Map<string, number>()

  get(ref: DeviceRef, generationId: string): number {
    if (this.#counts.size === 0) return 0
    return this.#counts.get(queueKey({ ref, generationId })) ?? 0
  }

  add(owner: QueueOwner, change: number): void {
    const key = queueKey(owner)
    const count = (this.#counts.get(key) ?? 0) + change
    if (count > 0) this.#counts.set(key, count)
    else this.#counts.delete(key)
  }
}
