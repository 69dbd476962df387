import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import { formatTime } from '../src/twins/view.ts'

/** The rules of whole twins (02 §1–§4) in their plainest words: what the hub must agree with. */

interface Stamp {
  $lastUpdated: string
  $lastUpdatedVersion: number
}

interface ModelSection {
  values: JsonObject
  version: number
  /** As a service sees it. */
  metadata: JsonObject
}

export interface Model {
  etag: number
  version: number
  tags: JsonObject
  desired: ModelSection
  reported: ModelSection
}

export function newModel(bornMs: number): Model {
  const section = { values: {}, version: 1, metadata: { ...stampOf(1, bornMs) } }
  return { etag: 1, version: 2, tags: {}, desired: section, reported: section }
}

function stampOf(version: number, ms: number): Stamp {
  return { $lastUpdated: formatTime(ms), $lastUpdatedVersion: version }
}

export function merged(before: JsonObject, patch: JsonObject): JsonObject {
  const after = new Map(Object.entries(before))
  for (const [key, value] of Object.entries(patch)) {
    const old = after.get(key)
    if (value === null) after.delete(key)
    else if (!isJsonObject(value)) after.set(key, value)
    else after.set(key, merged(isJsonObject(old) ? old : {}, value))
  }
  return Object.fromEntries(after)
}

/** Metadata of `values` after `patch`: what it wrote is stamped, with all around it. */
function stamped(
  values: JsonObject,
  patch: JsonObject,
  before: JsonObject,
  stamp: Stamp,
): JsonObject {
  const nodes = Object.entries(values).map(([key, value]): [string, JsonValue] => {
    const old = before[key]
    const oldNode = Object.hasOwn(before, key) && isJsonObject(old) ? old : {}
    if (!Object.hasOwn(patch, key)) return [key, oldNode]
    const written = patch[key]
    if (!isJsonObject(value) || !isJsonObject(written)) return [key, { ...stamp }]
    return [key, stamped(value, written, oldNode, stamp)]
  })
  return { ...stamp, ...Object.fromEntries(nodes) }
}

function patchedSection(section: ModelSection, patch: JsonObject, nowMs: number): ModelSection {
  const version = section.version + 1
  const values = merged(section.values, patch)
  const metadata = stamped(values, patch, section.metadata, stampOf(version, nowMs))
  return { values, version, metadata }
}

function replacedSection(section: ModelSection, values: JsonObject, nowMs: number): ModelSection {
  const empty = { values: {}, version: section.version, metadata: {} }
  return patchedSection(empty, values, nowMs)
}

export function serviceViewOf({ values, version, metadata }: ModelSection): JsonObject {
  return { ...values, $metadata: metadata, $version: version }
}

export type EtagForm = 'none' | 'fresh' | 'stale' | '*'
type Section = JsonObject | undefined
type Nullable = Section | null
export type Step =
  | { kind: 'patch'; tags: Nullable; desired: Nullable; etag: EtagForm }
  | { kind: 'replace'; tags: Section; desired: Section; etag: EtagForm }
  | { kind: 'report'; patch: JsonObject; version: 'none' | 'fresh' | 'stale' }
  | { kind: 'bad'; section: 'tags' | 'desired' | 'reported'; value: JsonObject }

export function advance(model: Model, step: Step, nowMs: number): void {
  if (step.kind === 'bad') return
  if (step.kind === 'report') {
    model.reported = patchedSection(model.reported, step.patch, nowMs)
    model.version++
    return
  }
  const { kind, tags, desired } = step
  if (kind === 'patch' && tags === undefined && desired === undefined) return
  model.version++
  model.etag++
  if (kind === 'replace') {
    model.tags = merged({}, tags ?? {})
    model.desired = replacedSection(model.desired, desired ?? {}, nowMs)
    return
  }
  if (tags !== undefined) model.tags = tags === null ? {} : merged(model.tags, tags)
  if (desired === null) model.desired = replacedSection(model.desired, {}, nowMs)
  else if (desired) model.desired = patchedSection(model.desired, desired, nowMs)
}
