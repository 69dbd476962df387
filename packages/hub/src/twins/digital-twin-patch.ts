import {
  HubError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type TwinPatch,
} from '@twinward/protocol'
import { COMPONENT, isComponent, own } from './digital-twin.ts'
import { replacementPatch } from './patch.ts'

/** Operations of one patch. */
export const MAX_PATCH_OPERATIONS = 1000
const OPERATIONS = ['add', 'replace', 'remove'] as const

interface Operation {
  readonly op: (typeof OPERATIONS)[number]
  /** Names from the root on; at least one. */
  readonly path: readonly string[]
  readonly value: JsonValue | undefined
}

/** The properties that a patch is for. */
export interface PatchTarget {
  readonly desired: JsonObject
  readonly reported: JsonObject
}

/** Objects as maps, so that they can be changed and names like `__proto__` are nothing special. */
type Tree = Map<string, Tree | Leaf>
type Leaf = Exclude<JsonValue, JsonObject>

/**
 * Turns a JSON Patch on a digital twin into a merge patch of its desired properties (02 §7).
 *
 *     [{ op: 'add', path: '/pump/rpm', value: 900 }, { op: 'remove', path: '/led' }]
 *   = { pump: { __t: 'c', rpm: 900 }, led: null }
 *
 * A first name that leads to nothing yet becomes a component, as does a value with `$metadata`.
 * Arrays are replaced whole. Pure.
 *
 * @throws {HubError} `InvalidDigitalTwinJsonPatch`: not such a patch; `…PatchPath`: an operation's path
 *   leads nowhere or to what the hub owns; `…Payload`: a value that no property can have
 */
export function toTwinPatch(document: unknown, target: PatchTarget): TwinPatch {
  const tree = toTree(target.desired)
  const touched: (readonly string[])[] = []
  readOperations(document).forEach((operation, index) => {
    try {
      touched.push(apply(operation, tree, target.reported))
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      throw new HubError(error.code, `Operation ${index}: ${error.message}`)
    }
  })
  return patchOf(withoutDescendants(touched), target.desired, tree)
}

function readOperations(document: unknown): readonly Operation[] {
  if (!Array.isArray(document)) throw malformed('The body must be a JSON Patch: an array.')
  if (document.length > MAX_PATCH_OPERATIONS) {
    throw malformed(`A patch may have ${MAX_PATCH_OPERATIONS} operations.`)
  }
  return document.map((operation, index) => {
    if (!isJsonObject(operation)) throw malformed(`Operation ${index}: it is not an object.`)
    const op = OPERATIONS.find((name) => name === operation.op)
    if (!op) throw malformed(`Operation ${index}: op must be ${OPERATIONS.join(', ')}.`)
    if (typeof operation.path !== 'string') throw malformed(`Operation ${index}: it has no path.`)
    const value = own(operation, 'value')
    if (op !== 'remove' && value === undefined) {
      throw malformed(`Operation ${index}: it has no value.`)
    }
    return { op, path: readPath(operation.path, index), value }
  })
}

/** RFC 6901. */
function readPath(pointer: string, index: number): readonly string[] {
  const [before, ...names] = pointer.split('/')
  if (before !== '' || names.length === 0) {
    throw badPath(`Operation ${index}: path must begin with a slash and name a property.`)
  }
  return names.map((name) => {
    if (name === '') throw badPath(`Operation ${index}: path has an empty name.`)
    if (name.startsWith('$') || name === COMPONENT[0]) {
      throw badPath(`Operation ${index}: '${name.slice(0, 32)}' cannot be written.`)
    }
    return name.replaceAll('~1', '/').replaceAll('~0', '~')
  })
}

/** @returns the path below which something may have changed */
function apply({ op, path, value }: Operation, tree: Tree, reported: JsonObject) {
  const parents = path.slice(0, -1)
  const [name = ''] = path.slice(-1)
  let at = tree
  let changed = path
  parents.forEach((parent, depth) => {
    let next = at.get(parent)
    if (next === undefined && depth === 0 && op !== 'remove') {
      next = newParent(own(reported, parent))
      at.set(parent, next)
      changed = [parent]
    }
    if (!(next instanceof Map)) throw badPath(`there is no object at '${shown(parent)}'.`)
    at = next
  })
  if (op === 'remove') {
    if (!at.delete(name)) throw badPath(`'${shown(name)}' has no desired value.`)
    return changed
  }
  const isKnown = at.has(name) || isReported(reported, path)
  if (op === 'replace' && !isKnown) throw badPath(`there is no '${shown(name)}'.`)
  const isRoot = path.length === 1
  const wasComponent = isRoot && (isMarked(at.get(name)) || isComponent(own(reported, name)))
  at.set(name, readValue(value as JsonValue, isRoot, wasComponent))
  return changed
}

/** An object property that the device reported stays one. */
function newParent(told: JsonValue | undefined): Tree {
  return isJsonObject(told) && !isComponent(told) ? new Map() : new Map([COMPONENT])
}

function isReported(reported: JsonObject, path: readonly string[]): boolean {
  let at: JsonValue | undefined = reported
  for (const name of path) at = isJsonObject(at) ? own(at, name) : undefined
  return at !== undefined
}

function isMarked(node: Tree | Leaf | undefined): boolean {
  return node instanceof Map && node.get(COMPONENT[0]) === COMPONENT[1]
}

function readValue(value: JsonValue, isRoot: boolean, wasComponent: boolean): Tree | Leaf {
  if (!isJsonObject(value)) return readLeaf(value)
  const tree = toTree(value)
  // Empty `$metadata` is how a patch says that an object is a component.
  const isNew = isRoot && tree.delete('$metadata')
  if (isNew || wasComponent) tree.set(...COMPONENT)
  return tree
}

function toTree(object: JsonObject): Tree {
  return new Map(
    Object.entries(object).map(([key, value]) => [
      key,
      isJsonObject(value) ? toTree(value) : readLeaf(value),
    ]),
  )
}

function readLeaf(value: Leaf): Leaf {
  if (value !== null) return value
  throw new HubError(
    'InvalidDigitalTwinPayload',
    'null is no value of a property: op remove removes it.',
  )
}

/** A change of the whole says all that changes of its parts do. */
function withoutDescendants(paths: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const byKey = new Map(paths.map((path) => [JSON.stringify(path), path]))
  return [...byKey.values()].filter((path) =>
    path.slice(1).every((_, index) => !byKey.has(JSON.stringify(path.slice(0, index + 1)))),
  )
}

function patchOf(
  paths: readonly (readonly string[])[],
  desired: JsonObject,
  tree: Tree,
): TwinPatch {
  const patch: Tree = new Map()
  for (const path of paths) {
    const change = changeAt(path, desired, tree)
    if (change === undefined) continue
    let at = patch
    for (const name of path.slice(0, -1)) {
      const next = at.get(name) ?? new Map()
      at.set(name, next)
      at = next as Tree
    }
    at.set(path.at(-1) ?? '', change)
  }
  return fromTree(patch)
}

/** `null`: it goes; `undefined`: it was not and is not there. */
function changeAt(
  path: readonly string[],
  desired: JsonObject,
  tree: Tree,
): Tree | Leaf | undefined {
  let before: JsonValue | undefined = desired
  let after: Tree | Leaf | undefined = tree
  for (const name of path) {
    before = isJsonObject(before) ? own(before, name) : undefined
    after = after instanceof Map ? after.get(name) : undefined
  }
  if (after === undefined) return before === undefined ? undefined : null
  if (!(after instanceof Map) || !isJsonObject(before)) return after
  return patchTree(replacementPatch(before, fromTree(after)))
}

/** As `toTree`, and `null` removes. */
function patchTree(patch: TwinPatch): Tree {
  return new Map(
    Object.entries(patch).map(([key, value]) => [
      key,
      isJsonObject(value) ? patchTree(value) : value,
    ]),
  )
}

function fromTree(tree: Tree): JsonObject {
  return Object.fromEntries(
    [...tree].map(([key, node]) => [key, node instanceof Map ? fromTree(node) : node]),
  )
}

function shown(name: string): string {
  return name.slice(0, 64)
}

function malformed(message: string): HubError {
  return new HubError('InvalidDigitalTwinJsonPatch', message)
}

function badPath(message: string): HubError {
  return new HubError('InvalidDigitalTwinPatchPath', message)
}
