import {
  type HeldBack,
  type LearnedCount,
  type LearnedValue,
  MAX_LEARNED_LISTED,
  MAX_LEARNED_PER_DEVICE,
  MAX_LEARNED_PER_RULE,
  type NoiseReader,
} from '../../data/noise.ts'

/** What a rule found in a group while it learned, or which devices the group has. */
interface Lessons {
  readonly group: string
  readonly alertType: string
  /** Devices by what they showed. */
  readonly values: Map<string, { readonly one: LearnedValue; readonly devices: Set<string> }>
  /** How many values each device showed. */
  readonly shown: Map<string, number>
}

/** What was held back and learned, until the process ends. */
export class MemoryNoise implements NoiseReader {
  readonly #heldBack = new Map<string, HeldBack>()
  readonly #lessons = new Map<string, Lessons>()

  count(one: HeldBack): void {
    const key = JSON.stringify([one.by, one.reason, one.alertType])
    const before = this.#heldBack.get(key)
    const newest = before && before.lastMs > one.lastMs ? before : one
    this.#heldBack.set(key, { ...newest, count: one.count + (before?.count ?? 0) })
  }

  learn(one: LearnedValue): void {
    const { alertType, name, value, deviceId } = one
    const { values, shown } = this.#lessonsOf(one)
    const key = JSON.stringify([name, value])
    const { devices } = values.get(key) ?? { devices: new Set() }
    const own = shown.get(deviceId) ?? 0
    if (devices.has(deviceId)) return
    if (alertType !== '') {
      if (own >= MAX_LEARNED_PER_DEVICE) return
      if (devices.size === 0 && values.size >= MAX_LEARNED_PER_RULE) return
    }
    values.set(key, { one, devices: devices.add(deviceId) })
    shown.set(deviceId, own + 1)
  }

  async heldBack(): Promise<readonly HeldBack[]> {
    return [...this.#heldBack].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
  }

  async forgetHeldBack(by: string): Promise<void> {
    for (const [key, one] of this.#heldBack) if (one.by === by) this.#heldBack.delete(key)
  }

  removeDevice(deviceId: string): void {
    for (const { values, shown } of this.#lessons.values()) {
      if (!shown.delete(deviceId)) continue
      for (const [key, { devices }] of values) {
        if (devices.delete(deviceId) && devices.size === 0) values.delete(key)
      }
    }
  }

  async learned(group: string, minDevices: (devices: number) => number) {
    const ofGroup = [...this.#lessons.values()].filter((each) => each.group === group)
    const members = ofGroup.find(({ alertType }) => alertType === '')?.shown.size ?? 0
    const least = minDevices(members)
    const counts = ofGroup
      .filter(({ alertType }) => alertType !== '')
      .flatMap(({ values }) => [...values.values()])
      .filter(({ devices }) => devices.size >= least)
      .map(({ one, devices }): readonly [string, LearnedCount] => {
        const { alertType, name, value } = one
        const count = { alertType, name, value, devices: devices.size }
        return [JSON.stringify([alertType, name, value]), count]
      })
      .sort(([a, one], [b, other]) => other.devices - one.devices || (a < b ? -1 : 1))
    return { devices: members, values: counts.slice(0, MAX_LEARNED_LISTED).map(([, one]) => one) }
  }

  #lessonsOf({ group, alertType }: LearnedValue): Lessons {
    const key = JSON.stringify([group, alertType])
    const known = this.#lessons.get(key)
    if (known) return known
    const lessons = { group, alertType, values: new Map(), shown: new Map() }
    this.#lessons.set(key, lessons)
    return lessons
  }
}
