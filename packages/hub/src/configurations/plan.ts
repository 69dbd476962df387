import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonValue, type MetadataNode, type TwinPatch } from '@twinward/protocol'
import type { Configured, Entry } from '../registry/registry.ts'
import {
  applyAtOnce,
  type Compiled,
  type ConfigurationSet,
  type MayApply,
  type OwnedLeaf,
  type Subject,
  type Targets,
} from './compiled.ts'
import { ancestorsOf, type Claims, isHeld, type Leaf, leafAt, memberAt, patchOf } from './leaves.ts'

/** One part of a plan: what one configuration sets, or what is taken back. */
export interface PlanStep {
  /** `undefined`: taken back, for no configuration says it any more. */
  readonly by: Compiled | undefined
  readonly patch: TwinPatch
}

/** One property that a plan changes; `undefined`: not there. */
export interface PlannedChange {
  readonly path: string
  readonly from: JsonValue | undefined
  readonly to: JsonValue | undefined
  /** The configuration's id; absent when a value is taken back. */
  readonly by?: string
}

/** What is to happen to one twin, so that it holds what the configurations say. */
export interface Plan {
  /** In the order in which they are made; none when the twin holds all of it. */
  readonly steps: readonly PlanStep[]
  /** All steps together; absent when there is none. */
  readonly patch?: TwinPatch
  readonly changes: readonly PlannedChange[]
  /** The record of it, but for the version. `undefined`: no configuration has to do with the twin. */
  readonly configured: Omit<Configured, 'version'> | undefined
}

export interface PlanOptions {
  readonly mayApply?: MayApply
  /** Configurations that could not be applied, and why. */
  readonly refused?: ReadonlyMap<string, string>
}

/** The exact difference between a twin and what the configurations say of it. Pure. */
export function planFor(
  subject: Subject,
  configurations: ConfigurationSet,
  { mayApply = applyAtOnce, refused = new Map() }: PlanOptions = {},
): Plan {
  const { entry } = subject
  const targets = configurations.targetsOf(subject, mayApply)
  if (targets.size === 0 && !entry.configured) return NOTHING
  const applied = [...targets]
    .filter(([{ configuration }, { applies }]) => applies && !refused.has(configuration.id))
    .map(([compiled]) => compiled)
  const wanted = configurations.merged(applied, entry.ref.moduleId)
  const removed = removals(entry, wanted, configurations)
  const gone = new Set(removed)
  const isRemoved = ({ path, keys }: Leaf) =>
    gone.size > 0 && [path, ...ancestorsOf(keys)].some((each) => gone.has(each))
  const missing = wanted.leaves.filter(
    (leaf) => !isHeld(leaf, entry.twin.desired.values) && !isRemoved(leaf),
  )
  const taken = removed.map((path) => leafAt(path.split('.'), null))
  const steps = stepsOf(applied, missing, taken)
  return {
    steps,
    ...(steps.length > 0 && { patch: patchOf([...taken, ...missing]) }),
    changes: changesOf(entry, missing, removed),
    configured: targets.size === 0 ? undefined : recordOf(targets, wanted, { refused, entry }),
  }
}

const NOTHING: Plan = { steps: [], changes: [], configured: undefined }

/** Whether the twin, and what is recorded of it, are as the plan wants them. */
export function isDone(entry: Entry, plan: Plan): boolean {
  const { configured } = entry
  if (plan.steps.length > 0) return false
  if (!configured || !plan.configured) return configured === plan.configured
  const { statuses, paths } = plan.configured
  // Who writes whole objects repeats what a configuration says. While it is in force that makes the
  // value nobody else's, so the record goes on to the version that it has now.
  return (
    isDeepStrictEqual(configured.statuses, statuses) &&
    isDeepStrictEqual(configured.paths, paths) &&
    !Object.keys(paths).some((path) => isWrittenSince(entry, path.split('.')))
  )
}

/** Whether somebody else wrote the property after it was recorded; members of objects do not count. */
function isWrittenSince({ configured, twin }: Entry, keys: readonly string[]): boolean {
  const { values, metadata } = twin.desired
  const value = memberAt(values, keys)
  if (isJsonObject(value) && Object.keys(value).length > 0) return false
  return versionOf(metadata, keys) > (configured?.version ?? 0)
}

function stepsOf(
  applied: readonly Compiled[],
  missing: readonly OwnedLeaf[],
  taken: readonly Leaf[],
): readonly PlanStep[] {
  const steps: PlanStep[] = []
  if (taken.length > 0) steps.push({ by: undefined, patch: patchOf(taken) })
  for (const by of applied) {
    const leaves = missing.filter(({ owner }) => owner === by.configuration.id)
    if (leaves.length > 0) steps.push({ by, patch: patchOf(leaves) })
  }
  return steps
}

function changesOf(
  { twin }: Entry,
  missing: readonly OwnedLeaf[],
  removed: readonly string[],
): readonly PlannedChange[] {
  const { values } = twin.desired
  const taken = removed.map((path) => ({
    path,
    from: memberAt(values, path.split('.')),
    to: undefined,
  }))
  const set = missing.map(({ path, keys, value, owner }) => ({
    path,
    from: memberAt(values, keys),
    to: value === null ? undefined : value,
    by: owner,
  }))
  return [...taken, ...set]
}

function recordOf(
  targets: Targets,
  wanted: Claims<OwnedLeaf>,
  { refused, entry }: { readonly refused: ReadonlyMap<string, string>; readonly entry: Entry },
): Plan['configured'] {
  const statuses = [...targets].map(([{ configuration }, standing]) => {
    const { id } = configuration
    const error = refused.get(id)
    if (error !== undefined) return [id, { status: 'Targeted', error }] as const
    const status = standing.applies ? 'Applied' : 'Targeted'
    // After its rollout nobody knows the wave any more; then it stays, so that nothing is written.
    const wave = standing.wave ?? entry.configured?.statuses[id]?.wave
    return [id, { status, ...(wave !== undefined && { wave }) }] as const
  })
  return { statuses: Object.fromEntries(statuses), paths: ownersOf(wanted) }
}

/** The same object for all twins that hold the same. */
const knownOwners = new WeakMap<Claims<OwnedLeaf>, Configured['paths']>()

function ownersOf(wanted: Claims<OwnedLeaf>): Configured['paths'] {
  const known = knownOwners.get(wanted)
  if (known) return known
  const owners = Object.fromEntries(wanted.leaves.map(({ path, owner }) => [path, owner] as const))
  knownOwners.set(wanted, owners)
  return owners
}

/**
 * Properties that a configuration had set and none says any more, with objects that they leave empty.
 * What somebody else has written since stays, unless it only repeats what the configuration says.
 */
function removals(
  entry: Entry,
  wanted: Claims<OwnedLeaf>,
  configurations: ConfigurationSet,
): readonly string[] {
  const { ref, configured, twin } = entry
  if (!configured) return []
  const { values } = twin.desired
  const removed = new Set<string>()
  for (const [path, id] of Object.entries(configured.paths)) {
    const keys = path.split('.')
    // What is set above or below it says what becomes of it.
    if (isSaid(wanted, path) || wanted.isBelowValue(keys)) continue
    const value = memberAt(values, keys)
    // Of an object only that it is there was set, not what is in it.
    const isLeft = value === undefined || (isJsonObject(value) && Object.keys(value).length > 0)
    if (isLeft) continue
    const isRepeated = () =>
      isDeepStrictEqual(configurations.leafOf(id, path, ref.moduleId)?.value, value)
    if (isWrittenSince(entry, keys) && !isRepeated()) continue
    removed.add(path)
  }
  for (const path of [...removed]) addEmptied(path.split('.'), { values, wanted, removed })
  return [...removed].filter((path) => !ancestorsOf(path.split('.')).some((up) => removed.has(up)))
}

/** Adds the objects above a removed property that have nothing left. */
function addEmptied(
  keys: readonly string[],
  {
    values,
    wanted,
    removed,
  }: {
    readonly values: JsonValue
    readonly wanted: Claims<OwnedLeaf>
    readonly removed: Set<string>
  },
): void {
  for (const path of ancestorsOf(keys)) {
    if (isSaid(wanted, path)) return
    const object = memberAt(values, path.split('.'))
    if (!isJsonObject(object)) return
    const isGone = (below: string) => removed.has(below) || wanted.isAbsent(below)
    const isEmptied = Object.keys(object).every((key) => isGone(`${path}.${key}`))
    if (!isEmptied && !wanted.isAbsent(path)) return
    removed.add(path)
  }
}

/** Whether some configuration wants the property, or one below it, to be there. */
function isSaid(wanted: Claims<OwnedLeaf>, path: string): boolean {
  return wanted.isContainer(path) || (wanted.has(path) && !wanted.isAbsent(path))
}

/** The section's `$version` when a property was last written. */
function versionOf(metadata: MetadataNode, keys: readonly string[]): number {
  let node: MetadataNode | undefined = metadata
  for (const key of keys) {
    const of: MetadataNode['of'] = node.of
    node = of && Object.hasOwn(of, key) ? of[key] : undefined
    if (!node) return 0
  }
  return node.v
}
