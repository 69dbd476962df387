import type { Alert } from './alert.ts'
import { openOrUpdate } from './alerts.ts'
import { summarise } from './command-rule.ts'
import type { Finding } from './evaluate.ts'
import type { AlertType, RuleMemory } from './rule.ts'

/** New alerts of one device in one `RATE_WINDOW_MS`; further findings are held back and counted. */
export const MAX_NEW_ALERTS = 20
/** Begins with a device's first new alert after the window before. */
export const RATE_WINDOW_MS = 60 * 60 * 1000

const MEMORY = 'alertRate'
/** Counted apart: what was expected must not use up what is told of what comes after it. */
const EXPECTED_MEMORY = 'expectedAlertRate'

/** The one alert that stands for those that were held back. */
export const alertFlood: AlertType = {
  // Not of the published catalogue.
  number: 0,
  alertType: 'IoT_AlertFlood',
  displayName: 'Alert flood',
  severity: 'Medium',
  intent: 'Unknown',
  description:
    `The device raised more than ${MAX_NEW_ALERTS} new alerts within an hour. Further findings ` +
    'were held back and only counted here; their events are stored. Either the device is ' +
    'under attack, something wants to hide one alert among many, or a rule does not fit what this device does.',
  remediationSteps: [
    'Look at the alerts of this device from the beginning of the flood: the first ones ' +
      'usually say what started it.',
    'Check the severest of them as its own steps say; do not close them by their number.',
    'Read the raw events of the time of this alert for what was held back.',
    'If it is harmless and will go on, find the job that causes it and change the job or the rule.',
  ],
  techniques: [],
}

/**
 * Whether a device may open one more alert, and counts it if so. For findings of which `opensAlert`
 * says that they would; one that is not admitted goes to `holdBack`.
 *
 * @param memory  of the device; what is set takes effect with the commit, so a replay counts
 * nothing
 */
export function admitAlert(
  memory: RuleMemory,
  nowMs: number,
  { maintenance }: Pick<Finding, 'maintenance'> = {},
): boolean {
  const name = maintenance === undefined ? MEMORY : EXPECTED_MEMORY
  const { startMs, opened } = memory.get(name) ?? {}
  const isUnderWay =
    typeof startMs === 'number' && nowMs >= startMs && nowMs - startMs < RATE_WINDOW_MS
  const before = isUnderWay && typeof opened === 'number' ? opened : 0
  if (before >= MAX_NEW_ALERTS) return false
  memory.set(name, { startMs: isUnderWay ? startMs : nowMs, opened: before + 1 })
  return true
}

/** The finding under which a held-back one is counted: one alert per device and flood. */
export function floodFinding(finding: Finding): Finding {
  const { rule, record, match, element, maintenance } = finding
  const { deviceId } = record.header.ref
  return {
    rule: { type: alertFlood },
    record,
    element,
    ...(maintenance !== undefined && { maintenance }),
    match: {
      key: '',
      // With the type, since two rules may find something in one record and each of them counts.
      summary: summarise(rule.type.alertType, match.summary),
      entities: [{ type: 'host', hostName: deviceId }],
      extendedProperties: { DeviceId: deviceId, 'Held Back': '1' },
    },
  }
}

/**
 * Counts a flood finding; `Held Back` says how many findings there were. It is no new alert for
 * `admitAlert`.
 *
 * @param existing  the newest alert with the flood finding's `dedupeKey`
 */
export function holdBack(
  existing: Alert | undefined,
  flood: Finding,
  nowMs: number,
  makeId: () => string,
): Alert {
  const alert = openOrUpdate(existing, flood, nowMs, makeId)
  const extendedProperties = { ...alert.extendedProperties, 'Held Back': String(alert.count) }
  return alert === existing ? alert : { ...alert, extendedProperties }
}
