import {
  DEFAULT_ALERT_RETENTION_DAYS,
  expireAlerts,
  expireRecommendations,
} from '../findings/expiry.ts'
import type { SecurityOptions, SecurityPorts } from '../security-ports.ts'
import type { Serial } from '../serial.ts'

/** How often what is stored is checked for its age. */
const EXPIRY_INTERVAL_MS = 3_600_000
const DAY_MS = 24 * 3_600_000

/** Removes from time to time what was kept long enough. @returns a function that ends it */
export function startUpkeep(
  ports: SecurityPorts,
  { eventRetentionDays, alertRetentionDays = DEFAULT_ALERT_RETENTION_DAYS }: SecurityOptions,
  changes: Serial,
): () => void {
  const { events, clock, log } = ports
  return clock.every(EXPIRY_INTERVAL_MS, () => {
    const beforeMs = clock.now() - eventRetentionDays * DAY_MS
    events.expire(beforeMs).catch((error) => {
      log.error({ err: error }, 'old security events could not be removed')
    })
    expireAlerts(ports, changes, alertRetentionDays).catch((error) => {
      log.error({ err: error }, 'old alerts could not be removed')
    })
    expireRecommendations(ports, changes).catch((error) => {
      log.error({ err: error }, 'recommendations of removed devices remain')
    })
  })
}
