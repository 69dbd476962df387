import { refKey } from '@twinward/protocol'
import type { EventBus, Notice } from '../bus.ts'
import type { Clock } from '../clock.ts'

/**
 * Since when devices are connected without a pause, by themselves or by a module. A session that takes
 * over from another one of its identity is no pause. Has as many entries as there are sessions.
 */
export class ConnectedDevices {
  readonly #clock: Pick<Clock, 'now'>
  readonly #since = new Map<string, { readonly deviceId: string; readonly sinceMs: number }>()

  constructor({ bus, clock }: { bus: EventBus; clock: Pick<Clock, 'now'> }) {
    this.#clock = clock
    bus.subscribe((notice) => this.#notice(notice))
  }

  /** Devices with an identity that has been connected since then, or longer; each once. */
  since(timeMs: number): readonly string[] {
    const found = new Set<string>()
    for (const { deviceId, sinceMs } of this.#since.values()) {
      if (sinceMs <= timeMs) found.add(deviceId)
    }
    return [...found]
  }

  #notice(notice: Notice): void {
    if (notice.kind === 'session-closed') this.#since.delete(refKey(notice.ref))
    else if (notice.kind === 'session-opened') {
      const key = refKey(notice.ref)
      if (this.#since.has(key)) return
      this.#since.set(key, { deviceId: notice.ref.deviceId, sinceMs: this.#clock.now() })
    }
  }
}
