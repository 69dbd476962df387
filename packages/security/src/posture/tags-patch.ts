import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import { SERVICE_TAGS, type ServiceTags } from './summary.ts'

/**
 * The merge patch that turns the service-owned tags into the wanted ones and touches no other tag;
 * `undefined` when there is nothing to do. Pure.
 *
 *     current  {posture: {score: 40}, alerts: {A: …}, securityGroup: 'x'}
 *     wanted   {posture: {score: 50}, alerts: {}}
 *     patch    {posture: {score: 50}, alerts: {A: null}}
 */
export function tagsPatch(current: JsonObject, wanted: ServiceTags): JsonObject | undefined {
  const owned = Object.fromEntries(
    SERVICE_TAGS.filter((tag) => Object.hasOwn(current, tag)).map((tag) => [tag, current[tag]]),
  ) as JsonObject
  return difference(owned, wanted)
}

function difference(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch: [string, JsonValue][] = []
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch.push([key, null])
  for (const [key, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (isJsonObject(old) && isJsonObject(value)) {
      const inner = difference(old, value)
      if (inner !== undefined) patch.push([key, inner])
    } else if (JSON.stringify(old) !== JSON.stringify(value)) patch.push([key, value])
  }
  return patch.length > 0 ? Object.fromEntries(patch) : undefined
}
