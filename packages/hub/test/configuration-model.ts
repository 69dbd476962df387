import { isJsonObject, type JsonObject, type JsonValue, refKey } from '@twinward/protocol'
import type { Entry } from '../src/registry/registry.ts'

/** A configuration of the random ones: its condition in words, and as a function. */
export interface ModelConfiguration {
  readonly kind: 'deviceContent' | 'moduleContent'
  readonly paths: JsonObject
  readonly condition: number
  readonly priority: number
}

export const KINDS = ['deviceContent', 'moduleContent'] as const

/** Few names and few shapes, so that they meet. */
export const CONTENTS: readonly JsonObject[] = [
  { 'properties.desired.a': 1 },
  { 'properties.desired.a': { x: 2, y: [1, { z: 1 }] } },
  { 'properties.desired.a.x': 3, 'properties.desired.b': true },
  { 'properties.desired': { a: { x: 4, w: {} }, c: 'c' } },
  { 'properties.desired.a': { x: { deep: 5 } }, 'properties.desired.b': 'b' },
  { 'properties.desired.c': {}, 'properties.desired.b.__proto__': 6 },
  { 'properties.desired.c': null, 'properties.desired.b': 7 },
  { 'properties.desired.a.x': null },
  {},
]

interface Condition {
  readonly text: string
  readonly holds: (entry: Entry) => boolean
}

const CONDITIONS: readonly Condition[] = [
  { text: '', holds: () => false },
  { text: "tags.site = 'x'", holds: ({ twin }) => twin.tags.site === 'x' },
  { text: "NOT tags.site = 'x'", holds: ({ twin }) => twin.tags.site !== 'x' },
  { text: 'properties.reported.fw > 1', holds: (entry) => Number(reported(entry).fw) > 1 },
  {
    text: "deviceId IN ['d0', 'd1'] AND IS_DEFINED(properties.reported.fw)",
    holds: (entry) => entry.ref.deviceId < 'd2' && 'fw' in reported(entry),
  },
]
const ALL: Readonly<Record<ModelConfiguration['kind'], Condition>> = {
  deviceContent: { text: '*', holds: () => true },
  moduleContent: { text: "moduleId = 'm0'", holds: ({ ref }) => ref.moduleId === 'm0' },
}
export const CONDITION_COUNT = CONDITIONS.length + 1

function reported({ twin }: Entry): JsonObject {
  return twin.reported.values
}

function conditionOf({ condition, kind }: ModelConfiguration): Condition {
  return CONDITIONS[condition] ?? ALL[kind]
}

/** As a caller writes it. */
export function documentOf(configuration: ModelConfiguration): JsonObject {
  const { kind, paths, priority } = configuration
  const { text } = conditionOf(configuration)
  const isOfModules = kind === 'moduleContent' && text !== ''
  const targetCondition = isOfModules ? `FROM devices.modules WHERE ${text}` : text
  return { content: { [kind]: paths }, targetCondition, priority }
}

/** What a twin must desire: its own property, and patch upon patch, the weakest first. */
export function expectedOf(
  entry: Entry,
  configurations: readonly ModelConfiguration[],
): { readonly desired: JsonValue; readonly count: number } {
  const kind = entry.ref.moduleId === undefined ? 'deviceContent' : 'moduleContent'
  const targets = configurations
    .map((configuration, age) => ({ ...configuration, age }))
    .filter((each) => each.kind === kind && conditionOf(each).holds(entry))
    .sort((a, b) => a.priority - b.priority || a.age - b.age)
  const { own } = entry.twin.desired.values
  let desired: JsonValue = own === undefined ? {} : { own }
  for (const { paths } of targets) desired = merged(desired, treeOf(paths))
  return { desired: stripped(desired), count: targets.length }
}

function treeOf(paths: JsonObject): JsonValue {
  let tree: JsonValue = {}
  for (const [path, value] of Object.entries(paths)) {
    const keys = path.split('.').slice(2)
    const patch = keys.reduceRight<JsonValue>((inner, key) => JSON.parse(member(key, inner)), value)
    tree = merged(tree, patch)
  }
  return tree
}

function member(key: string, value: JsonValue): string {
  return `{${JSON.stringify(key)}:${JSON.stringify(value)}}`
}

/** Patch upon patch as RFC 7396 has it, but that `null` stays, and that what only removes leaves values. */
function merged(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch
  if (!isJsonObject(target) && target !== null && onlyRemoves(patch)) return target
  const result = new Map(isJsonObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    result.set(key, merged(result.get(key) ?? null, value))
  }
  return Object.fromEntries(result)
}

function onlyRemoves(patch: JsonValue): boolean {
  if (!isJsonObject(patch)) return patch === null
  const members = Object.values(patch)
  return members.length > 0 && members.every(onlyRemoves)
}

/** Without what shall not be there, and without objects that have nothing else in them. */
function stripped(tree: JsonValue): JsonValue {
  if (!isJsonObject(tree)) return tree
  const members = Object.entries(tree).filter(([, value]) => !onlyRemoves(value))
  return Object.fromEntries(members.map(([key, value]) => [key, stripped(value)]))
}

export function nameOf({ ref }: Entry): string {
  return refKey(ref)
}
