import type { PlatformNotice } from '../platform.ts'
import type { WindowGroups } from './window-counts.ts'

/** Devices whose change of group is remembered; with more of them nothing counts as seen whole. */
const MAX_MOVED_DEVICES = 10_000

/**
 * Since when everything was counted that a device did: too few is only said of a window that was seen
 * whole, under one group and its rules.
 */
export class Coverage {
  readonly #groups: WindowGroups
  readonly #moved = new Map<string, number>()
  #sinceMs: number

  /** @param sinceMs  when counting began */
  constructor(groups: WindowGroups, sinceMs: number) {
    this.#groups = groups
    this.#sinceMs = sinceMs
  }

  /** Something was not counted until then. */
  gap(untilMs: number): void {
    this.#sinceMs = Math.max(this.#sinceMs, untilMs)
  }

  /** A tag of the device changed, or it came or went: its group may be another one. */
  hear(notice: PlatformNotice, nowMs: number): void {
    if (notice.kind !== 'tags-changed' && notice.kind !== 'device-created') return
    if (notice.kind === 'tags-changed' && !mayMove(notice.patch)) return
    this.#moved.delete(notice.deviceId)
    this.#moved.set(notice.deviceId, nowMs)
    if (this.#moved.size <= MAX_MOVED_DEVICES) return
    this.#moved.clear()
    this.gap(nowMs)
  }

  /** Whether all was counted since then by the rules that hold now. */
  async isWhole(deviceId: string, startMs: number): Promise<boolean> {
    if (startMs < this.#sinceMs || startMs < (this.#moved.get(deviceId) ?? 0)) return false
    const group = this.#groups.find(await this.#groups.groupOf(deviceId))
    return group !== undefined && group.changedMs <= startMs
  }
}

/** Postures are tags too, and are written far more often than groups. */
function mayMove(patch: object | null): boolean {
  return patch === null || Object.keys(patch).some((tag) => /securitygroup/i.test(tag))
}
