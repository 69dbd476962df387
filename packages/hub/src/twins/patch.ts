import {
  HubError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type MetadataNode,
  type TwinPatch,
  type TwinSection,
} from '@twinward/protocol'
import { checkDepth, checkKey, checkValue, sizeOf } from './limits.ts'

/** A section nobody has written to: `$version` 1. */
export function emptySection(nowMs: number): TwinSection {
  return { values: {}, version: 1, metadata: { v: 1, t: nowMs, of: {} }, sizeBytes: 0 }
}

/**
 * Applies a merge patch to one section of a twin and returns the section after it.
 *
 *     { values: { fan: { on: true, rpm: 900 } }, version: 4, … }
 *   + { fan: { rpm: null }, led: 'red' }
 *   = { values: { fan: { on: true }, led: 'red' }, version: 5, … }
 *
 * Pure: neither argument changes; what the patch does not touch is shared with the old section.
 * Arrays are replaced whole. `$version` and `$metadata` at the top are ignored, because SDKs send
 * whole twins back. The written leaves and their ancestors are stamped with the new version.
 *
 * @param limitBytes  of the section after the patch, counted as IoT Hub does
 * @throws {HubError} `ArgumentInvalid` that names the property and the rule (02 §3.5)
 */
export function patchSection(
  section: TwinSection,
  patch: TwinPatch,
  nowMs: number,
  limitBytes: number,
): TwinSection {
  const stamp = { v: section.version + 1, t: nowMs }
  const merged = merge(section, withoutReserved(patch), stamp, { path: '', depth: 0 })
  const sizeBytes = section.sizeBytes + merged.grownBytes
  checkSize(sizeBytes, limitBytes)
  return { values: merged.values, version: stamp.v, metadata: merged.metadata, sizeBytes }
}

/** Makes a section exactly `values` (members that are `null` are left out), one version on. */
export function replaceSection(
  section: TwinSection,
  values: JsonObject,
  nowMs: number,
  limitBytes: number,
): TwinSection {
  const stamp = { v: section.version + 1, t: nowMs }
  const merged = merge(emptyLevel(stamp), withoutReserved(values), stamp, { path: '', depth: 0 })
  checkSize(merged.grownBytes, limitBytes)
  return {
    values: merged.values,
    version: stamp.v,
    metadata: merged.metadata,
    sizeBytes: merged.grownBytes,
  }
}

/** Tags: a section without versions and metadata. @returns the tags after the patch */
export function patchTags(tags: JsonObject, patch: TwinPatch, limitBytes: number): JsonObject {
  const stamp = { v: 0, t: 0 }
  const level = { values: tags, metadata: stamp }
  const merged = merge(level, withoutReserved(patch), stamp, { path: '', depth: 0 })
  checkSize(sizeOf(tags) + merged.grownBytes, limitBytes, 'Tags')
  return merged.values
}

/** The patch that turns `before` into `after`: all of `after`, and `null` for what went (02 §4.2). */
export function replacementPatch(before: JsonObject, after: JsonObject): TwinPatch {
  const patch = new Map<string, JsonValue>()
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch.set(key, null)
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    patch.set(key, isJsonObject(value) && isJsonObject(old) ? replacementPatch(old, value) : value)
  }
  return Object.fromEntries(patch)
}

interface Stamp {
  readonly v: number
  readonly t: number
}

interface Level {
  readonly values: JsonObject
  readonly metadata: MetadataNode
}

interface Place {
  readonly path: string
  readonly depth: number
}

/** The patch without `$version` and `$metadata` at its top, which SDKs send back and the hub owns. */
export function withoutReserved(patch: TwinPatch): TwinPatch {
  if (!Object.hasOwn(patch, '$version') && !Object.hasOwn(patch, '$metadata')) return patch
  const members = Object.entries(patch)
  return Object.fromEntries(members.filter(([key]) => key !== '$version' && key !== '$metadata'))
}

function checkSize(sizeBytes: number, limitBytes: number, what = 'Properties'): void {
  if (sizeBytes <= limitBytes) return
  throw new HubError('ArgumentInvalid', `${what} take ${sizeBytes} of ${limitBytes} bytes.`)
}

function merge(
  level: Level,
  patch: TwinPatch,
  stamp: Stamp,
  { path, depth }: Place,
): Level & { grownBytes: number } {
  checkDepth(path.slice(0, -1), depth)
  const values: Record<string, JsonValue> = { ...level.values }
  const of: Record<string, MetadataNode> = { ...level.metadata.of }
  let grownBytes = 0
  for (const key of Object.keys(patch)) {
    const value = patch[key] as JsonValue
    checkKey(key, path)
    const had = Object.hasOwn(values, key)
    const old = had ? (values[key] as JsonValue) : undefined
    if (value === null) {
      if (old !== undefined) grownBytes -= Buffer.byteLength(key) + sizeOf(old)
      delete values[key]
      delete of[key]
      continue
    }
    if (!had) grownBytes += Buffer.byteLength(key)
    if (!isJsonObject(value)) {
      grownBytes += checkValue(value, `${path}${key}`, depth)
      if (old !== undefined) grownBytes -= sizeOf(old)
      setOwn(values, key, value)
      setOwn<MetadataNode>(of, key, stamp)
      continue
    }
    const stays = isJsonObject(old)
      ? levelOf(old, Object.hasOwn(of, key) ? of[key] : undefined, stamp)
      : undefined
    // A scalar or an array goes as a whole; of an object that stays, only the difference counts.
    if (old !== undefined && stays === undefined) grownBytes -= sizeOf(old)
    const place = { path: `${path}${key}.`, depth: depth + 1 }
    const merged = merge(stays ?? emptyLevel(stamp), value, stamp, place)
    grownBytes += merged.grownBytes
    setOwn(values, key, merged.values)
    setOwn(of, key, merged.metadata)
  }
  return { values, metadata: { v: stamp.v, t: stamp.t, of }, grownBytes }
}

/** Tags keep no metadata, so an object may come without a node. */
function levelOf(values: JsonObject, node: MetadataNode | undefined, stamp: Stamp): Level {
  return { values, metadata: node ?? stamp }
}

function emptyLevel({ v, t }: Stamp): Level {
  return { values: {}, metadata: { v, t, of: {} } }
}

/** An own property even when it is called `__proto__`. */
function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  } else object[key] = value
}
