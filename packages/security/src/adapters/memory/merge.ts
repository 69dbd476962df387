import { isJsonObject, type JsonObject } from '@twinward/protocol'

/**
 * Applies a merge patch as IoT Hub does: `null` removes, objects merge, everything else replaces.
 * `$version` and `$metadata` at the top are ignored. Pure.
 */
export function mergePatch(target: JsonObject, patch: JsonObject, isTop = true): JsonObject {
  const merged = new Map(Object.entries(target))
  for (const [key, value] of Object.entries(patch)) {
    if (isTop && key.startsWith('$')) continue
    const old = merged.get(key)
    if (value === null) merged.delete(key)
    else if (!isJsonObject(value)) merged.set(key, value)
    else merged.set(key, mergePatch(isJsonObject(old) ? old : {}, value, false))
  }
  return Object.fromEntries(merged)
}
