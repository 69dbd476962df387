import { type CheckDefinition, CIS_BENCHMARK, LEGACY_BENCHMARK } from './baseline.ts'
import { cisCheck } from './catalogue-cis.ts'
import { legacyCheck } from './catalogue-legacy.ts'

/** Longer descriptions are cut for lists. */
const MAX_TITLE_CHARACTERS = 160

/** One line on a check: what the agent says, else the catalogue, else its id. Pure. */
export function titleOf(
  { id, description }: Pick<CheckDefinition, 'id' | 'description'>,
  benchmark: string,
): string {
  const [line = ''] = description.trim().split('\n')
  return line.slice(0, MAX_TITLE_CHARACTERS) || catalogueTitle(id, benchmark) || id
}

/** What the catalogue says of a check, in our words; empty for one that is not in it. Pure. */
export function catalogueTitle(id: string, benchmark: string): string {
  if (benchmark === CIS_BENCHMARK) return cisCheck(id)?.title ?? ''
  return benchmark === LEGACY_BENCHMARK ? (legacyCheck(id)?.title ?? '') : ''
}

/** The group that the catalogue has a check in; `Other` for one that is not in it. Pure. */
export function catalogueGroup(id: string, benchmark: string): string {
  const known = benchmark === CIS_BENCHMARK ? cisCheck(id) : legacyCheck(id)
  return known?.group ?? 'Other'
}
