import type { DeviceRef, Settings, SettingValue } from '@twinward/protocol'
import type { Page } from '../data/finding-store.ts'

/**
 * Settings that many devices share: those of the hub, or of one security group. Names differ between
 * legacy and micro agents, so each family has its own.
 */
export interface Layer {
  /** `null`: the hub's, for all devices. Group names are in lower case. */
  readonly group: string | null
  readonly legacy: Settings
  readonly micro: Settings
  /** Grows by one with every change. */
  readonly version: number
  readonly changedMs: number
  readonly by: string
}

/** What is remembered of one security module, to tell inherited values from its own. */
export interface ConfigurationRecord extends ModuleMemory {
  readonly ref: Required<DeviceRef>
  /** Version of desired that it describes. */
  readonly desiredVersion: number
  /** A write under way: after a crash the twin tells whether it happened. */
  readonly intent?: WriteIntent
}

export interface ModuleMemory {
  /** Values that the service wrote last, also those that the device has overridden since. */
  readonly written: Settings
  /** All values that the twin was seen to hold. */
  readonly seen: Settings
}

export interface WriteIntent extends ModuleMemory {
  /** Version of desired before the write. */
  readonly baseVersion: number
  readonly entry?: HistoryEntry
}

export interface SettingChange {
  readonly name: string
  /** `null`: none, or the default. */
  readonly old: SettingValue | null
  readonly new: SettingValue | null
}

/**
 * - `hub`, `group`: somebody changed a layer
 * - `device`: somebody changed a device's own settings
 * - `inherited`: a device got what its layers say
 */
export const HISTORY_LAYERS = ['hub', 'group', 'device', 'inherited'] as const
export type HistoryLayer = (typeof HISTORY_LAYERS)[number]

/** One change of configuration. */
export interface HistoryEntry {
  readonly timeMs: number
  readonly layer: HistoryLayer
  /** `null` unless a group's layer changed. */
  readonly group: string | null
  /** `null` for layers. */
  readonly deviceId: string | null
  readonly moduleId: string | null
  /** A policy's name, `twin write` for a write past the service, `twinward` for the service itself. */
  readonly by: string
  readonly changes: readonly SettingChange[]
}

export interface StoredHistoryEntry extends HistoryEntry {
  readonly id: number
}

export interface HistoryFilter {
  readonly deviceId?: string
  readonly layer?: HistoryLayer
  readonly group?: string
  readonly limit: number
  readonly continuationToken?: string
}

/** How far the last change of a layer has been carried to devices. */
export interface Rollout {
  /** Grows with every change of a layer. */
  readonly generation: number
  /** Devices up to this id are done; '' = none yet. */
  readonly after: string
  readonly isDone: boolean
}

/** Entries kept of one device, of one group and of the hub; the oldest go. */
export const MAX_HISTORY_ENTRIES = 200
/** Layers of groups that may exist. */
export const MAX_LAYERS = 1_000

/** Layers, what is inherited from them, and the history of configurations. */
export interface ConfigurationStore {
  /** All of them, in the order of their groups' names, the hub's first; at most `MAX_LAYERS` + 1. */
  layers(): Promise<readonly Layer[]>
  /**
   * Keeps a layer together with the entry about it, and starts the rollout anew. A layer without
   * settings is forgotten.
   *
   * @throws {HubError} `IotHubQuotaExceeded` for more than `MAX_LAYERS` groups
   */
  saveLayer(layer: Layer, entry: HistoryEntry): Promise<void>
  findRecord(ref: Required<DeviceRef>): Promise<ConfigurationRecord | undefined>
  /** Record and entries, all or none. */
  saveRecord(record: ConfigurationRecord, entries: readonly HistoryEntry[]): Promise<void>
  /** Forgets records and history of a device. */
  removeDevice(deviceId: string): Promise<void>
  rollout(): Promise<Rollout>
  /** Changes nothing when another generation has begun meanwhile. */
  advanceRollout(rollout: Rollout): Promise<void>
  /**
   * Newest first.
   *
   * @throws {HubError} `ArgumentInvalid` for a limit or continuation token that is none
   */
  listHistory(filter: HistoryFilter): Promise<Page<StoredHistoryEntry>>
  /** @returns how many entries went; at most `MAX_EXPIRED_ENTRIES` at a time */
  expireHistory(beforeMs: number): Promise<number>
}

export const MAX_EXPIRED_ENTRIES = 10_000
