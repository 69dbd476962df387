import type { HeldBack, LearnedValue } from '../../data/noise.ts'
import type { Finding } from '../evaluate.ts'
import type { AlertType } from '../rule.ts'

/** What becomes of a finding, before anybody looks at the alerts that there are. */
export type Verdict =
  /** Switched off for the security group, or for the whole hub (`''`). */
  | { readonly kind: 'off'; readonly group: string }
  /** The rule only collects until then, to learn what is usual in the group. */
  | { readonly kind: 'learning'; readonly group: string; readonly untilMs: number }
  | { readonly kind: 'suppressed'; readonly suppressionId: string }
  /**
   * It becomes an alert, with the severity that is set; with `maintenance`, one that is closed from
   * its beginning.
   */
  | { readonly kind: 'raised'; readonly finding: Finding }

/** Asked by everything that raises alerts. */
export interface Judge {
  /** @param nowMs  the time of the judgement: expiries count from here, so a replay judges alike */
  judge(finding: Finding, nowMs: number): Promise<Verdict>
  /** The security group of a device, in lower case. */
  groupOf(deviceId: string): Promise<string>
}

/**
 * The rules that learn (04 §4.3), with the extended properties of which the first that a finding
 * has is what there is to learn.
 */
const LEARNING: ReadonlyMap<string, readonly string[]> = new Map([
  ['IoT_SucessfulLocalLogin', ['User Name']],
  ['IoT_FileCreated', ['Directory']],
  ['IoT_FileModified', ['Directory']],
  ['IoT_FileDeleted', ['Directory']],
  ['IoT_SuspiciousUseradd', ['CommandLine']],
  ['IoT_EgressData', ['Remote Address', 'CommandLine']],
])

export function learns({ alertType }: AlertType): boolean {
  return LEARNING.has(alertType)
}

/** What to count of a judgement; `undefined` for an ordinary alert. Pure. */
export function heldBackOf(verdict: Verdict, finding: Finding, nowMs: number) {
  const what = reasonOf(verdict)
  return what && heldBack(what, finding, nowMs)
}

/** One finding that was held back. */
export function heldBack(
  { reason, by = '' }: { readonly reason: HeldBack['reason']; readonly by?: string },
  { rule, record }: Finding,
  nowMs: number,
): HeldBack {
  const { alertType } = rule.type
  const { deviceId } = record.header.ref
  return { reason, alertType, by, count: 1, lastMs: nowMs, lastDeviceId: deviceId }
}

function reasonOf(verdict: Verdict): Parameters<typeof heldBack>[0] | undefined {
  switch (verdict.kind) {
    case 'raised':
      return verdict.finding.maintenance === undefined ? undefined : { reason: 'maintenance' }
    case 'suppressed':
      return { reason: 'suppressed', by: verdict.suppressionId }
    default:
      return { reason: verdict.kind }
  }
}

/** What a finding of a group that learns teaches; `undefined` when it has no such property. */
export function lessonOf(
  { rule, record, match }: Finding,
  group: string,
): LearnedValue | undefined {
  const { alertType } = rule.type
  const { deviceId } = record.header.ref
  for (const name of LEARNING.get(alertType) ?? []) {
    const value = match.extendedProperties[name] ?? ''
    if (value !== '') return { group, alertType, name, value, deviceId }
  }
  return undefined
}
