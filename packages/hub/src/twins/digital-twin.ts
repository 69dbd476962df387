import {
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type MetadataNode,
} from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import { formatTime } from './view.ts'

/** What makes an object of a twin a component (02 §7). */
export const COMPONENT = ['__t', 'c'] as const

export function isComponent(value: JsonValue | undefined): value is JsonObject {
  const [key, mark] = COMPONENT
  return isJsonObject(value) && own(value, key) === mark
}

/** The member, unless it is inherited: a property may be called `constructor`. */
export function own<T>(object: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/**
 * A device's twin as plug and play shows it (02 §7): one object, properties beside components.
 *
 *     desired  { "pump": { "__t": "c", "rpm": 900 } }
 *     reported { "pump": { "__t": "c", "rpm": { "value": 900, "ac": 200, "av": 4 } }, "serial": "7" }
 *     = { "$dtId": "dev-1", "serial": "7",
 *         "pump": { "rpm": 900, "$metadata": { "rpm": { "desiredValue": 900, "desiredVersion": 4,
 *                   "ackVersion": 4, "ackCode": 200, "lastUpdateTime": "…" } } },
 *         "$metadata": { "$model": "dtmi:…", "serial": { "lastUpdateTime": "…" } } }
 *
 * A property's value is what the device reported; what is only desired shows in `$metadata`.
 */
export function digitalTwinView({ ref, identity, twin }: Entry): JsonObject {
  const { desired, reported } = twin
  const level = levelView(
    { values: desired.values, metadata: desired.metadata },
    { values: reported.values, metadata: reported.metadata },
    true,
  )
  return Object.fromEntries([
    ['$dtId', ref.deviceId],
    ...level.members,
    ['$metadata', Object.fromEntries([['$model', identity.modelId], ...level.metadata])],
  ])
}

/** The root's or a component's part of one section. */
interface Part {
  readonly values: JsonObject
  readonly metadata: MetadataNode | undefined
}

interface LevelView {
  readonly members: readonly Member[]
  readonly metadata: readonly Member[]
}

type Member = readonly [string, JsonValue]

function levelView(desired: Part, reported: Part, isRoot: boolean): LevelView {
  const members: Member[] = []
  const metadata: Member[] = []
  const keys = new Set([...Object.keys(reported.values), ...Object.keys(desired.values)])
  keys.delete(COMPONENT[0])
  for (const key of keys) {
    const wanted = own(desired.values, key)
    const told = own(reported.values, key)
    if (isRoot && (isComponent(wanted) || isComponent(told))) {
      members.push([key, componentView(partOf(desired, key), partOf(reported, key))])
      continue
    }
    if (told !== undefined) members.push([key, isAck(told) ? (told.value as JsonValue) : told])
    metadata.push([key, propertyMetadata(desired, reported, key)])
  }
  return { members, metadata }
}

function componentView(desired: Part, reported: Part): JsonObject {
  const { members, metadata } = levelView(desired, reported, false)
  return Object.fromEntries([...members, ['$metadata', Object.fromEntries(metadata)]])
}

function partOf({ values, metadata }: Part, key: string): Part {
  const value = own(values, key)
  return { values: isJsonObject(value) ? value : {}, metadata: own(metadata?.of ?? {}, key) }
}

function propertyMetadata(desired: Part, reported: Part, key: string): JsonObject {
  const wanted = own(desired.values, key)
  const told = own(reported.values, key)
  const wantedNode = own(desired.metadata?.of ?? {}, key)
  const toldNode = own(reported.metadata?.of ?? {}, key)
  return {
    ...(wanted !== undefined && {
      desiredValue: wanted,
      desiredVersion: wantedNode?.v ?? 0,
    }),
    ...(isAck(told) && acknowledgement(told)),
    lastUpdateTime: formatTime((toldNode ?? wantedNode)?.t ?? 0),
  }
}

/** `{ value, ac, av?, ad? }`: a device's answer to a desired property. */
function isAck(value: JsonValue | undefined): value is JsonObject {
  return isJsonObject(value) && Object.hasOwn(value, 'value') && Object.hasOwn(value, 'ac')
}

function acknowledgement({ ac, av, ad }: JsonObject): JsonObject {
  return {
    ...(av !== undefined && { ackVersion: av }),
    ...(ac !== undefined && { ackCode: ac }),
    ...(ad !== undefined && { ackDescription: ad }),
  }
}
