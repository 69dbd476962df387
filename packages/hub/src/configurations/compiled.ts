import { type DeviceRef, isJsonObject, type JsonObject } from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import { type Configuration, contentKind } from './configuration.ts'
import { isBaseDeployment, leavesOf, pathsOf } from './content.ts'
import { Claims, type Leaf } from './leaves.ts'
import { isTarget, readTarget, type Target } from './target-condition.ts'

/** A configuration that is ready to be applied. */
export interface Compiled {
  readonly configuration: Configuration
  readonly target: Target
  /** What it sets in the twins that it is for. */
  readonly leaves: readonly Leaf[]
  /** Of an edge deployment: what it sets in each module of its devices. */
  readonly modules?: ReadonlyMap<string, readonly Leaf[]>
  /** Of an edge deployment: whether at most one such applies to a device. */
  readonly isBase: boolean
}

/** A property, and the configuration that sets it. */
export interface OwnedLeaf extends Leaf {
  readonly owner: string
}

/** A twin as configurations see it. */
export interface Subject {
  readonly entry: Entry
  /** Of a module: its device, for deployments to edge devices. */
  readonly device?: Entry | undefined
}

/**
 * Whether a target may get a configuration yet; a number says with which wave of a rollout, from 0.
 *
 * @param isHeld  whether it has it already
 */
export type MayApply = (
  configuration: Configuration,
  ref: DeviceRef,
  isHeld: boolean,
) => boolean | number

export const applyAtOnce: MayApply = () => true

export function compile(configuration: Configuration): Compiled {
  const { content, targetCondition } = configuration
  const { own = {}, modules } = pathsOf(content)
  return {
    configuration,
    target: readTarget(targetCondition, contentKind(content)),
    leaves: leavesOf(own),
    ...(modules && {
      modules: new Map(Object.entries(modules).map(([id, paths]) => [id, leavesOf(paths)])),
    }),
    isBase: modules !== undefined && isBaseDeployment(modules),
  }
}

/** What a target has of a configuration. */
export interface Standing {
  /** Not where another deployment stands before it. */
  readonly applies: boolean
  /** Of a rollout under way, from 0. */
  readonly wave?: number
}

/** What a twin is a target of, the one that wins first. */
export type Targets = ReadonlyMap<Compiled, Standing>

/** So many sets of configurations are remembered with what they set together. */
const MAX_MERGED = 1000

/** All configurations of a hub at one time, with what is worked out of them once for all twins. */
export class ConfigurationSet {
  /** The one that wins first: by priority, then the youngest. */
  readonly #ranked: readonly Compiled[]
  readonly #byKind: Readonly<Record<'device' | 'module' | 'edge', readonly Compiled[]>>
  readonly #merged = new Map<string, Claims<OwnedLeaf>>()

  constructor(compiled: Iterable<Compiled>) {
    this.#ranked = [...compiled].sort(
      ({ configuration: a }, { configuration: b }) =>
        b.priority - a.priority || b.sequence - a.sequence,
    )
    const ofKind = (kind: string) =>
      this.#ranked.filter(({ configuration }) => contentKind(configuration.content) === kind)
    this.#byKind = {
      device: ofKind('deviceContent'),
      module: ofKind('moduleContent'),
      edge: ofKind('modulesContent'),
    }
  }

  get all(): readonly Compiled[] {
    return this.#ranked
  }

  get hasDeployments(): boolean {
    return this.#byKind.edge.length > 0
  }

  /** Which configurations a twin is a target of, those alone that it may get. */
  targetsOf({ entry, device }: Subject, mayApply: MayApply): Targets {
    const { ref, configured } = entry
    const targets = new Map<Compiled, Standing>()
    const standingOf = (compiled: Compiled, of: Entry): Standing | undefined => {
      const { configuration, target } = compiled
      if (!isTarget(target, of)) return undefined
      const isHeld = Object.hasOwn(configured?.statuses ?? {}, configuration.id)
      const may = mayApply(configuration, of.ref, isHeld)
      if (may === false) return undefined
      return may === true ? { applies: true } : { applies: true, wave: may }
    }
    const kind = ref.moduleId === undefined ? 'device' : 'module'
    for (const each of this.#byKind[kind]) {
      const standing = standingOf(each, entry)
      if (standing) targets.set(each, standing)
    }
    const edge = ref.moduleId === undefined ? entry : device
    if (edge?.identity.iotEdge) {
      const deployments = this.#byKind.edge.filter((each) => standingOf(each, edge))
      for (const [each, applies] of chooseDeployments(deployments)) {
        const isOfModule = ref.moduleId === undefined || each.modules?.has(ref.moduleId)
        if (isOfModule) targets.set(each, { applies })
      }
    }
    return targets
  }

  /** The modules that deployments name of an edge device. */
  deployedModules(device: Entry, mayApply: MayApply): readonly string[] {
    const targets = this.targetsOf({ entry: device }, mayApply)
    const deployments = [...targets].filter(([{ modules }, { applies }]) => modules && applies)
    return [...new Set(deployments.flatMap(([{ modules }]) => [...(modules?.keys() ?? [])]))]
  }

  /** What a configuration says of a path in such a twin; `undefined` when it is not there any more. */
  leafOf(id: string, path: string, moduleId?: string): Leaf | undefined {
    const compiled = this.#ranked.find(({ configuration }) => configuration.id === id)
    return compiled && leavesFor(compiled, moduleId).find((leaf) => leaf.path === path)
  }

  /** What these set together in a twin, by path the first that speaks of it. */
  merged(applied: readonly Compiled[], moduleId?: string): Claims<OwnedLeaf> {
    const ids = applied.map(({ configuration }) => configuration.id)
    const key = JSON.stringify([moduleId ?? null, ...ids])
    const known = this.#merged.get(key)
    if (known) return known
    const merged = Claims.of(applied.map((each) => ownedLeaves(each, moduleId)))
    if (this.#merged.size >= MAX_MERGED) this.#merged.clear()
    this.#merged.set(key, merged)
    return merged
  }
}

function ownedLeaves(compiled: Compiled, moduleId: string | undefined): readonly OwnedLeaf[] {
  const owner = compiled.configuration.id
  return leavesFor(compiled, moduleId).map((leaf) => ({ ...leaf, owner }))
}

function leavesFor({ leaves, modules }: Compiled, moduleId: string | undefined): readonly Leaf[] {
  return modules && moduleId !== undefined ? (modules.get(moduleId) ?? []) : leaves
}

/** One base deployment, the first; those beside it count when they stand before it (08 §2.1). */
function chooseDeployments(ranked: readonly Compiled[]): ReadonlyMap<Compiled, boolean> {
  const base = ranked.findIndex(({ isBase }) => isBase)
  return new Map(ranked.map((each, at) => [each, base === -1 || at <= base]))
}

/** Top-level names of a patch, or all: what may have changed. */
export function topLevelNames(patch: unknown): readonly string[] {
  return isJsonObject(patch) ? Object.keys(patch as JsonObject) : []
}
