import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type MetadataNode,
  type TwinSection,
} from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import { formatTwinEtag } from '../twins/etag.ts'
import { withoutReserved } from '../twins/patch.ts'
import { formatTime, withMetadata } from '../twins/view.ts'
import type { WrittenSections } from './change-events.ts'

// Bodies of the hub's own events, as JSON texts (02 §5, 10 §5).

/**
 * What was written, with the metadata of what was written:
 *
 *     {"version":2,"properties":{"desired":{"k":1,"gone":null,
 *       "$metadata":{"$lastUpdated":"…","k":{"$lastUpdated":"…"}},"$version":3}}}
 */
export function updateBody({ twin }: Entry, { tags, desired, reported }: WrittenSections): string {
  const sections = [
    ...(desired === undefined ? [] : [`"desired":${writtenSection(twin.desired, desired)}`]),
    ...(reported === undefined ? [] : [`"reported":${writtenSection(twin.reported, reported)}`]),
  ]
  const members = [
    `"version":${twin.version}`,
    ...(tags === undefined ? [] : [`"tags":${JSON.stringify(tags ?? {})}`]),
    ...(sections.length === 0 ? [] : [`"properties":{${sections.join(',')}}`]),
  ]
  return `{${members.join(',')}}`
}

/** All of the twin that is written from outside. */
export function replaceBody({ twin }: Entry): string {
  return `{"version":${twin.version},"tags":${JSON.stringify(twin.tags)},${propertiesOf(twin)}}`
}

/** A twin that has come or gone, without its mirror of the identity. */
export function lifecycleBody({ ref, twin }: Entry): string {
  const ids = JSON.stringify(ref).slice(1, -1)
  const tags = Object.keys(twin.tags).length === 0 ? '' : `,"tags":${JSON.stringify(twin.tags)}`
  const etag = formatTwinEtag(twin.etag)
  return `{${ids},"etag":"${etag}","version":${twin.version}${tags},${propertiesOf(twin)}}`
}

/** @param sequence  64 hexadecimal digits */
export function connectionBody(sequence: string): string {
  return JSON.stringify({ sequenceNumber: sequence })
}

function propertiesOf({ desired, reported }: Entry['twin']): string {
  return `"properties":{"desired":${withMetadata(desired)},"reported":${withMetadata(reported)}}`
}

function writtenSection(section: TwinSection, patch: JsonObject | null): string {
  if (patch === null) return withMetadata(section)
  const written = withoutReserved(patch)
  const metadata = writtenMetadata(section.metadata, written)
  return JSON.stringify({ ...written, $metadata: metadata, $version: section.version })
}

/** The nodes of what was written and is there. */
function writtenMetadata(node: MetadataNode, written: JsonObject): JsonObject {
  const members = Object.entries(written).flatMap(([key, value]) => {
    const child = node.of && Object.hasOwn(node.of, key) ? node.of[key] : undefined
    return child ? [[key, nodeView(child, value)] as const] : []
  })
  return { ...stampView(node), ...Object.fromEntries(members) }
}

function nodeView(node: MetadataNode, value: JsonValue): JsonObject {
  return isJsonObject(value) ? writtenMetadata(node, value) : stampView(node)
}

function stampView({ t, v }: MetadataNode): JsonObject {
  return { $lastUpdated: formatTime(t), $lastUpdatedVersion: v }
}
