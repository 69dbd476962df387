import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { Serial } from '../serial.ts'

/** How long alerts are kept after they ended, unless set otherwise. */
export const DEFAULT_ALERT_RETENTION_DAYS = 365
/** How long recommendations of a device are kept after it was removed. */
export const REMOVED_DEVICE_DAYS = 90
/** Findings that are removed in one step, so that messages are evaluated in between. */
export const EXPIRED_AT_ONCE = 500
const DAY_MS = 24 * 3_600_000

/**
 * Removes alerts that are Resolved or Dismissed and ended before their time. Open ones stay, however
 * old: nobody has said yet what became of them.
 *
 * @returns how many
 */
export async function expireAlerts(
  { findings, clock }: { readonly findings: FindingStore; readonly clock: Clock },
  changes: Serial,
  retentionDays: number,
): Promise<number> {
  const beforeMs = clock.now() - retentionDays * DAY_MS
  return repeat(changes, () => findings.expireAlerts(beforeMs, EXPIRED_AT_ONCE))
}

/** Removes recommendations of devices that are gone for `REMOVED_DEVICE_DAYS`. @returns how many */
export async function expireRecommendations(
  { findings, clock }: { readonly findings: FindingStore; readonly clock: Clock },
  changes: Serial,
): Promise<number> {
  const beforeMs = clock.now() - REMOVED_DEVICE_DAYS * DAY_MS
  return repeat(changes, () => findings.expireRecommendations(beforeMs, EXPIRED_AT_ONCE))
}

async function repeat(changes: Serial, expire: () => Promise<number>): Promise<number> {
  let removed = 0
  for (;;) {
    const step = await changes.run(expire)
    removed += step
    if (step < EXPIRED_AT_ONCE) return removed
  }
}
