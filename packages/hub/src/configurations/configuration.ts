import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from '@twinward/protocol'
import type { WriteAuthor } from '../twins/desired-review.ts'

/** Which twins a configuration writes: those of devices, of modules, or of an edge device's modules. */
export type ContentKind = 'deviceContent' | 'moduleContent' | 'modulesContent'

/**
 * What a configuration sets, as it was written: one member, `{ deviceContent: { 'properties.desired.a':
 * 5 } }`; `modulesContent` has such an object per module.
 */
export type ConfigurationContent = JsonObject

/** An automatic configuration as it is stored (08 §2). Times are ms since the epoch. */
export interface Configuration {
  readonly id: string
  readonly schemaVersion: string | null
  readonly labels: Readonly<Record<string, string>> | null
  /** Stays as it was created. */
  readonly content: ConfigurationContent
  readonly targetCondition: string
  readonly priority: number
  /** Names and texts of queries whose results are counted. */
  readonly metricQueries: Readonly<Record<string, string>>
  readonly createdMs: number
  readonly updatedMs: number
  /** Moves by one with every write; shown as an etag. */
  readonly revision: number
  /** Greater than that of every configuration created before it: of two with one priority it wins. */
  readonly sequence: number
  /** On whose behalf twins are written; without one, nothing that needs a right is. */
  readonly author: WriteAuthor | null
}

/** How many twins a query of a configuration found, when it last ran. */
export interface MetricResults {
  readonly system: Readonly<Record<string, number>>
  readonly custom: Readonly<Record<string, number>>
}

export function contentKind(content: ConfigurationContent): ContentKind {
  const [kind = 'deviceContent'] = Object.keys(content)
  return kind as ContentKind
}

/**
 * On whose behalf twins are written after an update. Whoever sent another content does not vouch for
 * the one that stays: then both must have a right.
 */
export function authorAfter(
  stored: Configuration,
  written: ConfigurationContent,
  author: WriteAuthor | null,
): WriteAuthor | null {
  if (isDeepStrictEqual(stored.content, written)) return author
  if (!stored.author || !author) return null
  const { rights } = stored.author
  return { name: author.name, rights: author.rights.filter((right) => rights.includes(right)) }
}
