import type {
  DeviceUse,
  HubActivity,
  HubEvent,
  UsePage,
  UsePlace,
} from '../../activity/hub-activity.ts'
import type { Clock } from '../../clock.ts'

/** What a hub would tell, for tests: they say what happened. */
export class MemoryHubActivity implements HubActivity {
  readonly #clock: Clock
  readonly #told: () => void
  readonly #events: HubEvent[] = []
  readonly #connected = new Map<string, number>()
  #minutes: { minuteMs: number; devices: readonly DeviceUse[]; isComplete: boolean }[] = []

  /** @param told  called after each event */
  constructor(clock: Clock, told: () => void = () => {}) {
    this.#clock = clock
    this.#told = told
  }

  async readEvents(after: number, limit: number): Promise<readonly HubEvent[]> {
    return this.#events.filter(({ sequence }) => sequence > after).slice(0, limit)
  }

  async readUse(place: UsePlace, limit: number): Promise<UsePage | undefined> {
    const skip = (minuteMs: number) => (minuteMs === place.minuteMs ? place.read : 0)
    const minute = this.#minutes.find(
      ({ minuteMs, devices }) =>
        minuteMs > place.minuteMs || (minuteMs === place.minuteMs && place.read < devices.length),
    )
    if (!minute) return undefined
    const { minuteMs, isComplete } = minute
    const devices = minute.devices.slice(skip(minuteMs), skip(minuteMs) + limit)
    return {
      minuteMs,
      isComplete,
      devices,
      place: { minuteMs, read: skip(minuteMs) + devices.length },
    }
  }

  async releaseUse(beforeMs: number): Promise<void> {
    this.#minutes = this.#minutes.filter(({ minuteMs }) => minuteMs >= beforeMs)
  }

  async connectedSince(timeMs: number): Promise<readonly string[]> {
    return [...this.#connected].filter(([, sinceMs]) => sinceMs <= timeMs).map(([id]) => id)
  }

  /** The hub writes something down, now. */
  addEvent(event: Pick<HubEvent, 'kind' | 'outcome'> & Partial<HubEvent>): void {
    const nowMs = this.#clock.now()
    const sequence = (this.#events.at(-1)?.sequence ?? 0) + 1
    this.#events.push({ sequence, firstMs: nowMs, lastMs: nowMs, count: 1, ...event })
    this.#told()
  }

  /** A minute is over; later than those before it. */
  addMinute(minuteMs: number, devices: readonly DeviceUse[], isComplete = true): void {
    this.#minutes.push({ minuteMs, devices, isComplete })
  }

  connect(deviceId: string): void {
    this.#connected.set(deviceId, this.#clock.now())
  }

  disconnect(deviceId: string): void {
    this.#connected.delete(deviceId)
  }
}
