import type { SettingValue } from '@twinward/protocol'
import { type CheckName, nameCheck } from './check-id.ts'

/** What an agent's configuration switches off: names of groups, numbers of checks, as written. */
export interface DisabledChecks {
  readonly groups: readonly string[]
  readonly checks: readonly string[]
}

/** Names that are kept of one list; a twin has no room for more. */
const MAX_NAMES = 1_000

export const NOTHING_DISABLED: DisabledChecks = { groups: [], checks: [] }

/**
 * What the effective configuration of a device switches off (security 02 §3): `Baseline_GroupsDisabled`
 * and `Baseline_ChecksDisabled`, comma lists. Legacy agents have no such settings. Pure.
 */
export function disabledChecks(effective: {
  readonly [name: string]: { readonly value: SettingValue | null }
}): DisabledChecks {
  const groups = namesIn(effective.Baseline_GroupsDisabled?.value)
  const checks = namesIn(effective.Baseline_ChecksDisabled?.value)
  return groups.length + checks.length === 0 ? NOTHING_DISABLED : { groups, checks }
}

/**
 * Whether a check is switched off. Group names are compared without case, blanks and punctuation:
 * `Time Synchronization` and `time_synchronization` are one. Pure.
 */
export function isCheckDisabled(check: CheckName, disabled: DisabledChecks): boolean {
  return disabledMatcher(disabled)(check)
}

/** As `isCheckDisabled`, for many checks. Pure. */
export function disabledMatcher({ groups, checks }: DisabledChecks): (check: CheckName) => boolean {
  if (groups.length + checks.length === 0) return () => false
  const ids = new Set([...checks, ...checks.map((id) => nameCheck({ id, group: '' }).id)])
  const keys = new Set(groups.map(keyOf))
  return (check) => {
    const { id, group } = nameCheck(check)
    return ids.has(id) || ids.has(check.id) || keys.has(keyOf(group))
  }
}

function namesIn(value: SettingValue | null | undefined): readonly string[] {
  if (typeof value !== 'string') return []
  const names = value.split(',').map((name) => name.trim())
  return [...new Set(names.filter((name) => name !== ''))].slice(0, MAX_NAMES)
}

function keyOf(group: string): string {
  return group.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}
