import { type DeviceRef, refKey } from '@twinward/protocol'
import type {
  CredentialMarkStore,
  Sharing,
  StoredMark,
} from '../../recommendations/credentials/credential-store.ts'

interface Kept {
  readonly deviceId: string
  readonly marks: readonly StoredMark[]
  readonly pass: number
}

/** Marks of credentials until the process ends. */
export class MemoryCredentialStore implements CredentialMarkStore {
  readonly #identities = new Map<string, Kept>()
  #key = ''

  async keyOr(fresh: string): Promise<string> {
    this.#key ||= fresh
    return this.#key
  }

  async put(
    all: readonly { readonly ref: DeviceRef; readonly marks: readonly StoredMark[] }[],
    pass: number,
  ): Promise<void> {
    for (const { ref, marks } of all) {
      this.#identities.set(refKey(ref), { deviceId: ref.deviceId, marks: [...marks], pass })
    }
  }

  async expire(beforePass: number): Promise<void> {
    for (const [key, { pass }] of this.#identities) {
      if (pass < beforePass) this.#identities.delete(key)
    }
  }

  async removeDevice(deviceId: string): Promise<void> {
    for (const [key, kept] of this.#identities) {
      if (kept.deviceId === deviceId) this.#identities.delete(key)
    }
  }

  async sharedBy(deviceId: string, limit: number): Promise<readonly Sharing[]> {
    const own = [...this.#identities.values()].filter((kept) => kept.deviceId === deviceId)
    const marks = new Map(own.flatMap((kept) => kept.marks.map((one) => [one.mark, one] as const)))
    const devices = this.#devicesByMark()
    return [...marks.values()]
      .map(({ mark, kind }) => {
        const ids = [...(devices.get(mark) ?? [])].sort()
        return { mark, kind, deviceIds: ids.slice(0, limit), total: ids.length }
      })
      .filter(({ total }) => total > 1)
      .sort((a, b) => b.total - a.total || (a.mark < b.mark ? -1 : 1))
      .slice(0, limit)
      .map(({ mark: _, ...sharing }) => sharing)
  }

  async sharingDevices(limit: number, after = ''): Promise<readonly string[]> {
    const shared = [...this.#devicesByMark().values()].filter((ids) => ids.size > 1)
    const ids = [...new Set(shared.flatMap((each) => [...each]))].sort()
    return ids.filter((id) => id > after).slice(0, limit)
  }

  #devicesByMark(): ReadonlyMap<string, ReadonlySet<string>> {
    const devices = new Map<string, Set<string>>()
    for (const { deviceId, marks } of this.#identities.values()) {
      for (const { mark } of marks) {
        devices.set(mark, (devices.get(mark) ?? new Set()).add(deviceId))
      }
    }
    return devices
  }
}
