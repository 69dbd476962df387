import { type DeviceRef, HubError, isJsonObject, type JsonObject } from '@twinward/protocol'
import type { Entry, Registry } from '../registry/registry.ts'
import type { DesiredReview, WriteAuthor } from '../twins/desired-review.ts'
import { emptySection } from '../twins/patch.ts'
import { applyTo } from './apply.ts'
import {
  type Compiled,
  ConfigurationSet,
  compile,
  type MayApply,
  type Subject,
} from './compiled.ts'
import { authorAfter, type Configuration } from './configuration.ts'
import { type PlannedChange, planFor } from './plan.ts'
import { readConfiguration } from './read-configuration.ts'
import { holdersQuery, isTarget, targetQuery } from './target-condition.ts'

/** Twins that are looked at for one page of a plan. */
export const MAX_PLANNED_TWINS = 100

/** A change of configurations that somebody thinks about. */
export type Proposal =
  /** The document of a configuration, a new one or in place of the one with its id. */
  { readonly configuration: JsonObject } | { readonly removed: string }

/** What one twin would get. */
export interface PlannedTwin {
  readonly ref: DeviceRef
  readonly changes: readonly PlannedChange[]
  /** Why it would not be applied to this twin, e.g. that it would be too large; absent when it would. */
  readonly refusal?: string
}

export interface PlanPage {
  readonly twins: readonly PlannedTwin[]
  /** Only when there are more; a page may be empty and go on. */
  readonly next?: string
}

export interface ChangePlanPorts {
  readonly registry: Pick<Registry, 'query' | 'find' | 'listThese' | 'listModules'>
  readonly review: Pick<DesiredReview, 'check'>
  readonly now: () => number
}

/** What there is before the change. */
export interface PresentRules {
  readonly set: ConfigurationSet
  readonly mayApply: MayApply
}

/**
 * A page of the exact differences that a change of configurations would make, before it is made: of the
 * twins that it would be for, then of those that hold the configuration and would not any more.
 *
 * @param author  on whose behalf it would be written
 * @throws {HubError} as `readConfiguration`; `ConfigurationNotFound`; `ArgumentInvalid` for a token
 *   that is not of this plan
 */
export async function planChange(
  ports: ChangePlanPorts,
  present: PresentRules,
  { proposal, author, after }: { proposal: Proposal; author?: WriteAuthor; after?: string },
): Promise<PlanPage> {
  const { id, set } = proposedSet(present.set, proposal, { author, nowMs: ports.now() })
  const proposed = set.all.find(({ configuration }) => configuration.id === id)
  const isEdge = (proposed ?? find(present.set, id))?.modules !== undefined
  const queries = [
    proposed && targetQuery(proposed.target),
    holdersQuery(id, 'devices'),
    // Modules of edge devices come with their devices.
    ...(isEdge ? [] : [holdersQuery(id, 'devices.modules')]),
  ]
  const mayApply: MayApply = (configuration, ref, isHeld) =>
    configuration.id === id || present.mayApply(configuration, ref, isHeld)
  const place = after === undefined ? { step: 0 } : readPlace(after, queries.length)
  const query = queries[place.step]
  if (!query) return { twins: [], ...nextOf(place.step, undefined, queries.length) }
  const { after: begin } = place
  const page = { limit: MAX_PLANNED_TWINS, ...(begin !== undefined && { after: begin }) }
  const { rows, next } = await ports.registry.query(query, page)
  const twins: PlannedTwin[] = []
  const refs = rows.map((row) => JSON.parse(row) as DeviceRef)
  for (const entry of await ports.registry.listThese(refs)) {
    // Those that it is for came with the first query.
    const isSeen = place.step > 0 && proposed && isTarget(proposed.target, entry)
    if (isSeen) continue
    for (const subject of await subjectsOf({ ...ports, mayApply }, entry, { set, isEdge })) {
      const planned = planTwin(subject, { set, id }, { ...ports, mayApply })
      if (planned) twins.push(planned)
    }
  }
  return { twins, ...nextOf(place.step, next, queries.length) }
}

/** A twin; in the plan of a deployment each device with its modules, and those that it would bring. */
async function subjectsOf(
  { registry, now, mayApply }: ChangePlanPorts & { readonly mayApply: MayApply },
  entry: Entry,
  { set, isEdge }: { readonly set: ConfigurationSet; readonly isEdge: boolean },
): Promise<readonly Subject[]> {
  const { deviceId, moduleId } = entry.ref
  if (moduleId !== undefined) return [{ entry, device: await deviceOf({ registry }, entry, set) }]
  if (!isEdge) return [{ entry }]
  const modules = await registry.listModules(deviceId)
  const present = new Set(modules.map(({ ref }) => ref.moduleId))
  const named = entry.identity.iotEdge ? set.deployedModules(entry, mayApply) : []
  const missing = named.filter((name) => !present.has(name))
  const brought = missing.map((name) => newModule(entry, name, now()))
  return [{ entry }, ...[...modules, ...brought].map((each) => ({ entry: each, device: entry }))]
}

/** A module as it would be created. */
function newModule({ ref, identity }: Entry, moduleId: string, nowMs: number): Entry {
  const section = emptySection(nowMs)
  const twin = { etag: 1, version: 2, tags: {}, desired: section, reported: section }
  return { ref: { ...ref, moduleId }, identity, twin }
}

function planTwin(
  subject: Subject,
  { set, id }: { readonly set: ConfigurationSet; readonly id: string },
  { review, now, mayApply }: ChangePlanPorts & { readonly mayApply: MayApply },
): PlannedTwin | undefined {
  const applied = applyTo(subject, set, { nowMs: now(), mayApply, review })
  const refused = new Map<string, string>()
  for (const [of, { error }] of Object.entries(applied.entry.configured?.statuses ?? {})) {
    if (error !== undefined) refused.set(of, error)
  }
  const { changes } = planFor(subject, set, { mayApply, refused })
  const refusal = refused.get(id)
  if (changes.length === 0 && refusal === undefined) return undefined
  const { ref } = subject.entry
  return { ref, changes, ...(refusal !== undefined && { refusal }) }
}

async function deviceOf(
  { registry }: Pick<ChangePlanPorts, 'registry'>,
  { ref }: Entry,
  set: ConfigurationSet,
): Promise<Entry | undefined> {
  if (ref.moduleId === undefined || !set.hasDeployments) return undefined
  return registry.find({ deviceId: ref.deviceId })
}

function proposedSet(
  present: ConfigurationSet,
  proposal: Proposal,
  { author, nowMs }: { readonly author: WriteAuthor | undefined; readonly nowMs: number },
): { readonly id: string; readonly set: ConfigurationSet } {
  const without = (id: string) => present.all.filter(({ configuration }) => configuration.id !== id)
  if ('removed' in proposal) {
    const { removed: id } = proposal
    if (find(present, id)) return { id, set: new ConfigurationSet(without(id)) }
    throw new HubError('ConfigurationNotFound', `There is no configuration '${id.slice(0, 128)}'.`)
  }
  const { id } = proposal.configuration
  if (typeof id !== 'string') {
    throw new HubError('ArgumentInvalid', 'configuration must have an id.')
  }
  const written = readConfiguration(id, proposal.configuration)
  const stored = find(present, id)?.configuration
  const sequences = present.all.map(({ configuration }) => configuration.sequence)
  const configuration: Configuration = {
    ...{ id, ...written, createdMs: nowMs, revision: 1 },
    sequence: Math.max(0, ...sequences) + 1,
    ...stored,
    // Its content stays as it was created; everything else is as it is written.
    ...{ ...written, content: stored?.content ?? written.content },
    updatedMs: nowMs,
    author: stored ? authorAfter(stored, written.content, author ?? null) : (author ?? null),
  }
  return { id, set: new ConfigurationSet([...without(id), compile(configuration)]) }
}

function find({ all }: ConfigurationSet, id: string): Compiled | undefined {
  return all.find(({ configuration }) => configuration.id === id)
}

interface Place {
  readonly step: number
  readonly after?: string
}

function nextOf(step: number, after: string | undefined, steps: number): { next?: string } {
  if (after !== undefined) return { next: writePlace({ step, after }) }
  return step + 1 < steps ? { next: writePlace({ step: step + 1 }) } : {}
}

function writePlace(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url')
}

function readPlace(token: string, steps: number): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    const { step, after } = isJsonObject(place) ? place : {}
    const isStep = typeof step === 'number' && Number.isInteger(step) && step >= 0 && step < steps
    if (isStep && after === undefined) return { step }
    if (isStep && typeof after === 'string') return { step, after }
  } catch {
    // Refused below, as everything that is none of ours.
  }
  throw new HubError('ArgumentInvalid', 'The continuation token is not one of this plan.')
}
