import { type DeviceRef, refKey } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'

/**
 * Which plug-and-play model devices and modules said to be on the session that they have now: their
 * messages carry it. The registry keeps the last one for good; nobody reads it for each message.
 */
export class AnnouncedModels {
  readonly #models = new Map<string, string>()

  constructor(bus: EventBus) {
    bus.subscribe((notice) => {
      if (notice.kind !== 'session-opened' && notice.kind !== 'session-closed') return
      this.#models.delete(refKey(notice.ref))
    })
  }

  announced(ref: DeviceRef, modelId: string): void {
    this.#models.set(refKey(ref), modelId)
  }

  /** `undefined` when there is no session, or it said nothing. */
  find(ref: DeviceRef): string | undefined {
    return this.#models.size === 0 ? undefined : this.#models.get(refKey(ref))
  }
}
