import type { JsonObject } from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'
import { SERVICE_TAGS } from '../posture/summary.ts'
import type { ModuleState } from './state.ts'
import type { Suspension } from './suspension.ts'

/** Changes of state that are kept of one device; then the oldest goes. */
export const MAX_STATE_CHANGES = 20
/** What was deleted is kept so long. */
export const TOMBSTONE_RETENTION_MS = 30 * 24 * 3_600_000

/** A logical security module came into a state. */
export interface StateChange {
  readonly state: ModuleState
  readonly timeMs: number
  /** Who asked for it; empty when it followed from what the device did. */
  readonly by: string
  readonly reason: string
}

/** What it takes to make a security module as it was; keys are not ours to know. */
export interface KeptModule {
  readonly moduleId: string
  /** Absent: the default configuration of a new module with this id, which most devices have. */
  readonly desired?: JsonObject
  /** Without those that the service owns. */
  readonly tags: JsonObject
}

/** What is kept of the logical security module of one device, beside its twin. */
export interface ModuleRecord {
  readonly deviceId: string
  /** `TwinPlatform.deviceGeneration` when the device was first seen; empty when unknown. */
  readonly generation: string
  readonly state: ModuleState
  readonly sinceMs: number
  /** The newest last. */
  readonly history: readonly StateChange[]
  /** The module that speaks for the device; absent when it has none. */
  readonly kept?: KeptModule
  /** Whether the device ever had one. */
  readonly hadModule: boolean
  /** Versions that were looked at last. */
  readonly desiredVersion: number
  readonly reportedVersion: number
  readonly suspension?: Suspension
  /** Who has just asked for the next change of state, and why. */
  readonly asked?: Pick<StateChange, 'by' | 'reason'>
  /** Time alone may change something from then on, not earlier; 0 = never. */
  readonly dueMs: number
}

/** A module that was deleted, or whose device was. */
export interface Tombstone extends KeptModule {
  readonly deviceId: string
  readonly generation: string
  /** A device that comes again under the same id is another device. */
  readonly cause: 'module' | 'device'
  readonly deletedMs: number
  readonly suspension?: Suspension
}

/** A look at one device. */
export interface Sight {
  readonly deviceId: string
  readonly generation: string
  /** Ids of all of its modules. */
  readonly moduleIds: readonly string[]
  /** The one that speaks for it. */
  readonly module?: PlatformModule
  /** Whether `module` has the desired properties of a new one. */
  readonly isDefault: boolean
  readonly state: ModuleState
  readonly dueMs: number
}

/** The record after a look, and the tombstone of what was missing. Pure. */
export interface Noted {
  /** The same object when there is nothing new. */
  readonly record: ModuleRecord
  readonly tombstone?: Tombstone
}

export function noteSight(before: ModuleRecord | undefined, sight: Sight, nowMs: number): Noted {
  const { deviceId, module } = sight
  const kept = module && keep(module, sight.isDefault)
  const isGone = isLost(before, sight)
  // Whom an operator retired does not become absent because the module goes too.
  const state = !module && before?.state === 'retired' ? 'retired' : sight.state
  const change = { state, timeMs: nowMs, ...whyOf(before, state) }
  const rest = before ?? newRecord(deviceId, sight.generation, change)
  const after: ModuleRecord = {
    ...omitKept(rest, state),
    ...changeState(rest, change),
    ...(kept && { kept }),
    hadModule: rest.hadModule || module !== undefined,
    desiredVersion: module?.desiredVersion ?? 0,
    reportedVersion: module?.reportedVersion ?? 0,
    dueMs: earliestDue(rest.dueMs, sight.dueMs, nowMs),
  }
  const tombstone = isGone && before ? bury(before, 'module', nowMs) : undefined
  // What an agent reports alone is not worth a write.
  const isSame = before && isEqual({ ...after, reportedVersion: before.reportedVersion }, before)
  return { record: isSame ? before : after, ...(tombstone && { tombstone }) }
}

/** Whether the module that spoke for the device is not there any more, or another in its place. */
function isLost(before: ModuleRecord | undefined, { moduleIds, module }: Sight): boolean {
  const id = before?.kept?.moduleId
  if (before === undefined || id === undefined) return false
  // Versions only grow, so one that went back is that of a module that was made anew.
  const isNew = module?.ref.moduleId === id && module.desiredVersion < before.desiredVersion
  return isNew || !moduleIds.includes(id)
}

/** What remains of a record whose module or device is gone; `undefined` when there was no module. */
export function bury(
  { deviceId, generation, kept, suspension }: ModuleRecord,
  cause: Tombstone['cause'],
  nowMs: number,
): Tombstone | undefined {
  if (kept === undefined) return undefined
  const deleted = { deviceId, generation, cause, deletedMs: nowMs }
  return { ...kept, ...deleted, ...(suspension && { suspension }) }
}

/** Notes a state with who brought it about; nothing when it has that state already. Pure. */
export function changeState(
  record: Pick<ModuleRecord, 'state' | 'sinceMs' | 'history'>,
  change: StateChange,
): Pick<ModuleRecord, 'state' | 'sinceMs' | 'history'> {
  const { state, sinceMs, history } = record
  if (state === change.state) return { state, sinceMs, history }
  return {
    state: change.state,
    sinceMs: change.timeMs,
    history: [...history, change].slice(-MAX_STATE_CHANGES),
  }
}

/** Tags that belong to operators. */
export function operatorTags(tags: JsonObject): JsonObject {
  const own: readonly string[] = SERVICE_TAGS
  return Object.fromEntries(Object.entries(tags).filter(([name]) => !own.includes(name)))
}

/** Whether a merge patch of tags, or of any tags where it is `null`, is about those of operators. */
export function hasOperatorTags(patch: JsonObject | null): boolean {
  return patch === null || Object.keys(operatorTags(patch)).length > 0
}

function keep({ ref, desired, tags }: PlatformModule, isDefault: boolean): KeptModule {
  return {
    moduleId: ref.moduleId,
    ...(!isDefault && { desired }),
    tags: operatorTags(tags),
  }
}

function newRecord(deviceId: string, generation: string, change: StateChange): ModuleRecord {
  return {
    deviceId,
    generation,
    state: change.state,
    sinceMs: change.timeMs,
    history: [change],
    hadModule: false,
    desiredVersion: 0,
    reportedVersion: 0,
    dueMs: 0,
  }
}

/** Of the record before what stays: an answered request does not. */
function omitKept({ kept: _, asked, ...rest }: ModuleRecord, state: ModuleState) {
  return { ...rest, ...(asked && rest.state === state && { asked }) }
}

function whyOf(
  before: ModuleRecord | undefined,
  state: ModuleState,
): Pick<StateChange, 'by' | 'reason'> {
  const { suspension, asked } = before ?? {}
  if (state === 'suspended' && suspension) return { by: suspension.by, reason: suspension.reason }
  return asked ?? { by: '', reason: '' }
}

/**
 * A due time may be too early, never too late: an agent that speaks all the time would otherwise
 * move it, and cost a write, with each message.
 */
function earliestDue(knownMs: number, dueMs: number, nowMs: number): number {
  return knownMs > nowMs && knownMs <= dueMs ? knownMs : dueMs
}

function isEqual(a: ModuleRecord, b: ModuleRecord): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

/** Members in one order, so that records compare by what they say. */
function sorted(record: ModuleRecord): readonly unknown[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))
}
