import type { TwinPatch } from '@twinward/protocol'
import type { Notice } from '../bus.ts'
import { type Compiled, type ConfigurationSet, topLevelNames } from './compiled.ts'
import { contentKind } from './configuration.ts'

/** Top-level names of one section that some configuration looks at; `all`: the section as such. */
type Names = ReadonlySet<string> | 'all'

interface Watched {
  /** Whether any configuration is for such twins. */
  readonly isAny: boolean
  readonly tags: Names
  readonly reported: Names
  /** Those that configurations set. */
  readonly desired: Names
}

/** Which changes of twins may concern a configuration: by the top-level names of what was written. */
export class WatchedPaths {
  readonly #devices: Watched
  readonly #modules: Watched

  constructor({ all }: ConfigurationSet) {
    const kindOf = ({ configuration }: Compiled) => contentKind(configuration.content)
    this.#devices = watched(all.filter((each) => kindOf(each) !== 'moduleContent'))
    this.#modules = watched(
      all.filter((each) => kindOf(each) === 'moduleContent'),
      all.filter((each) => kindOf(each) === 'modulesContent'),
    )
  }

  /** Called for every write of a device: without configurations that read it, it must cost nothing. */
  concerns(notice: Notice): boolean {
    switch (notice.kind) {
      case 'reported-changed':
        return touches(this.#of(notice.ref.moduleId).reported, notice.patch)
      case 'tags-changed':
        return touches(this.#of(notice.ref.moduleId).tags, notice.patch)
      case 'desired-changed':
        return touches(this.#of(notice.ref.moduleId).desired, notice.patch)
      case 'identity-created':
      case 'identity-changed':
        return this.#of(notice.ref.moduleId).isAny
      default:
        return false
    }
  }

  #of(moduleId: string | undefined): Watched {
    return moduleId === undefined ? this.#devices : this.#modules
  }
}

/** @param deployments  that set what is in such twins, without looking at them */
function watched(all: readonly Compiled[], deployments: readonly Compiled[] = []): Watched {
  const reads = all.flatMap(({ target }) => target.reads)
  const setKeys = [...all, ...deployments].flatMap(({ leaves, modules }) =>
    [leaves, ...(modules?.values() ?? [])].flat().map(({ keys }) => keys),
  )
  return {
    isAny: all.length + deployments.length > 0,
    tags: namesAt(reads, ['tags']),
    reported: namesAt(reads, ['properties', 'reported']),
    desired: namesAt(setKeys, []),
  }
}

function namesAt(paths: readonly (readonly string[])[], root: readonly string[]): Names {
  const names = new Set<string>()
  for (const keys of paths.filter((each) => root.every((key, at) => each[at] === key))) {
    const name = keys[root.length]
    if (name === undefined) return 'all'
    names.add(name)
  }
  return names
}

/** @param patch  `null`: anything may have changed */
function touches(names: Names, patch: TwinPatch | null): boolean {
  if (names === 'all') return true
  if (names.size === 0) return false
  return patch === null || topLevelNames(patch).some((name) => names.has(name))
}
