import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type JsonObject, type JsonValue, type TwinPatch } from '@twinward/protocol'

/**
 * One property that a configuration sets: a string, number, boolean or array; `{}` for an object that
 * is there, whatever is in it; `null` for a property that is not there. No name contains a dot
 * (twins/limits.ts), so `path` tells `keys`.
 */
export interface Leaf {
  readonly path: string
  readonly keys: readonly string[]
  readonly value: JsonValue
}

export function leafAt(keys: readonly string[], value: JsonValue): Leaf {
  return { path: keys.join('.'), keys, value }
}

/** The properties in a value: all members of objects, each array as one. */
export function leavesIn(keys: readonly string[], value: JsonValue): readonly Leaf[] {
  if (!isJsonObject(value)) return [leafAt(keys, value)]
  const members = Object.entries(value)
  if (members.length === 0) return keys.length === 0 ? [] : [leafAt(keys, value)]
  return members.flatMap(([key, member]) => leavesIn([...keys, key], member))
}

/** What leaves of a higher rank have taken, and what lies above it. */
export class Claims<T extends Leaf = Leaf> {
  readonly #leaves = new Map<string, T>()
  readonly #containers = new Set<string>()
  /** By the path above them: properties that shall not be there. */
  readonly #absentBelow = new Map<string, string[]>()
  #list: readonly T[] | undefined

  /** The highest rank first: what it says of a path, of what is above and below it, stays. */
  static of<T extends Leaf>(ranks: Iterable<readonly T[]>): Claims<T> {
    const claims = new Claims<T>()
    for (const leaves of ranks) {
      for (const leaf of leaves.filter((each) => !claims.#isTaken(each))) claims.#add(leaf)
    }
    return claims
  }

  get leaves(): readonly T[] {
    this.#list ??= [...this.#leaves.values()]
    return this.#list
  }

  has(path: string): boolean {
    return this.#leaves.has(path)
  }

  /** Whether it says that the property shall not be there. */
  isAbsent(path: string): boolean {
    return this.#leaves.get(path)?.value === null
  }

  /** Whether some property below the path shall be there. */
  isContainer(path: string): boolean {
    return this.#containers.has(path)
  }

  /** Whether a value above it, that is no object, takes its place. */
  isBelowValue(keys: readonly string[]): boolean {
    return this.#isBelow(keys, (value) => value !== null && !isJsonObject(value))
  }

  #isTaken({ path, keys }: Leaf): boolean {
    return this.#leaves.has(path) || this.#containers.has(path) || this.#isBlocked(keys)
  }

  /** Whether what is said above it leaves no room: all but `{}`. */
  #isBlocked(keys: readonly string[]): boolean {
    return this.#isBelow(keys, (value) => !isJsonObject(value))
  }

  #isBelow(keys: readonly string[], isSo: (value: JsonValue) => boolean): boolean {
    return ancestorsOf(keys).some((path) => {
      const leaf = this.#leaves.get(path)
      return leaf !== undefined && isSo(leaf.value)
    })
  }

  #add(leaf: T): void {
    this.#leaves.set(leaf.path, leaf)
    // A property that shall not be there needs no object to be missing in.
    for (const path of ancestorsOf(leaf.keys)) {
      if (leaf.value !== null) this.#containers.add(path)
      else this.#addAbsent(path, leaf.path)
    }
    if (isJsonObject(leaf.value)) return
    for (const path of this.#absentBelow.get(leaf.path) ?? []) this.#leaves.delete(path)
  }

  #addAbsent(above: string, path: string): void {
    const paths = this.#absentBelow.get(above)
    if (paths) paths.push(path)
    else this.#absentBelow.set(above, [path])
  }
}

/** Paths above a property, the nearest first. */
export function ancestorsOf(keys: readonly string[]): readonly string[] {
  return keys.slice(1).map((_, at) => keys.slice(0, keys.length - 1 - at).join('.'))
}

/** Whether properties are as the leaf wants them. */
export function isHeld({ keys, value }: Leaf, values: JsonObject): boolean {
  const found = memberAt(values, keys)
  if (value === null) return found === undefined
  if (found === undefined) return false
  return isJsonObject(value) ? isJsonObject(found) : isDeepStrictEqual(found, value)
}

export function memberAt(values: JsonValue, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue = values
  for (const key of keys) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key] as JsonValue
  }
  return value
}

/** The merge patch that sets the leaves; none lies below another but `{}`. */
export function patchOf(leaves: readonly Leaf[]): TwinPatch {
  const root: Tree = new Map()
  // What is above comes first, so that `{}` has a place for what is below it.
  for (const { keys, value } of leaves.toSorted((a, b) => a.keys.length - b.keys.length)) {
    let tree = root
    for (const key of keys.slice(0, -1)) {
      const below = tree.get(key)
      const next: Tree = below instanceof Map ? below : new Map()
      tree.set(key, next)
      tree = next
    }
    tree.set(keys.at(-1) ?? '', isJsonObject(value) ? new Map() : value)
  }
  return toObject(root)
}

type Tree = Map<string, JsonValue | Tree>

function toObject(tree: Tree): JsonObject {
  return Object.fromEntries(
    [...tree].map(([key, value]) => [key, value instanceof Map ? toObject(value) : value]),
  )
}
