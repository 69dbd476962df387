import {
  HubError,
  isJsonObject,
  isValidId,
  type JsonObject,
  type JsonValue,
  MAX_PROPERTIES_BYTES,
} from '@twinward/protocol'
import { emptySection, patchSection } from '../twins/patch.ts'
import { type ConfigurationContent, type ContentKind, contentKind } from './configuration.ts'
import { Claims, type Leaf, leavesIn, patchOf } from './leaves.ts'

/** Modules that a deployment speaks of. */
export const MAX_DEPLOYED_MODULES = 50
/** Of the JSON of what one twin gets: values fill 32 KB at most, paths and `null` come on top. */
export const MAX_CONTENT_CHARACTERS = 128 * 1024
/** More than any twin may have, and few enough to go down to the end. */
const MAX_LEVELS = 100
/** The module whose desired properties say what runs on an edge device. */
export const EDGE_AGENT = '$edgeAgent'

const KINDS: readonly ContentKind[] = ['deviceContent', 'moduleContent', 'modulesContent']
const ROOT = 'properties.desired'

/**
 * Reads what a configuration shall set: exactly one of `deviceContent`, `moduleContent` and
 * `modulesContent` (others may be `null`).
 *
 * @throws {HubError} `InvalidConfigurationContent` that names the place
 */
export function readContent(value: unknown): ConfigurationContent {
  if (!isJsonObject(value)) throw invalid('A configuration needs an object content.')
  const members = Object.entries(value).filter(([, member]) => member !== null)
  const stray = members.find(([name]) => !KINDS.includes(name as ContentKind))
  if (stray) throw invalid(`content has no member '${stray[0].slice(0, 64)}'.`)
  const [member, ...others] = members
  if (!member || others.length > 0)
    throw invalid(`content needs exactly one of ${KINDS.join(', ')}.`)
  const [kind, paths] = member
  if (!isJsonObject(paths)) throw invalid(`content.${kind} must be an object.`)
  if (kind === 'modulesContent') checkModules(paths)
  else checkPaths(paths, kind)
  // Minus zero is stored as zero: what is compared with twins must be what they can hold.
  return JSON.parse(JSON.stringify({ [kind]: paths })) as JsonObject
}

function checkModules(modules: JsonObject): void {
  const entries = Object.entries(modules)
  if (!Object.hasOwn(modules, EDGE_AGENT)) {
    throw invalid(`content.modulesContent needs ${EDGE_AGENT}, which may be empty.`)
  }
  if (entries.length > MAX_DEPLOYED_MODULES) {
    throw invalid(`content.modulesContent names more than ${MAX_DEPLOYED_MODULES} modules.`)
  }
  for (const [moduleId, paths] of entries) {
    const place = `modulesContent.${moduleId.slice(0, 128)}`
    if (!isValidId(moduleId)) throw invalid(`content.${place}: the id is not valid.`)
    if (!isJsonObject(paths)) throw invalid(`content.${place} must be an object.`)
    checkPaths(paths, place)
  }
}

/** The same rules that a write to the twin would be held to. */
function checkPaths(paths: JsonObject, place: string): void {
  for (const [path, value] of Object.entries(paths)) {
    const keys = keysOf(path)
    if (!keys) {
      throw invalid(`content.${place}: '${path.slice(0, 64)}' is not below ${ROOT}.`)
    }
    if (keys.length === 0 && !isJsonObject(value)) {
      throw invalid(`content.${place}: ${ROOT} must be an object.`)
    }
    // How deep it may be is said below, by what goes all the way down.
    if (isDeeper(value, MAX_LEVELS - keys.length)) {
      throw invalid(`content.${place}: '${path.slice(0, 64)}' is too deep.`)
    }
  }
  if (JSON.stringify(paths).length > MAX_CONTENT_CHARACTERS) {
    throw invalid(`content.${place} is longer than ${MAX_CONTENT_CHARACTERS} characters.`)
  }
  const patch = patchOf(leavesOf(paths))
  // A write passes these two over; here they would be set again and again.
  const reserved = ['$version', '$metadata'].find((key) => Object.hasOwn(patch, key))
  if (reserved) throw invalid(`content.${place}: ${reserved} belongs to the hub.`)
  try {
    patchSection(emptySection(0), patch, 0, MAX_PROPERTIES_BYTES)
  } catch (error) {
    if (error instanceof HubError) throw invalid(`content.${place}: ${error.message}`)
    throw error
  }
}

/** Whether objects and arrays lie in each other more than so many levels deep. */
function isDeeper(value: JsonValue, levels: number): boolean {
  if (levels < 0) return true
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((member) => isDeeper(member, levels - 1))
}

/** The keys of `properties.desired.a.b`, `undefined` for another path. */
function keysOf(path: string): readonly string[] | undefined {
  if (path === ROOT) return []
  if (!path.startsWith(`${ROOT}.`)) return undefined
  const keys = path.slice(ROOT.length + 1).split('.')
  return keys.includes('') ? undefined : keys
}

/** The properties that a map of paths sets; a longer path wins over what a shorter one says of it. */
export function leavesOf(paths: JsonObject): readonly Leaf[] {
  const parts = Object.entries(paths).map(([path, value]) => {
    const keys = keysOf(path) ?? []
    return { depth: keys.length, leaves: leavesIn(keys, value) }
  })
  const ranks = parts.sort((a, b) => b.depth - a.depth).map(({ leaves }) => leaves)
  return Claims.of(ranks).leaves
}

/** The maps of paths of a content: one for its twins, or one per module of an edge device. */
export function pathsOf(content: ConfigurationContent): {
  readonly own?: JsonObject
  readonly modules?: Readonly<Record<string, JsonObject>>
} {
  const kind = contentKind(content)
  const paths = content[kind] as JsonObject
  return kind === 'modulesContent'
    ? { modules: paths as Readonly<Record<string, JsonObject>> }
    : { own: paths }
}

/** Whether a map of paths says all that a twin shall desire. */
export function isWhole(paths: JsonObject): boolean {
  return Object.hasOwn(paths, ROOT)
}

/** Whether a deployment says all that an edge device shall run, rather than something beside it. */
export function isBaseDeployment(modules: Readonly<Record<string, JsonObject>>): boolean {
  const agent = modules[EDGE_AGENT]
  return agent !== undefined && isWhole(agent)
}

function invalid(message: string): HubError {
  return new HubError('InvalidConfigurationContent', message)
}
