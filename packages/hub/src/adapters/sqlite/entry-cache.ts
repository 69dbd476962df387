import type { DeviceRef } from '@twinward/protocol'
import type { Entry } from '../../registry/registry.ts'
import type { TextLengths } from './entry-row.ts'
import type { PendingChanges } from './pending-changes.ts'

/** What a parsed entry takes beside one byte for each character of its texts, about. */
const SLOT_BYTES = 1024

/** A cached entry. It is in the cache at most once; `pending` keeps it there. */
export class Slot {
  /** With every change so far, also those that are not durable yet. */
  entry: Entry
  /** What the last update that left for the disk wrote; its objects tell what is new in `entry`. */
  written: Entry
  readonly id: number
  readonly lengths: TextLengths
  /** The youngest changes of this entry that are not durable yet. */
  pending: PendingChanges | undefined
  countedBytes = 0
  /** It leaves as soon as it is durable, unless somebody asks for it. */
  isPassing = false
  newer: Slot | undefined
  older: Slot | undefined

  constructor({ id, entry, lengths }: { id: number; entry: Entry; lengths: TextLengths }) {
    this.id = id
    this.entry = entry
    this.written = entry
    this.lengths = lengths
  }
}

/** Parsed entries, the least recently used leave first. Entries that are not durable yet stay. */
export class EntryCache {
  readonly #maxBytes: number
  readonly #devices = new Map<string, Map<string, Slot>>()
  #bytes = 0
  #newest: Slot | undefined
  #oldest: Slot | undefined

  /** @param maxBytes  an estimate, from the lengths of the JSON texts */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get({ deviceId, moduleId = '' }: DeviceRef): Slot | undefined {
    const slot = this.#devices.get(deviceId)?.get(moduleId)
    if (slot !== undefined && slot !== this.#newest) {
      this.#unlink(slot)
      this.#link(slot)
    }
    if (slot?.isPassing) slot.isPassing = false
    return slot
  }

  /** Of a slot that was added for one change: it takes the place of none that is in use. */
  pass(slot: Slot): void {
    if (!this.has(slot)) return
    slot.isPassing = true
    if (slot === this.#oldest) return
    this.#unlink(slot)
    slot.newer = this.#oldest
    if (this.#oldest) this.#oldest.older = slot
    this.#oldest = slot
    this.#newest ??= slot
  }

  add(slot: Slot): void {
    const { deviceId, moduleId = '' } = slot.entry.ref
    let modules = this.#devices.get(deviceId)
    if (!modules) {
      modules = new Map()
      this.#devices.set(deviceId, modules)
    }
    modules.set(moduleId, slot)
    this.#link(slot)
    this.#count(slot)
  }

  has(slot: Slot): boolean {
    return slot.countedBytes > 0
  }

  /** After the texts of a slot got other lengths. */
  recount(slot: Slot): void {
    if (this.has(slot)) this.#count(slot)
  }

  /** Forgets a device with its modules, or one module. */
  forget({ deviceId, moduleId }: DeviceRef): void {
    const slots = this.#devices.get(deviceId)
    if (!slots) return
    for (const slot of [...slots.values()]) {
      if (moduleId === undefined || slot.entry.ref.moduleId === moduleId) this.#remove(slot)
    }
  }

  /** Makes the cache as small as it promises, and entries that pass leave, up to one that is not durable. */
  evict(): void {
    let oldest = this.#oldest
    while (oldest && !oldest.pending && (oldest.isPassing || this.#bytes > this.#maxBytes)) {
      this.#remove(oldest)
      oldest = this.#oldest
    }
  }

  #count(slot: Slot): void {
    const { identity, tags, desired, reported, configured } = slot.lengths
    const bytes = SLOT_BYTES + identity + tags + desired + reported + configured
    this.#bytes += bytes - slot.countedBytes
    slot.countedBytes = bytes
  }

  #remove(slot: Slot): void {
    const { deviceId, moduleId = '' } = slot.entry.ref
    const slots = this.#devices.get(deviceId)
    slots?.delete(moduleId)
    if (slots?.size === 0) this.#devices.delete(deviceId)
    this.#unlink(slot)
    this.#bytes -= slot.countedBytes
    slot.countedBytes = 0
  }

  #link(slot: Slot): void {
    slot.newer = undefined
    slot.older = this.#newest
    if (this.#newest) this.#newest.newer = slot
    this.#newest = slot
    this.#oldest ??= slot
  }

  #unlink(slot: Slot): void {
    if (slot.newer) slot.newer.older = slot.older
    else this.#newest = slot.older
    if (slot.older) slot.older.newer = slot.newer
    else this.#oldest = slot.newer
    slot.newer = undefined
    slot.older = undefined
  }
}
