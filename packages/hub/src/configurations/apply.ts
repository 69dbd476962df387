import {
  HubError,
  MAX_PROPERTIES_BYTES,
  type TwinPatch,
  type TwinSection,
} from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import type { DesiredReview, WriteAuthor } from '../twins/desired-review.ts'
import { patchSection } from '../twins/patch.ts'
import type { ConfigurationSet, MayApply, Subject } from './compiled.ts'
import type { Configuration } from './configuration.ts'
import { isDone, type Plan, type PlanStep, planFor } from './plan.ts'

/** What is taken back is what a configuration had put there: no right is needed. */
const TAKEN_BACK: WriteAuthor = { name: 'configurations', rights: ['RegistryWrite'] }

/** How twins are written. */
export interface ApplyRules {
  readonly nowMs: number
  readonly mayApply: MayApply
  readonly review: Pick<DesiredReview, 'check'>
}

/** A twin after its plan. */
export interface Applied {
  /** The same object when there was nothing to do. */
  readonly entry: Entry
  /** What was written to desired; absent when the twin held it all. */
  readonly patch?: TwinPatch
  /** Properties whose change is to be audited, and who made it. */
  readonly audits: readonly { readonly names: readonly string[]; readonly author: WriteAuthor }[]
}

/**
 * Makes a twin hold what the configurations say, as one write. A configuration that cannot be applied,
 * because the twin would get too large or its author may not write that, is left out and says so in
 * its status; the next one gets its place. Pure.
 */
export function applyTo(subject: Subject, set: ConfigurationSet, rules: ApplyRules): Applied {
  const { entry } = subject
  const refused = new Map<string, string>()
  for (;;) {
    const plan = planFor(subject, set, { mayApply: rules.mayApply, refused })
    if (isDone(entry, plan)) return { entry, audits: [] }
    const { desired, audits, refusal } = perform(entry, plan.steps, rules)
    if (!refusal) return { entry: changed(entry, desired, plan), audits, ...patchOfPlan(plan) }
    refused.set(refusal.id, refusal.reason)
  }
}

interface Performed {
  readonly desired: TwinSection
  readonly audits: Applied['audits']
  readonly refusal?: { readonly id: string; readonly reason: string }
}

function perform({ ref, twin }: Entry, steps: readonly PlanStep[], rules: ApplyRules): Performed {
  const { version } = twin.desired
  const audits: { names: readonly string[]; author: WriteAuthor }[] = []
  let desired = twin.desired
  for (const { by, patch } of steps) {
    const author = by ? authorOf(by.configuration) : TAKEN_BACK
    try {
      // All steps are one write: each begins at the version before it.
      const start = { ...desired, version }
      const next = patchSection(start, patch, rules.nowMs, MAX_PROPERTIES_BYTES)
      const change = { written: patch, before: desired.values, after: next.values, author }
      const names = rules.review.check(ref, change)
      if (names.length > 0 && author) audits.push({ names, author })
      desired = next
    } catch (error) {
      if (!by || !(error instanceof HubError)) throw error
      return { desired, audits, refusal: { id: by.configuration.id, reason: error.message } }
    }
  }
  return { desired, audits }
}

function authorOf({ id, author }: Configuration): WriteAuthor | undefined {
  return author ? { ...author, name: `${author.name} (configuration ${id})` } : undefined
}

function changed(entry: Entry, desired: TwinSection, { steps, configured }: Plan): Entry {
  const { configured: _, ...rest } = entry
  const { twin } = entry
  const record = configured && { configured: { ...configured, version: desired.version } }
  if (steps.length === 0) return { ...rest, ...record }
  const written = { ...twin, desired, etag: twin.etag + 1, version: twin.version + 1 }
  return { ...rest, twin: written, ...record }
}

function patchOfPlan({ patch }: Plan): Pick<Applied, 'patch'> {
  return patch ? { patch } : {}
}
