import type { JsonObject, JsonValue } from '@twinward/protocol'
import { formatFields, formatJson, formatTime } from './output.ts'

/** A twin as the service API shows it. */
export interface TwinView {
  readonly deviceId: string
  readonly moduleId?: string
  readonly etag: string
  readonly version: number
  readonly connectionState: string
  readonly lastActivityTime: string
  readonly tags: JsonObject
  readonly properties: { readonly desired: JsonObject; readonly reported: JsonObject }
}

/** Identity, then the three sections as JSON, without metadata. */
export function describeTwin({ tags, properties, ...twin }: TwinView): string {
  const fields = formatFields([
    ['Device', twin.deviceId],
    ['Module', twin.moduleId],
    ['Connection', twin.connectionState],
    ['Last activity', formatTime(twin.lastActivityTime)],
    ['Etag', twin.etag],
  ])
  const { desired, reported } = properties
  return [
    fields,
    `Tags\n${formatJson(tags)}`,
    `Desired, version ${version(desired)}\n${formatJson(valuesOf(desired))}`,
    `Reported, version ${version(reported)}\n${formatJson(valuesOf(reported))}`,
  ].join('\n\n')
}

function version({ $version }: JsonObject): JsonValue {
  return $version ?? 1
}

function valuesOf({ $version: _, $metadata: __, ...values }: JsonObject): JsonObject {
  return values
}
