import type { DeviceRef, JsonObject } from '@twinward/protocol'
import { contentKind } from '../configurations/configuration.ts'
import { readTarget, targetQuery } from '../configurations/target-condition.ts'
import type { Registry } from '../registry/registry.ts'
import { Places } from './waves.ts'

/** Targets that are found at a time. */
const PAGE_TARGETS = 500

/** What the document of a configuration is about. */
export function sourceOf(configuration: JsonObject): 'devices' | 'devices.modules' {
  const kind = contentKind(configuration.content as JsonObject)
  return kind === 'moduleContent' ? 'devices.modules' : 'devices'
}

/** The places of all twins that a configuration is for. */
export async function gatherPlaces(
  registry: Pick<Registry, 'query'>,
  configuration: JsonObject,
  placeOf: (ref: DeviceRef) => number,
): Promise<Places> {
  const kind = contentKind(configuration.content as JsonObject)
  const query = targetQuery(readTarget(String(configuration.targetCondition ?? ''), kind))
  const places = new Places()
  let after: string | undefined
  do {
    if (!query) break
    const page = { limit: PAGE_TARGETS, ...(after !== undefined && { after }) }
    const { rows, next } = await registry.query(query, page)
    for (const row of rows) places.add(placeOf(JSON.parse(row) as DeviceRef))
    after = next
  } while (after !== undefined)
  return places
}
