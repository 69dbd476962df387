import type { ActivityChanges, ActivityReader } from '../../activity/activity-state.ts'
import type { DeviceWindows } from '../../activity/windows.ts'

/** What was counted at the hub, until the process ends. */
export class MemoryActivity implements ActivityReader {
  readonly #windows = new Map<string, DeviceWindows>()
  #eventSequence = 0

  async eventSequence(): Promise<number> {
    return this.#eventSequence
  }

  async windows(limit: number, after = ''): Promise<readonly DeviceWindows[]> {
    return [...this.#windows]
      .filter(([deviceId]) => deviceId > after)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, windows]) => windows)
  }

  commit({ eventSequence, windows = [] }: ActivityChanges): void {
    this.#eventSequence = Math.max(this.#eventSequence, eventSequence ?? 0)
    for (const one of windows) {
      if (one.open.length === 0) this.#windows.delete(one.deviceId)
      else this.#windows.set(one.deviceId, one)
    }
  }

  removeDevice(deviceId: string): void {
    this.#windows.delete(deviceId)
  }
}
