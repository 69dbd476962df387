import type { GroupLookup } from '../../groups/group-lookup.ts'
import type { DatedWindow } from '../../groups/group-settings.ts'
import { observationOf } from '../alerts.ts'
import { eraSeverity } from '../catalogue.ts'
import type { Finding } from '../evaluate.ts'
import type { RuleSwitches } from '../switches.ts'
import { type Judge, learns, type Verdict } from './verdict.ts'

/**
 * How long after a maintenance window what happened in it may still be told. Devices send late, and
 * they choose the times of their events: without an end, every window would be a place to hide.
 */
export const MAX_MAINTENANCE_DELAY_MS = 24 * 3_600_000

/** What a suppression is asked; `Suppressions` fits. */
export interface SuppressionLookup {
  /** The id of the suppression that holds the finding back, if any does. */
  suppressedBy(finding: Finding, nowMs: number): Promise<string | undefined>
}

interface Sources {
  readonly switches: RuleSwitches
  readonly groups: GroupLookup
  readonly suppressions: SuppressionLookup
}

/**
 * The chain that every finding passes: is the rule off, does its group still learn, is it suppressed,
 * is it maintenance? The first that holds decides.
 */
export class Verdicts implements Judge {
  readonly #sources: Sources

  constructor(sources: Sources) {
    this.#sources = sources
  }

  groupOf(deviceId: string): Promise<string> {
    return this.#sources.groups.groupOf(deviceId)
  }

  async judge(found: Finding, nowMs: number): Promise<Verdict> {
    const { switches, groups, suppressions } = this.#sources
    const { deviceId } = found.record.header.ref
    const settings = await groups.settingsFor(deviceId)
    const switched = await switches.apply(asOfEra(found, settings.compat))
    if (typeof switched === 'string') return { kind: 'off', group: switched }
    const { learningUntilMs: untilMs, maintenanceWindows } = settings
    if (nowMs < untilMs && learns(found.rule.type)) {
      return { kind: 'learning', group: await groups.groupOf(deviceId), untilMs }
    }
    const suppressionId = await suppressions.suppressedBy(switched, nowMs)
    if (suppressionId !== undefined) return { kind: 'suppressed', suppressionId }
    const window = windowAt(maintenanceWindows, happenedMs(switched, nowMs), nowMs)
    if (!window) return { kind: 'raised', finding: switched }
    const maintenance = window.reason.trim() || 'Maintenance window.'
    return { kind: 'raised', finding: { ...switched, maintenance } }
  }
}

/**
 * With the severity that the published service had for one era's agents, where a security group asks
 * for that; what a rule says of this one finding stays, and so does what a switch says later.
 */
function asOfEra(finding: Finding, compat: 'legacy' | 'micro' | undefined): Finding {
  const { rule, match } = finding
  if (compat === undefined || match.severity !== undefined) return finding
  const severity = eraSeverity(rule.type.alertType, compat)
  return severity === undefined ? finding : { ...finding, match: { ...match, severity } }
}

/** What no event tells, such as silence, happens when it is noticed. */
function happenedMs(finding: Finding, nowMs: number): number {
  const { eventId, timeMs } = observationOf(finding)
  return eventId === '' ? nowMs : timeMs
}

function windowAt(
  windows: readonly DatedWindow[],
  atMs: number,
  nowMs: number,
): DatedWindow | undefined {
  return windows.find(
    ({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs && nowMs < toMs + MAX_MAINTENANCE_DELAY_MS,
  )
}
